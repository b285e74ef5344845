"""No lost mail (design.md §5.3), seen from inside: claims, what is still due, one rendering, waits, refusals."""

import smtplib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, delivery, mailer, outbox, transport
from rdv.db import db, transaction
from rdv.logs import JsonFormatter
from rdv.models import Booking, OutgoingMail, Slot
from tests import make
from tests.support.mail_cases import CASES, NOW, House, event


@pytest.fixture
def frozen(app, freeze):
    return freeze(NOW)


@pytest.fixture
def sent(monkeypatch):
    """What leaves, without a relay: (public_id, to, bytes)."""
    left = []
    monkeypatch.setattr(transport, "send", lambda *mail: left.append(mail))
    return left


def refuse(monkeypatch, error, **options):
    tries = []

    def send(*mail):
        tries.append(mail)
        raise transport.NotSent(error, **options)

    monkeypatch.setattr(transport, "send", send)
    return tries


def row(public_id="courriel-demo"):
    db.session.rollback()
    return db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.public_id == public_id)).one()


def update(target, **values):
    with transaction():
        for name, value in values.items():
            setattr(target, name, value)


# -- what happens to a mail -------------------------------------------------------------------------------------------


def test_a_mail_is_rendered_stored_sent_and_marked(frozen, sent):
    CASES["booking_confirmed"](House())
    assert delivery.deliver_due() == 1
    mail = row()
    assert (mail.status, mail.attempts, mail.sent_at) == ("sent", 1, clock.now())
    assert (mail.claimed_until, mail.claim_token, mail.last_error) == (None, None, None)
    assert mail.message_id == "<courriel-demo@localhost>"
    assert mail.subject.startswith("Rendez-vous confirmé")
    assert sent == [("courriel-demo", "zoe@courriel.example", mail.message_bytes)]
    assert delivery.deliver_due() == 0
    assert len(sent) == 1


def test_the_bytes_are_stored_before_the_first_try(frozen, monkeypatch):
    CASES["booking_confirmed"](House())
    seen = []

    def send(_public_id, _to, content):
        with db.engine.connect() as other:  # what another process would find
            seen.append(other.execute(sa.select(OutgoingMail.message_bytes)).scalar_one() == content)

    monkeypatch.setattr(transport, "send", send)
    delivery.deliver_due()
    assert seen == [True]


def test_nothing_is_locked_while_the_relay_speaks(frozen, monkeypatch):
    CASES["booking_confirmed"](House())

    def send(*_mail):
        assert not db.session().in_transaction()

    monkeypatch.setattr(transport, "send", send)
    assert delivery.deliver_due() == 1


def test_a_retry_sends_the_same_bytes_whatever_changed_meanwhile(frozen, monkeypatch):
    case = CASES["request_answered_by_adviser"](House())
    first = refuse(monkeypatch, smtplib.SMTPDataError(451, b"later"), code=451, about_mail=True)
    delivery.deliver_due()
    update(case.request.cfa, name="Un autre nom")
    frozen.tick(seconds=30)
    second = refuse(monkeypatch, smtplib.SMTPDataError(451, b"later"), code=451, about_mail=True)
    delivery.deliver_due()
    assert first[0][2] == second[0][2]


def test_a_mail_waits_for_its_hour(frozen, sent):
    mail = CASES["booking_confirmed"](House())
    update(mail, not_before=clock.now() + timedelta(minutes=1))
    assert delivery.deliver_due() == 0
    frozen.tick(minutes=1)
    assert delivery.deliver_due() == 1


def test_oldest_first_and_no_more_than_asked(frozen, sent):
    house = House()
    for number, minutes in enumerate((3, 9, 6)):
        when = clock.now() - timedelta(minutes=minutes)
        make.saved(OutgoingMail(public_id=f"m{number}", kind="password_changed", dedup_key=f"m{number}", to_email="a@b.example",
                                user_id=house.adviser.id, not_before=when))  # fmt: skip
    assert delivery.deliver_due(limit=2) == 2
    assert [mail[0] for mail in sent] == ["m1", "m2"]


