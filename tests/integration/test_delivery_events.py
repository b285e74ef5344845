"""What becomes of a mail once it left, and what follows: a dead address, the next one of a centre, another way to a person."""

import smtplib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import (
    clock,
    contact_resolution,
    dead_addresses,
    delivery,
    delivery_events,
    inbox,
    jobs,
    links,
    notices,
    transport,
)
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.delivery_events import Event, Recorded
from rdv.errors import RdvError
from rdv.models import CandidateRequest, DeadAddress, MailEvent, OutgoingMail, OutgoingSms, RequestEvent
from tests import make

NOW = "2026-11-24T08:00Z"


@pytest.fixture
def frozen(app, freeze):
    return freeze(NOW)


@pytest.fixture
def sent(monkeypatch):
    """What leaves, without a relay: the addresses, in order."""
    left = []
    monkeypatch.setattr(transport, "send", lambda _id, to, _content: left.append(to))
    return left


@pytest.fixture
def centre(frozen):
    """A training with an address of its own, in a place with another, in a centre with a third; its manager."""
    cfa = make.cfa(email="direction@cfa.example", phone="+33199000001")
    site = make.site(cfa, email="site@cfa.example", phone=None)
    make.manager(cfa, email="alice@cfa.example")
    return make.training(cfa, site, email="formation@cfa.example")


def ask(training, name="Zoé", email="zoe@courriel.example", phone="+33639980001"):
    with transaction():
        return inbox.open_request(
            "callback", training.cfa, Candidate(name, "Lambert", email, phone), Submission(f"{name:0>24}", "d"),
            clock.now(), training=training,
        )  # fmt: skip


def told(message_id, kind, key=None, at=None):
    event = Event(key or f"{message_id}:{kind}", kind, at or clock.now(), message_id)
    with transaction():
        return delivery_events.record(event, clock.now())


def mail_to(email, kind=None, **columns):
    wanted = {"to_email": email, **columns, **({"kind": kind} if kind else {})}
    return db.session.scalars(sa.select(OutgoingMail).filter_by(**wanted).order_by(OutgoingMail.id.desc())).first()


def kinds(email):
    return db.session.scalars(sa.select(OutgoingMail.kind).where(OutgoingMail.to_email == email)).all()


def thread(request, kind="mail_failed"):
    query = sa.select(RequestEvent.data).where(RequestEvent.request_id == request.id, RequestEvent.kind == kind)
    return list(db.session.scalars(query.order_by(RequestEvent.id)))


def dead():
    return dict(db.session.execute(sa.select(DeadAddress.email, DeadAddress.reason)).all())


# -- events -----------------------------------------------------------------------------------------------------------


def test_an_event_is_kept_once_and_the_latest_one_is_shown(centre, sent):
    ask(centre)
    delivery.deliver_due()
    mail = mail_to("zoe@courriel.example")
    bare = mail.message_id.strip("<>")
    now = clock.now()
    assert told(mail.message_id, "deferred", at=now - timedelta(minutes=5)) == Recorded.NEW
    assert told(bare, "delivered", at=now - timedelta(minutes=1)) == Recorded.NEW
    assert told(bare, "deferred", key="late", at=now - timedelta(minutes=3)) == Recorded.NEW  # out of order
    assert told(bare, "deferred", key="late", at=now) == Recorded.KNOWN
    assert told("<inconnu@localhost>", "hard_bounce") == Recorded.UNMATCHED
    assert mail_to("zoe@courriel.example").delivery == "delivered"
    assert told(bare, "complaint", key="ahead", at=now + timedelta(days=400)) == Recorded.NEW
    assert db.session.scalar(sa.select(sa.func.max(MailEvent.at))) == now
    assert dead() == {"zoe@courriel.example": "complaint"}
    for days, kept in ((182, 5), (184, 0)):
        jobs.purge(now + timedelta(days=days))
        assert db.session.scalar(sa.select(sa.func.count(MailEvent.id))) == kept


