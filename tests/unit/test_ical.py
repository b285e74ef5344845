"""The bytes of calendars: what a strict reader demands, and that any text comes back as it was."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdv import clock, ical
from rdv.models import Booking, CandidateRequest, Cfa, MeetingType, Site, Slot

START = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
MADE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
MEETING = ical.Meeting(
    uid="a1b2@rdv-apprentissage",
    sequence=3,
    created_at=MADE,
    updated_at=MADE + timedelta(hours=1),
    starts_at=START,
    ends_at=START + timedelta(minutes=30),
    summary="RDV Z. L.",
    location="3 rue du Parc, 59000 Lille",
    description="Référence : KTR-B48-26X",
    url="https://rdv.example/equipe/demandes/abc",
)


US = ical.Organizer("rdv@rdv-apprentissage.example", "CFA des Tilleuls via RDV Apprentissage")


def meeting(**changes: Any) -> ical.Meeting:
    return dataclasses.replace(MEETING, **changes)


def written(*meetings: ical.Meeting, name: str = "Agenda") -> bytes:
    return ical.calendar(meetings or [MEETING], name)


def read(data: bytes) -> Any:
    """Return the only event, having looked at what the lenient reader noted."""
    calendar = icalendar.Calendar.from_ical(data)
    (event,) = calendar.events
    assert not calendar.errors
    assert not event.errors
    return event


def lines(data: bytes) -> list[str]:
    """Return content lines, unfolded."""
    return data.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def test_the_whole_of_a_feed() -> None:
    assert lines(written()) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//RDV Apprentissage//Agenda//FR",
        "CALSCALE:GREGORIAN",
        "NAME:Agenda",
        "X-WR-CALNAME:Agenda",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "BEGIN:VEVENT",
        "SUMMARY:RDV Z. L.",
        "DTSTART:20261201T130000Z",
        "DTEND:20261201T133000Z",
        "DTSTAMP:20261124T090000Z",
        "UID:a1b2@rdv-apprentissage",
        "SEQUENCE:3",
        "CLASS:PRIVATE",
        "CREATED:20261124T080000Z",
        "DESCRIPTION:Référence : KTR-B48-26X",
        "LAST-MODIFIED:20261124T090000Z",
        "LOCATION:3 rue du Parc\\, 59000 Lille",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "URL:https://rdv.example/equipe/demandes/abc",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def test_a_cancelled_meeting_is_shown_as_such_and_leaves_the_hour_free() -> None:
    found = set(lines(written(meeting(cancelled=True))))
    assert {"STATUS:CANCELLED", "TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"} <= found
    assert "SUMMARY:Annulé\u00a0: RDV Z. L." in found


def test_the_same_data_gives_the_same_bytes() -> None:
    first = written(MEETING, meeting(uid="b"))
    assert written(MEETING, meeting(uid="b")) == first


def test_empty_places_are_left_out() -> None:
    found = "\n".join(lines(written(meeting(location="", description="", url=""))))
    assert not re.search("LOCATION|DESCRIPTION|URL", found)


@settings(deadline=None)
@given(st.text(), st.text(), st.text(max_size=40))
def test_any_text_is_read_back(summary: str, description: str, name: str) -> None:
    data = written(meeting(summary=summary, description=description), name=name)
    for line in data.split(b"\r\n"):
        assert len(line) <= 75
    event = read(data)
    for field, text in (("summary", summary), ("description", description)):
        assert str(event.get(field, "")) == _writable(text)


def _writable(text: str) -> str:
    text = re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text)
    kept = (ch for ch in text if ch in "\n\t" or unicodedata.category(ch) not in ("Cc", "Cs") or "\x80" <= ch <= "\x9f")
    return "".join(kept)


def test_instants_of_any_offset_go_out_in_utc() -> None:
    elsewhere = START.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    assert written(meeting(starts_at=elsewhere, updated_at=MEETING.updated_at.astimezone(ZoneInfo("Asia/Tokyo")))) == (
        written()
    )


@pytest.mark.parametrize("field", ["starts_at", "ends_at", "created_at", "updated_at"])
def test_naive_instants_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match="naive"):
        meeting(**{field: datetime(2026, 12, 1, 14, 0)})  # noqa: DTZ001


def test_a_meeting_does_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="ends after"):
        meeting(ends_at=START)


# -- the candidate's file -------------------------------------------------------------------------------------------


def a_booking(**changes: Any) -> Booking:
    cfa = Cfa(name="CFA des Tilleuls", phone="+33199001234")
    site = Site(
        cfa=cfa, name="Site du Parc", address="3 rue du Parc", postal_code="59000", city="Lille", timezone=clock.PARIS
    )
    slot = Slot(
        site=site,
        meeting_type=MeetingType(title="Entretien", instructions="Sonnez à l’accueil.", what_to_bring="Un CV"),
        place="on_site",
        place_detail="salle 4",
        starts_at=START,
        ends_at=START + timedelta(minutes=30),
    )
    request = CandidateRequest(
        reference="KTR-B48-26X", first_name="Zoé", last_name="Lambert", email="zoe@courriel.example"
    )
    values = {
        "uid": "u@rdv-apprentissage",
        "sequence": 1,
        "status": "booked",
        "created_at": MADE,
        "updated_at": MADE,
        "starts_at": START,
    }
    return Booking(slot=slot, request=request, **{**values, **changes})


def test_the_file_of_a_candidate() -> None:
    data = ical.booking_file(a_booking(), US)
    event = read(data)
    assert (str(event["uid"]), event["sequence"], event.start) == ("u@rdv-apprentissage", 1, START)
    assert str(event["summary"]) == "Entretien – Site du Parc"
    assert str(event["location"]) == "Site du Parc, salle 4, 3 rue du Parc, 59000 Lille"
    said = str(event["description"])
    for part in ("Sonnez à l’accueil.", "À apporter\u00a0: Un CV", "KTR-B48-26X", "01\u00a099\u00a000\u00a012\u00a034"):
        assert part in said
    assert b"/suivi/" not in data
    assert b"@courriel" not in data
    assert b"REFRESH" not in data
    assert ical.booking_file(a_booking(), US) == data


def test_the_file_of_a_cancelled_booking_cancels() -> None:
    event = read(ical.booking_file(a_booking(status="cancelled", sequence=2), US))
    assert (event["status"], event["sequence"]) == ("CANCELLED", 2)


@pytest.mark.parametrize(
    ("place", "detail", "said"),
    [
        ("phone", None, "Par téléphone"),
        ("video", "https://visio.example/abc", "Visioconférence\u00a0: https://visio.example/abc"),
        ("video", None, "Visioconférence"),
    ],
)
def test_where_without_an_address(place: str, detail: str | None, said: str) -> None:
    assert ical.where(place, detail, a_booking().slot.site) == said