def test_producers_may_repeat_themselves(frozen, sent):
    house = House()
    for _ in range(3):
        with transaction():
            outbox.enqueue("password_changed", house.adviser.email, "password_changed:1", user_id=house.adviser.id)
    assert delivery.deliver_due() == 1


# -- claims -----------------------------------------------------------------------------------------------------------


def test_a_claimed_mail_is_left_alone_until_the_claim_ends(frozen, sent):
    mail = CASES["booking_confirmed"](House())
    assert delivery.rounds.claim(delivery.MAILS, mail.id) is not None  # a worker takes it and dies
    assert delivery.rounds.claim(delivery.MAILS, mail.id) is None
    assert delivery.deliver_due() == 0
    frozen.tick(seconds=delivery.CLAIM.total_seconds())
    assert delivery.deliver_due() == 1
    assert row().attempts == 2


def test_who_slept_through_its_claim_changes_nothing(frozen, sent):
    mail = CASES["booking_confirmed"](House())
    sleeper = delivery.rounds.claim(delivery.MAILS, mail.id)
    frozen.tick(minutes=6)
    assert delivery.deliver_due() == 1
    before = row().message_bytes
    assert (
        delivery.rounds.deliver(delivery.MAILS, sleeper) == 1
    )  # the bytes are there: the same mail again, never another one
    delivery.rounds.set_back(delivery.MAILS, sleeper, RuntimeError())
    assert (row().status, row().message_bytes) == ("sent", before)
    assert sent[0][2] == sent[1][2]


def test_who_slept_before_rendering_sends_nothing_of_its_own(frozen, sent, monkeypatch):
    mail = CASES["booking_confirmed"](House())
    sleeper = delivery.rounds.claim(delivery.MAILS, mail.id)
    render = mailer.render

    def slow(row):
        rendered = render(row)
        frozen.tick(minutes=6)
        monkeypatch.setattr(mailer, "render", render)
        delivery.deliver_due()  # another process takes the mail, renders and sends it
        return rendered

    monkeypatch.setattr(mailer, "render", slow)
    assert delivery.rounds.deliver(delivery.MAILS, sleeper) == 0
    assert len(sent) == 1
    assert sent[0][2] == row().message_bytes


# -- failures ---------------------------------------------------------------------------------------------------------


def test_waits_grow_then_the_mail_is_given_up_and_an_operator_revives_it(frozen, monkeypatch):
    CASES["booking_confirmed"](House())
    tries = refuse(monkeypatch, smtplib.SMTPRecipientsRefused({"x": (451, b"")}), code=451, about_mail=True)
    waits = []
    for _ in range(20):
        delivery.deliver_due()
        if row().status == "failed":
            break
        assert delivery.deliver_due() == 0
        waits.append(row().not_before - clock.now())
        frozen.to(row().not_before)
    minutes = [wait.total_seconds() / 60 for wait in waits]
    assert minutes == [0.5, 1, 2, 5, 10, 30, 60, 120, 240]
    assert len(tries) == 10
    assert len({mail[2] for mail in tries}) == 1
    assert row().last_error == "SMTPRecipientsRefused 451"
    assert delivery.retry("inconnu") == 0
    assert delivery.retry(row().public_id) == 1
    monkeypatch.setattr(transport, "send", lambda *mail: tries.append(mail))
    assert delivery.deliver_due() == 1
    assert len({mail[2] for mail in tries}) == 1


def test_a_refused_recipient_is_given_up_at_once(frozen, monkeypatch):
    CASES["booking_confirmed"](House())
    refuse(monkeypatch, smtplib.SMTPRecipientsRefused({"zoe@courriel.example": (550, b"")}), code=550, about_mail=True)
    delivery.deliver_due()
    assert (row().status, row().last_error) == ("failed", "SMTPRecipientsRefused 550")


def _three(house):
    for number in range(3):
        make.saved(OutgoingMail(public_id=f"m{number}", kind="password_changed", dedup_key=f"m{number}", to_email="a@b.example",
                                user_id=house.adviser.id, not_before=clock.now()))  # fmt: skip


def test_a_relay_that_is_down_costs_one_attempt_of_one_mail(frozen, monkeypatch):
    _three(House())
    tries = refuse(monkeypatch, ConnectionRefusedError())
    delivery.deliver_due()
    assert len(tries) == 1
    assert [row(f"m{number}").attempts for number in range(3)] == [1, 0, 0]