def test_soft_bounces_kill_an_address_only_when_nothing_else_comes(centre, frozen, sent):
    for number in range(5):
        ask(
            centre, name=f"Zoé{'abcde'[number]}", email="plein@courriel.example" if number else "autre@courriel.example"
        )
    ask(centre, name="Léa", email="plein@courriel.example")
    delivery.deliver_due()
    ids = db.session.scalars(
        sa.select(OutgoingMail.message_id).where(OutgoingMail.to_email == "plein@courriel.example")
    ).all()
    for _ in range(2):  # five mails, not five events of one
        for number, message_id in enumerate(ids[:4]):
            told(message_id, "soft_bounce", key=f"{message_id}:{_}:{number}")
    assert dead() == {}
    told(ids[4], "delivered", at=clock.now() - timedelta(days=3))
    told(ids[4], "soft_bounce", key="last")
    assert dead() == {}
    frozen.tick(days=11, seconds=1)  # what arrived once is forgotten, the others are not
    told(ids[4], "soft_bounce", key="again")
    assert dead() == {"plein@courriel.example": "soft_bounce"}


# -- a centre ---------------------------------------------------------------------------------------------------------


def test_each_address_of_a_centre_that_dies_leads_to_the_next_then_to_its_managers(centre, frozen, sent):
    make.training(centre.cfa, centre.sites[0], email="souvent@cfa.example")
    waits, other_cfa = ask(centre), ask(make.training(make.cfa(email="loin@cfa.example")), name="Tom")
    done = ask(centre, name="Léa", email="lea@courriel.example")
    with transaction():
        inbox.close(done, "answered", "staff", clock.now(), user=make.adviser(centre.cfa))
    delivery.deliver_due()
    steps = ("formation@cfa.example", "site@cfa.example", "direction@cfa.example", "souvent@cfa.example")
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        old_link = links.answer(waits)
        assert waits.recipient_email == step
        frozen.tick(minutes=1)
        told(mail_to(step, "cfa_new_request", status="sent").message_id, "hard_bounce")
        assert waits.recipient_email == following
        assert links.answer(waits).rsplit("/", 1)[1] != old_link.rsplit("/", 1)[1]
        delivery.deliver_due()
        assert sent.count(following or "alice@cfa.example") == 1
    assert [each["next"] for each in thread(waits)] == ["address", "address", "address", "managers"]
    assert (waits.status, done.recipient_email, other_cfa.recipient_email) == ("new", steps[0], "loin@cfa.example")
    assert kinds("zoe@courriel.example").count("centre_unreached") == 1  # told once, however many fail
    assert "01 99 00 00 01" in mail_to("zoe@courriel.example", "centre_unreached").message_bytes.decode().replace(
        "=C2=A0", " "
    )
    assert inbox.rebuild(waits) == inbox.state.of(waits)
    # Whoever asks from now on is sent to the living one at once; an address lifted is used again, and told again.
    assert ask(centre, name="Ali", email="ali@courriel.example").recipient_email is None
    lifted = db.session.scalars(sa.select(DeadAddress).where(DeadAddress.email == steps[1])).one()
    with transaction():
        dead_addresses.lift(lifted, make.service_member())
        resolved = contact_resolution.recipient_for(db.session(), centre, centre.sites[0], centre.cfa)
    assert resolved.email == steps[1]


def test_without_anybody_left_the_request_waits_and_the_candidate_is_told_so(frozen, sent):
    cfa = make.cfa(email="seule@cfa.example", phone=None)
    lea = ask(make.training(cfa))
    phone_only = ask(make.training(cfa), name="Tom", email=None)
    delivery.deliver_due()
    told(mail_to("seule@cfa.example").message_id, "blocked")
    assert [each["next"] for each in thread(lea) + thread(phone_only)] == ["nobody", "nobody"]
    assert mail_to("zoe@courriel.example", "centre_unreached") is not None
    texts = db.session.scalars(sa.select(OutgoingSms.kind).where(OutgoingSms.request_id == phone_only.id)).all()
    assert texts == ["centre_unreached"]
    assert (delivery.deliver_due(), delivery.deliver_texts()) == (1, 1)


