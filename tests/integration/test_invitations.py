"""Invitations by mail: the acceptance list M of reference/ical.md §4, each check by its number; then those of the staff."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote

import icalendar
import pytest
import sqlalchemy as sa
from flask import Flask

from rdv import booking, changes, clock, delivery, feeds, ical, invitations, jobs, mailer, slots, transport
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import Booking, OutgoingMail, SentInvitation, Slot, User
from tests.support.calendars import READERS, events, lint, unfolded, values
from tests.support.frozen import FrozenClock
from tests.support.mail_cases import CASES, NOW, House

US = "rdv@rdv-apprentissage.example"


@pytest.fixture
def now(app: Flask, freeze: Callable[[str], FrozenClock]) -> FrozenClock:
    return freeze(NOW)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bytes]]:
    """What leaves, without a relay: (public_id, to, bytes)."""
    left: list[tuple[str, str, bytes]] = []
    monkeypatch.setattr(transport, "send", lambda *mail: left.append(mail))
    return left


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def objects(message: EmailMessage) -> Iterator[bytes]:
    """Yield the calendar objects of a mail: the part that mailboxes read, then the file."""
    for part in message.walk():
        if part.get_content_type() in ("text/calendar", "application/ics"):
            yield part.get_payload(decode=True)


def invited(message: EmailMessage) -> list[str]:
    """Return the content lines of the invitation, having looked at its bytes."""
    data = next(objects(message))
    assert lint(data) == []
    return unfolded(data)


def book(slot: Slot, email: str = "zoe@courriel.example") -> Booking:
    candidate = Candidate("Zoé", "Lambert", email, "+33199001234")
    with transaction():
        made = booking.book(slot, candidate, Submission(f"{slot.public_id}{email}"[:32], "d"), clock.now())
    return db.session.scalars(sa.select(Booking).where(Booking.request_id == made.request_id)).one()


# -- M ----------------------------------------------------------------------------------------------------------------


@pytest.mark.sqlite_only  # bytes
@pytest.mark.parametrize(
    ("case", "method"),
    [("booking_confirmed", "REQUEST"), ("booking_moved", "REQUEST"), ("booking_changed", "REQUEST"),
     ("booking_cancelled_by_cfa", "CANCEL"), ("adviser_invitation", "REQUEST"), ("adviser_invitation_taken_back", "CANCEL")],
)  # fmt: skip
def test_m01_m02_m04_the_tree_and_the_people(now: FrozenClock, case: str, method: str) -> None:
    case = next(name for name in sorted(CASES) if name.startswith(case))
    row = CASES[case](House())
    message = parsed(mailer.render(row).content)
    assert message.get_content_type() == "multipart/mixed"
    first, file = message.iter_parts()  # Outlook looks for invitations in the first child alone
    assert first.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in first.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    calendar = list(first.iter_parts())[-1]
    assert calendar.get_param("method") == method
    assert calendar.get_content_charset() == "utf-8"
    assert (calendar["Content-Transfer-Encoding"], calendar["Content-Disposition"]) == ("base64", None)
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "invitation.ics")
    assert file["Content-Disposition"].startswith("attachment")
    one, same = objects(message)
    assert one == same
    lines = invited(message)
    assert lines.count(f"METHOD:{method}") == 1
    (event,) = events(one)
    (organizer,) = values(event, "ORGANIZER")
    (attendee,) = values(event, "ATTENDEE")
    sender = message["From"].addresses[0].addr_spec
    assert (organizer, unquote(attendee)) == (f"mailto:{sender}", f"mailto:{message['To']}")
    assert values(event, "STATUS") == ["CANCELLED" if method == "CANCEL" else "CONFIRMED"]
    for name in ("SEQUENCE", "DTSTAMP", "DTSTART", "DTEND"):
        assert len(values(event, name)) == 1
    (person,) = [line for line in event if line.startswith("ATTENDEE")]
    assert "RSVP=FALSE" in person
    assert "PARTSTAT=ACCEPTED" in person
    assert not any(re.match("NAME|X-WR-|REFRESH|BEGIN:VALARM", line) for line in lines)
    for reader in READERS.values():
        assert len(reader(one)) == 1
    assert b"/suivi/" not in one  # whoever they share their calendar with could cancel


def test_m03_m06_one_meeting_goes_on_through_mails_and_feed(
    now: FrozenClock, sent: list[tuple[str, str, bytes]]
) -> None:
    house = House()
    with transaction():
        secret = feeds.create(house.adviser, house.cfa, feeds.Choice(), "Téléphone")
    made = book(house.slot())
    target = house.slot(public_id="autre", starts_at="2026-12-02T09:00")
    told = []

    def mailed() -> None:
        delivery.deliver_due()
        told.append(invited(parsed(next(content for _, to, content in reversed(sent) if to == "zoe@courriel.example"))))

    mailed()
    now.tick(minutes=10)
    with transaction():
        booking.move(made, target, "staff", clock.now())
    mailed()
    now.tick(minutes=10)
    with transaction():
        booking.cancel(made, "candidate", clock.now())
    mailed()
    assert [values(lines, "METHOD") for lines in told] == [["REQUEST"], ["REQUEST"], ["CANCEL"]]
    assert [values(lines, "SEQUENCE") for lines in told] == [["0"], ["1"], ["2"]]
    assert {*map(tuple, (values(lines, "UID") for lines in told))} == {(made.uid,)}
    stamps = [values(lines, "DTSTAMP")[0] for lines in told]
    assert stamps == sorted(set(stamps))
    assert [values(lines, "DTSTART") for lines in told] == [
        ["20261201T130000Z"], ["20261202T080000Z"], ["20261202T080000Z"],
    ]  # fmt: skip
    polled = feeds.poll(secret, clock.now())
    assert polled is not None
    (event,) = events(feeds.body(polled.feed, clock.now()))
    assert (values(event, "UID"), values(event, "SEQUENCE")) == ([made.uid], ["2"])


def test_m03_a_change_of_place_is_an_update(now: FrozenClock, sent: list[tuple[str, str, bytes]]) -> None:
    house = House()
    with transaction():
        secret = feeds.create(house.adviser, house.cfa, feeds.Choice(), "Téléphone")
    made = book(house.slot(place_detail="Salle 12"))
    delivery.deliver_due()
    now.tick(minutes=10)
    reached = changes.reached(made.slot, "one", clock.now())
    decided = {made.slot.public_id: changes.Decision("apply")}
    with transaction():
        changes.apply(
            made.slot, "one", changes.Change(values={"place_detail": "Salle 14"}), decided, changes.seen_of(reached, None),
            clock.now(), house.adviser,
        )  # fmt: skip
    delivery.deliver_due()
    mailed = [parsed(content) for _, to, content in sent if to == "zoe@courriel.example"]
    first, second = (invited(message) for message in mailed)
    assert [values(lines, "METHOD") for lines in (first, second)] == [["REQUEST"], ["REQUEST"]]
    assert [values(lines, "SEQUENCE") for lines in (first, second)] == [["0"], ["1"]]
    assert values(first, "UID") == values(second, "UID") == [made.uid]
    assert values(second, "DTSTAMP") > values(first, "DTSTAMP")
    assert values(second, "DTSTART") == values(first, "DTSTART")
    assert "Salle 14" in values(second, "LOCATION")[0]
    polled = feeds.poll(secret, clock.now())
    assert polled is not None
    (event,) = events(feeds.body(polled.feed, clock.now()))
    assert (values(event, "UID"), values(event, "SEQUENCE")) == ([made.uid], ["1"])


def test_m05_a_retry_sends_the_same_bytes(now: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    book(house.slot())
    tries: dict[str, list[bytes]] = {}

    def send(_public_id: str, to: str, content: bytes) -> None:
        tries.setdefault(to, []).append(content)
        if to == "zoe@courriel.example" and len(tries[to]) < 3:
            raise transport.NotSent(TimeoutError())

    monkeypatch.setattr(transport, "send", send)
    for _ in range(4):
        delivery.deliver_due()
        now.tick(minutes=31)
    first, *again = tries["zoe@courriel.example"]
    assert again == [first, first]
    assert values(invited(parsed(first)), "SEQUENCE") == ["0"]


@pytest.mark.parametrize(
    "address",
    ["Zoé".encode("ascii", "ignore").decode() + "+tag@courriel.example", "PRENOM.Nom@Courriel.Example",
     "o'neil=x@courriel.example", "zoe@xn--acadmie-d1a.example"],
)  # fmt: skip
def test_m07_the_attendee_is_the_address_the_mail_goes_to(address: str) -> None:
    meeting = _meeting()
    data = ical.invitation(meeting, ical.Organizer(US, "CFA"), address, clock.now())
    (event,) = events(data)
    (attendee,) = values(event, "ATTENDEE")
    assert attendee.isascii()
    assert unquote(attendee) == f"mailto:{address}"


@pytest.mark.parametrize(
    "name", ['Le "Port"', "Nord, Lille", "CFA : Sud", "deux\nlignes", "deux\r\nATTENDEE:mailto:x@y.example"]
)
def test_m08_any_name_of_a_centre_is_a_name(name: str) -> None:
    data = ical.invitation(_meeting(), ical.Organizer(US, name), "zoe@courriel.example", clock.now())
    assert lint(data) == []
    (event,) = events(data)
    assert values(event, "ATTENDEE") == ["mailto:zoe@courriel.example"]
    read = icalendar.Calendar.from_ical(data).events[0]["organizer"].params["CN"]
    assert " ".join(str(read).split()) == " ".join(name.split())


def test_m09_nobody_invites_themself(now: FrozenClock, sent: list[tuple[str, str, bytes]]) -> None:
    house = House()
    with transaction():
        invitations.want(house.adviser, True, clock.now())
    made = book(house.slot(), email=house.adviser.email)  # with themself
    book(house.slot(public_id="autre", starts_at="2026-12-02T09:00"), email=US)  # our own address, typed by somebody
    jobs.invite_advisers(clock.now())
    delivery.deliver_due()
    for _, to, content in sent:
        if to == US:
            assert not list(objects(parsed(content)))
    own = [parsed(content) for _, to, content in sent if to == house.adviser.email]
    about = [values(invited(message), "UID") for message in own if list(objects(message))]
    assert about.count([made.uid]) == 1
    with transaction():
        house.adviser.email = US
    book(house.slot(public_id="encore", starts_at="2026-12-03T09:00"))
    jobs.invite_advisers(clock.now())
    assert not [row for row in written(house.adviser) if row.to_email == US]


def test_m10_an_answer_from_a_calendar_is_asked_of_nobody(now: FrozenClock) -> None:
    """Nothing reads answers: none is asked, and the invitation says so where one would answer."""
    message = parsed(mailer.render(CASES["booking_confirmed"](House())).content)
    said = values(invited(message), "DESCRIPTION")[0]
    assert "Répondre dans l’agenda ne prévient pas le centre de formation." in said
    assert "votre lien personnel" in said


def test_the_file_to_download_publishes_what_the_mail_invites_to(now: FrozenClock) -> None:
    house = House()
    made = house.booking(house.slot())
    data = ical.booking_file(made, invitations.organizer(house.cfa))
    lines = unfolded(data)
    assert "METHOD:PUBLISH" in lines
    assert values(lines, "ATTENDEE") == []
    assert values(lines, "ORGANIZER") == [f"mailto:{US}"]
    assert values(lines, "UID") == [made.uid]


def _meeting() -> ical.Meeting:
    start = datetime(2026, 12, 1, 13, tzinfo=UTC)
    return ical.Meeting("u@rdv", 0, start, start, start, start + timedelta(minutes=30), "Entretien")


# -- those of the staff -----------------------------------------------------------------------------------------------


def written(person: User) -> list[OutgoingMail]:
    db.session.rollback()
    query = sa.select(OutgoingMail).where(OutgoingMail.kind == "adviser_invitation", OutgoingMail.user_id == person.id)
    return list(db.session.scalars(query.order_by(OutgoingMail.id)))


def news(person: User, known: int) -> list[tuple[str, str, int]]:
    jobs.invite_advisers(clock.now())
    return [(row.data["method"], row.data["uid"], row.data["sequence"]) for row in written(person)[known:]]


def test_advisers_who_ask_are_invited_whatever_changes_and_whoever_did_it(
    now: FrozenClock, sent: list[tuple[str, str, bytes]]
) -> None:
    house = House()
    before = house.booking(house.slot(public_id="avant", starts_at="2026-11-30T09:00"))
    with transaction():
        invitations.want(house.adviser, True, clock.now())
    assert news(house.adviser, 0) == []  # what they know already is sent again only when it changes
    now.tick(minutes=5)
    made = book(house.slot())
    assert news(house.adviser, 0) == [("REQUEST", made.uid, 0)]
    assert news(house.adviser, 1) == []  # once
    now.tick(minutes=5)
    with transaction():
        booking.move(
            made, house.slot(public_id="apres", starts_at="2026-12-02T09:00"), "staff", clock.now(), house.adviser
        )
    assert news(house.adviser, 1) == [("REQUEST", made.uid, 1)]  # by themself: no notice tells it
    with transaction():
        made.request.first_name, house.interview.title = "Zoélie", "Premier échange"
    assert news(house.adviser, 2) == []  # neither hour nor place
    with transaction():
        made.slot.place_detail = "salle 4"
    assert news(house.adviser, 2) == [("REQUEST", made.uid, 2)]  # place: above what was sent
    now.tick(minutes=5)
    with transaction():
        booking.move(
            made,
            house.slot(public_id="elle", starts_at="2026-12-03T09:00", adviser=house.colleague),
            "staff",
            clock.now(),
        )
    assert news(house.adviser, 3) == [("CANCEL", made.uid, 3)]
    with transaction():
        booking.cancel(before, "candidate", clock.now())
    assert news(house.adviser, 4) == []  # they never had it from us
    for _ in range(5):
        delivery.deliver_due()
    left = [
        invited(parsed(content))
        for _, to, content in sent
        if to == house.adviser.email and list(objects(parsed(content)))
    ]
    assert [values(lines, "METHOD") for lines in left] == [["CANCEL"]]  # the last word alone
    assert "Lambert" not in str(left)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SentInvitation)) == 0


def test_a_session_is_one_invitation_whatever_the_number_of_people(now: FrozenClock) -> None:
    house = House()
    with transaction():
        invitations.want(house.adviser, True, clock.now())
    group = house.slot(kind=house.meeting, capacity=12)
    uid = f"{group.public_id}@rdv-apprentissage"
    assert [(method, of) for method, of, _ in news(house.adviser, 0)] == [("REQUEST", uid)]
    book(group)
    assert news(house.adviser, 1) == []
    now.tick(minutes=5)
    with transaction():
        slots.cancel(group, clock.now(), house.adviser)
    assert [(method, of) for method, of, _ in news(house.adviser, 1)] == [("CANCEL", uid)]


def test_who_asked_no_longer_or_left_is_sent_nothing_more(now: FrozenClock, sent: list[tuple[str, str, bytes]]) -> None:
    house = House()
    with transaction():
        invitations.want(house.adviser, True, clock.now())
    book(house.slot())
    assert len(news(house.adviser, 0)) == 1
    with transaction():
        invitations.want(house.adviser, False, clock.now())
    delivery.deliver_due()
    assert [row.status for row in written(house.adviser)] == ["dropped"]
    assert news(house.adviser, 1) == []