def test_a_relay_that_is_down_for_a_weekend_loses_nothing(frozen, monkeypatch, sent):
    _three(House())
    down = refuse(monkeypatch, ConnectionRefusedError())
    for _ in range(3 * 24 * 2):
        delivery.deliver_due()
        frozen.tick(minutes=30)
    monkeypatch.setattr(transport, "send", lambda *mail: sent.append(mail))
    delivery.deliver_due()
    assert len(sent) == 3
    assert len(down) > 20


def test_a_relay_that_is_down_for_ever_ends_in_failures(frozen, monkeypatch):
    _three(House())
    refuse(monkeypatch, ConnectionRefusedError())
    frozen.tick(days=5)
    for _ in range(3):
        delivery.deliver_due()
    assert [row(f"m{number}").status for number in range(3)] == ["failed"] * 3


def test_a_mail_that_cannot_be_rendered_holds_nobody(frozen, sent):
    house = House()
    make.saved(
        OutgoingMail(
            public_id="sans-objet", kind="booking_confirmed", dedup_key="x", to_email="a@b.example",
            not_before=clock.now() - timedelta(hours=1),
        )
    )  # fmt: skip
    make.saved(
        OutgoingMail(
            public_id="inconnu", kind="genre_inconnu", dedup_key="y", to_email="a@b.example",
            not_before=clock.now() - timedelta(hours=1),
        )
    )  # fmt: skip
    CASES["booking_confirmed"](house)
    assert delivery.deliver_due() == 1
    assert (row("sans-objet").status, row("sans-objet").last_error) == ("pending", "LookupError")
    assert row("inconnu").last_error == "KeyError"
    assert row("inconnu").not_before == clock.now() + delivery.WAITS[0]


def test_errors_keep_no_address(frozen, monkeypatch, caplog):
    CASES["booking_confirmed"](House())
    refuse(monkeypatch, smtplib.SMTPRecipientsRefused({"zoe@courriel.example": (550, b"zoe@courriel.example unknown")}),
           code=550, about_mail=True)  # fmt: skip
    delivery.deliver_due()
    log = "\n".join(map(JsonFormatter().format, caplog.records))
    assert "courriel-demo" in log
    assert "zoe" not in log
    assert "zoe" not in row().last_error


# -- still due --------------------------------------------------------------------------------------------------------


def status_after(change, case):
    mail = CASES[case](House())
    change(mail)
    delivery.deliver_due()
    return row().status


def cancelled(mail):
    update(mail.booking, status="cancelled", cancelled_by="candidate")


def moved(mail):
    event(mail.request, "moved", "staff", data={})


def begun(mail):
    update(mail.booking.slot, starts_at=clock.now(), ends_at=clock.now() + timedelta(minutes=30))


def other_address(mail):
    update(mail.request, email="autre@courriel.example")


@pytest.mark.parametrize("case", ["booking_confirmed", "booking_moved"])
@pytest.mark.parametrize("change", [cancelled, moved, begun, other_address])
def test_no_confirmation_of_what_is_no_longer_so(frozen, sent, case, change):
    assert status_after(change, case) == "dropped"
    assert sent == []
    assert row().message_bytes is None


@pytest.mark.parametrize("case", ["adviser_new_booking", "adviser_booking_moved_here"])
@pytest.mark.parametrize("change", [cancelled, moved])
def test_no_news_to_an_adviser_of_what_changed_again(frozen, sent, case, change):
    assert status_after(change, case) == "dropped"


@pytest.mark.parametrize("case", ["request_received_callback", "request_answered_by_adviser", "personal_link"])
def test_personal_links_follow_a_corrected_address(frozen, sent, case):
    assert status_after(other_address, case) == "dropped"


def test_a_renamed_meeting_is_still_confirmed(frozen, sent):
    def renamed(mail):
        with transaction() as session:
            session.execute(sa.update(Booking).values(sequence=Booking.sequence + 1))
            session.execute(sa.update(Slot).values(version=Slot.version + 1))

    assert status_after(renamed, "booking_confirmed") == "sent"