def test_what_waits_for_a_dead_address_is_dropped_and_goes_on(centre, sent):
    request = ask(centre)  # its notice waits while the address dies
    with transaction():
        dead_addresses.declare("Formation@cfa.example", "hard_bounce", None, clock.now())
    delivery.deliver_due()
    delivery.deliver_due()
    notice = mail_to("formation@cfa.example")
    assert (notice.status, notice.last_error) == ("dropped", "dead address")
    assert sorted(sent) == ["site@cfa.example", "zoe@courriel.example", "zoe@courriel.example"]
    assert request.recipient_email == "site@cfa.example"


@pytest.mark.sqlite_only  # which address is chosen: the statements are those tried above
def test_an_address_that_died_while_nobody_was_to_answer_is_replaced_when_it_is_their_turn_again(centre, frozen, sent):
    request = ask(centre)
    delivery.deliver_due()
    with transaction():
        inbox.answer(request, "Oui.", "cfa_link", clock.now())
        dead_addresses.declare("formation@cfa.example", "hard_bounce", None, clock.now())
    frozen.tick(days=1)
    with transaction():
        inbox.reply(request, "Et le samedi ?", "form-1", clock.now())
    assert request.recipient_email == "site@cfa.example"
    assert mail_to("site@cfa.example", "candidate_replied", request_id=request.id) is not None


@pytest.mark.sqlite_only
@pytest.mark.parametrize("gone", ["dead", "inactive"])
def test_who_follows_a_request_and_cannot_be_told_leaves_it_to_those_who_heard_of_it(centre, frozen, gone):
    request, follower = ask(centre), make.adviser(centre.cfa, email="bob@cfa.example")
    with transaction():
        inbox.assign(request, follower, clock.now(), user=follower)
        if gone == "dead":
            dead_addresses.declare(follower.email, "hard_bounce", None, clock.now())
        else:
            follower.active = False
        inbox.reply(request, "Allô ?", "form-1", clock.now())
    assert mail_to("formation@cfa.example", "candidate_replied", request_id=request.id) is not None


# -- a person ---------------------------------------------------------------------------------------------------------


def booked(**request):
    cfa = make.cfa()
    slot = make.slot(make.adviser(cfa), make.site(cfa))
    contact = {"email": "zoe@courriel.example", "phone": "+33199001234", **request}
    held = make.booking(slot, request=contact)
    event = make.saved(RequestEvent(request_id=held.request_id, kind="booked", actor="candidate", at=clock.now()))
    with transaction():
        notices.to_candidate("booking_confirmed", held, event)
    return held


def test_a_confirmation_that_cannot_arrive_becomes_a_call(frozen, sent):
    held = booked()  # a landline: no text message
    before = booked(email="ZOE@autre.example".lower())
    delivery.deliver_due()
    told(mail_to("zoe@courriel.example").message_id, "hard_bounce")
    request = held.request
    assert (request.email_state, request.status) == ("dead", "new")
    assert request.due_at > clock.now()
    assert thread(request) == [{"why": "hard_bounce", "to": "candidate", "mail": "booking_confirmed"}]
    assert [each["why"] for each in thread(request, "reopened")] == ["mail_failed"]
    assert (before.request.email_state, before.request.status) == (None, "closed")
    with pytest.raises(RdvError, match="Appelez"), transaction():
        inbox.answer(request, "Bonjour", "staff", clock.now(), user=make.adviser(request.cfa))