def test_a_cancellation_is_told_even_after_the_hour(frozen, sent):
    assert status_after(begun, "booking_cancelled_by_cfa") == "sent"


def test_an_answered_request_is_not_announced(frozen, sent):
    def answered(mail):
        update(mail.request, status="waiting_candidate")

    assert status_after(answered, "cfa_new_request_without_account") == "dropped"


def test_a_reminder_does_not_leave_after_its_deadline(frozen, sent):
    def late(mail):
        update(mail, not_after=clock.now())

    assert status_after(late, "personal_link") == "dropped"


def membership_ended(mail):
    update(mail.user.memberships[0], ended_at=clock.now())


def account_closed(mail):
    update(mail.user, active=False)


def new_account_address(mail):
    update(mail.user, email="autre@cfa-tilleuls.example")


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("invitation", membership_ended),
        ("invitation", account_closed),
        ("invitation", new_account_address),
        ("password_reset", account_closed),
        ("password_reset", new_account_address),
        ("cfa_activation", lambda mail: update(mail.cfa, activated_at=clock.now())),
    ],
)
def test_account_mails_that_lost_their_object(frozen, sent, case, change):
    assert status_after(change, case) == "dropped"


def test_a_reset_asked_long_ago_is_forgotten(frozen, sent):
    assert status_after(lambda mail: frozen.tick(hours=2), "password_reset") == "dropped"


# -- the folder of development, the commands --------------------------------------------------------------------------


def test_in_development_mails_are_files_and_a_repeat_is_the_same_file(frozen, instance_dir):
    CASES["booking_confirmed"](House())
    delivery.deliver_due()
    content = row().message_bytes
    assert [path.name for path in (instance_dir / "outbox").iterdir()] == ["courriel-demo.eml"]
    assert (instance_dir / "outbox" / "courriel-demo.eml").read_bytes() == content
    transport.send("courriel-demo", "zoe@courriel.example", content)
    assert [path.name for path in (instance_dir / "outbox").iterdir()] == ["courriel-demo.eml"]


def test_operators_see_failures_without_addresses_and_retry(app, frozen, monkeypatch):
    CASES["booking_confirmed"](House())
    refuse(monkeypatch, smtplib.SMTPDataError(554, b"spam"), code=554, about_mail=True)
    delivery.deliver_due()
    run = app.test_cli_runner()
    listed = run.invoke(args=["mails", "list"]).output
    assert "1 en échec" in listed
    assert "courriel-demo  booking_confirmed  z…@courriel.example  1\u00a0essai  SMTPDataError 554" in listed
    assert run.invoke(args=["mails", "retry"]).exit_code == 2
    assert run.invoke(args=["mails", "retry", "inconnu"]).exit_code == 1
    assert "1\u00a0courriel remis en attente" in run.invoke(args=["mails", "retry", "courriel-demo"]).output
    assert row().status == "pending"
    assert "0\u00a0courriel remis" in run.invoke(args=["mails", "retry", "--tous"]).output


# -- speed ------------------------------------------------------------------------------------------------------------


def test_looking_for_work_does_not_read_the_mails_already_sent(frozen, engine_name):
    past = {"kind": "password_changed", "to_email": "a@b.example", "not_before": clock.now(), "created_at": clock.now(),
            "status": "sent", "attempts": 1, "data": {}}  # fmt: skip
    with transaction() as session:
        rows = [{**past, "public_id": f"s{number}", "dedup_key": f"s{number}"} for number in range(20_000)]
        session.execute(sa.insert(OutgoingMail), rows)
        session.execute(sa.text("ANALYZE outgoing_mail" if engine_name == "postgresql" else "ANALYZE"))
    query = delivery.rounds.due(delivery.MAILS, clock.now(), 50).compile(
        db.engine, compile_kwargs={"literal_binds": True}
    )
    explain = "EXPLAIN " if engine_name == "postgresql" else "EXPLAIN QUERY PLAN "
    plan = str(db.session.execute(sa.text(explain + str(query).replace(":", "\\:"))).all())
    assert "ix_outgoing_mail_pending" in plan, plan