@pytest.mark.parametrize(
    ("contact", "texts"),
    [({"phone": "+33639980001"}, 1), ({"asker": "parent", "asker_email": "nora@courriel.example"}, 0)],
    ids=["mobile", "parent"],
)
def test_nobody_calls_who_is_told_another_way(frozen, sent, contact, texts):
    held = booked(**contact)
    delivery.deliver_due()
    told(mail_to("zoe@courriel.example").message_id, "hard_bounce")
    assert (held.request.email_state, held.request.status) == ("dead", "closed")
    assert db.session.scalar(sa.select(sa.func.count(OutgoingSms.id))) == texts
    told(mail_to("zoe@courriel.example").message_id, "complaint")
    assert db.session.scalar(sa.select(sa.func.count(OutgoingSms.id))) == texts
    # What follows goes straight by text message: the mail would be dropped, and the person is told once.
    with transaction():
        event = make.saved(RequestEvent(request_id=held.request_id, kind="moved", actor="staff", at=clock.now()))
        held.sequence += 1
        notices.to_candidate("booking_moved", held, event)
    delivery.deliver_due()
    assert sent.count("zoe@courriel.example") == 1
    assert db.session.scalar(sa.select(sa.func.count(OutgoingSms.id))) == 2 * texts
    assert held.request.status == "closed"


def refuse(monkeypatch, code, words, kind=smtplib.SMTPRecipientsRefused):
    error = kind({"x": (code, words)}) if kind is smtplib.SMTPRecipientsRefused else kind(code, words)

    def send(*_mail):
        raise transport.NotSent(error, code, about_mail=True, words=words)

    monkeypatch.setattr(transport, "send", send)


@pytest.mark.parametrize(
    ("code", "words", "error", "why", "died"),
    [
        (550, b"5.1.1 no such user", smtplib.SMTPRecipientsRefused, "hard_bounce", True),
        (552, b"5.2.2 full", smtplib.SMTPRecipientsRefused, "soft_bounce", False),
        (550, b"5.7.1 relaying denied", smtplib.SMTPRecipientsRefused, "refused", False),
        (554, b"5.1.1 looks like spam", smtplib.SMTPDataError, "refused", False),
    ],
)
def test_a_permanent_refusal_tells_the_recipient_from_the_message(frozen, monkeypatch, code, words, error, why, died):
    refuse(monkeypatch, code, words, error)
    held = booked()
    delivery.deliver_due()
    mail = mail_to("zoe@courriel.example")
    assert (mail.status, mail.delivery) == ("failed", why if why != "refused" else None)
    assert bool(dead()) == died
    assert (held.request.email_state == "dead") == died
    assert held.request.status == "new"  # either way, they do not know
    assert thread(held.request) == [{"why": why, "to": "candidate", "mail": "booking_confirmed"}]


def test_automatic_mails_to_one_address_do_not_loop(frozen, sent, change_settings):
    change_settings(mail_most_per_day=3)
    held = booked()
    request = held.request
    for number in range(3):
        with transaction():
            notices.of_request("personal_link", request, f"{request.public_id}:{number}")
            notices.of_request("personal_link", make.candidate_request(request.cfa, email="zoe@courriel.example"), "x")
    delivery.deliver_due()
    mine = sa.select(OutgoingMail.status).where(OutgoingMail.request_id == request.id).order_by(OutgoingMail.id)
    assert db.session.scalars(mine).all() == ["sent", "sent", "sent", "failed"]
    assert mail_to("zoe@courriel.example").kind == "personal_link"
    # Somebody's own words still go; what must be known and is held back becomes a call.
    with transaction():
        inbox.answer(request, "Bonjour", "staff", clock.now(), user=make.adviser(request.cfa))
    delivery.deliver_due()
    assert db.session.scalars(mine).all()[-1] == "sent"
    with transaction():
        event = make.saved(RequestEvent(request_id=request.id, kind="moved", actor="staff", at=clock.now()))
        held.sequence += 1
        notices.to_candidate("booking_moved", held, event)
    delivery.deliver_due()
    assert request.status == "new"
    frozen.tick(days=1, seconds=1)
    with transaction():
        notices.of_request("personal_link", request, "tomorrow")
    delivery.deliver_due()
    assert db.session.scalars(mine).all()[-1] == "sent"
    assert db.session.scalars(sa.select(CandidateRequest.email_state)).all().count("dead") == 0
