"""The acceptance list of calendars, as far as bytes go (reference/ical.md §4): each check by its number.

Three readers that are not the writer's read everything back: vobject, Home Assistant's `ical`, ics.py.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rdv import clock, french, ical
from tests.support.calendars import READERS, events, lint, unfolded, values

START = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
MADE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
MEETING = ical.Meeting(
    uid="a1b2@rdv-apprentissage", sequence=3, created_at=MADE, updated_at=MADE + timedelta(hours=1), starts_at=START,
    ends_at=START + timedelta(minutes=30), summary="RDV Z. L.", location="3 rue du Parc, 59000 Lille",
    description="Référence : KTR-B48-26X", url="https://rdv.example/equipe/demandes/abc",
)  # fmt: skip
PARIS = clock.PARIS


def meeting(**changes: Any) -> ical.Meeting:
    return dataclasses.replace(MEETING, **changes)


def at(start: datetime, minutes: int = 30, **changes: Any) -> ical.Meeting:
    return meeting(starts_at=start, ends_at=start + timedelta(minutes=minutes), **changes)


def written(*meetings: ical.Meeting | ical.AllDay, name: str = "Agenda") -> bytes:
    data = ical.calendar(meetings or [MEETING], name)
    assert lint(data) == []
    return data


def read_by_all(data: bytes) -> list[dict[str, Any]]:
    return [reader(data) for reader in READERS.values()]


def instants(data: bytes) -> list[list[int]]:
    """Return the starts that each reader understood, as seconds since 1970."""
    return [sorted(int(event.start.timestamp()) for event in found.values()) for found in read_by_all(data)]


# -- F: the format ----------------------------------------------------------------------------------------------------


def test_f01_a_feed_of_nothing_is_a_calendar() -> None:
    data = ical.calendar([], "Vide")
    assert lint(data) == []
    assert str(icalendar.Calendar.from_ical(data)["x-wr-calname"]) == "Vide"
    assert read_by_all(data) == [{}, {}, {}]


@pytest.mark.parametrize("count", [1, 28, 1_000])
def test_f02_any_number_of_events_is_read_by_all(count: int) -> None:
    data = written(*(at(START + timedelta(hours=n), uid=f"{n}@rdv") for n in range(count)))
    assert [len(found) for found in read_by_all(data)] == [count] * 3


def test_f02_ten_thousand_events_are_counted() -> None:
    """By the linter: the readers of Python take a minute each (reference/ical.md §5.4)."""
    one = ical.event(MEETING)
    data = ical.joined((one.replace(b"a1b2@", b"%06d@" % n) for n in range(10_000)), "Grand")
    assert lint(data) == []
    assert len({uid for event in events(data) for uid in values(event, "UID")}) == 10_000


def test_f03_f04_lines_end_and_fold_as_the_standard_says() -> None:
    summary = "é" * 60 + "🎓" * 40
    data = written(meeting(summary=summary, description="à la croisée " * 60), name="À la croisée des chemins " * 8)
    assert [found[MEETING.uid].summary for found in read_by_all(data)] == [summary] * 3


def test_f05_every_code_point_is_kept() -> None:
    texts = ("👩‍🍳 cheffe", "🇫🇷🇷🇪", "👍🏽 oui", unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é"))
    for text in texts:
        data = written(meeting(summary=text, description=text))
        assert [found[MEETING.uid].summary for found in read_by_all(data)] == [text] * 3


@pytest.mark.parametrize(
    "text", ["a,b;c:d", "fin\\", 'dit "oui"', "un\ndeux", "=CMD()", "BEGIN:VEVENT", "100 % ; sûr, « oui »"]
)
def test_f06_special_characters_come_back(text: str) -> None:
    data = written(meeting(summary=text.replace("\n", " "), location=text.replace("\n", " "), description=text))
    for found in read_by_all(data):
        event = found[MEETING.uid]
        assert (event.summary, event.location, event.description) == (*[text.replace("\n", " ")] * 2, text)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\u2028", "\u2029", "\x85"])
def test_f06_f07_every_line_ending_becomes_one_and_injects_nothing(end: str) -> None:
    text = f"un{end}END:VEVENT{end}BEGIN:VEVENT{end}ATTENDEE:mailto:x@y.example"
    data = written(meeting(summary=text, description=text, location=text), name=text)
    assert len(events(data)) == 1
    assert not any(line.startswith("ATTENDEE") for line in unfolded(data))
    said = "un\nEND:VEVENT\nBEGIN:VEVENT\nATTENDEE:mailto:x@y.example"
    assert [found[MEETING.uid].description for found in read_by_all(data)] == [said] * 3


def test_f08_f10_what_no_reader_takes_never_goes_out() -> None:
    unwritable = "".join(map(chr, [*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0xD800, 0xDFFF]))
    text = f"a{unwritable}b"
    data = written(meeting(summary=text, description=text, location=text), name=text)
    assert [found[MEETING.uid].summary for found in read_by_all(data)] == ["ab"] * 3


def test_f09_a_long_description_is_read_whole() -> None:
    text = "Très long, à découvrir ; " * 800
    data = written(meeting(description=text))
    assert [found[MEETING.uid].description for found in read_by_all(data)] == [text] * 3


def test_f11_f12_f13_what_a_calendar_says_of_itself() -> None:
    name = "CFA « L’Étoile », Lille ; Nord"
    lines = unfolded(written(name=name))
    escaped = "CFA « L’Étoile »\\, Lille \\; Nord"
    assert lines[: lines.index("BEGIN:VEVENT")] == [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//RDV Apprentissage//Agenda//FR", "CALSCALE:GREGORIAN",
        f"NAME:{escaped}", f"X-WR-CALNAME:{escaped}", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H",
    ]  # fmt: skip


def test_f11_f24_nothing_that_names_people_rings_or_tells_the_address() -> None:
    data = written(MEETING, meeting(uid="b", cancelled=True), meeting(uid="c", free=True))
    for word in (b"ATTENDEE", b"ORGANIZER", b"VALARM", b"METHOD", b"VTIMEZONE", b"TZID", b"SOURCE", b"ATTACH"):
        assert word not in data


def test_f23_a_free_slot_makes_nobody_busy() -> None:
    (free,) = events(written(meeting(free=True)))
    assert {"TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:FREE", "STATUS:CONFIRMED"} <= set(free)


def test_f25_addresses_are_ascii() -> None:
    (event,) = events(written(meeting(url="https://x.example/é à?q=a;b,c", video="https://visio.example/salle/é")))
    assert values(event, "URL") == ["https://x.example/%C3%A9%20%C3%A0?q=a;b,c"]
    assert "CONFERENCE;FEATURE=VIDEO;VALUE=URI:https://visio.example/salle/%C3%A9" in event


# -- Z: time ----------------------------------------------------------------------------------------------------------


def wall(day: str, hour: str, zone: str, fold: int = 0) -> datetime:
    local = datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), tzinfo=ZoneInfo(zone)).replace(
        fold=fold
    )
    return local.astimezone(UTC)


def shown_at(zone: str, *walls: tuple[str, str]) -> tuple[list[int], list[timedelta | None]]:
    """Write meetings at these wall times; return the epochs that all readers agree on, and the offsets of the zone."""
    starts = [wall(day, hour, zone) for day, hour in walls]
    data = written(*(at(start, uid=f"{n}@rdv", zone=zone) for n, start in enumerate(starts)))
    wanted = sorted(int(start.timestamp()) for start in starts)
    assert instants(data) == [wanted] * 3
    return wanted, [start.astimezone(ZoneInfo(zone)).utcoffset() for start in starts]


def hours(*numbers: float) -> list[timedelta]:
    return [timedelta(hours=number) for number in numbers]


def test_z01_paris_around_both_changes() -> None:
    walls = [("2026-03-28", "10:00"), ("2026-03-29", "03:30"), ("2026-03-30", "10:00"), ("2026-10-24", "10:00"),
             ("2026-10-25", "01:30"), ("2026-10-25", "03:30"), ("2026-10-26", "10:00")]  # fmt: skip
    assert shown_at(PARIS, *walls)[1] == hours(1, 2, 2, 2, 2, 1, 1)


def test_z02_the_hour_that_autumn_repeats_stays_two_hours() -> None:
    first, second = (wall("2026-10-25", "02:30", PARIS, fold) for fold in (0, 1))
    assert second - first == timedelta(hours=1)
    data = written(at(first, uid="1@rdv"), at(second, uid="2@rdv"))
    assert instants(data) == [[int(first.timestamp()), int(second.timestamp())]] * 3


def test_z03_an_hour_that_spring_skips_is_refused() -> None:
    with pytest.raises(ValueError, match="n'existe pas"):
        clock.from_wall(date(2026, 3, 29), time(2, 30), PARIS)


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("America/Guadeloupe", -4), ("America/Martinique", -4), ("America/Cayenne", -3), ("Indian/Reunion", 4),
        ("Indian/Mayotte", 3), ("Pacific/Tahiti", -10), ("Pacific/Marquesas", -9.5), ("Pacific/Gambier", -9),
        ("Pacific/Noumea", 11), ("Pacific/Wallis", 12),
    ],
)  # fmt: skip
def test_z04_z05_z07_z08_z09_zones_without_change(zone: str, offset: float) -> None:
    walls = [(day, hour) for day in ("2026-01-15", "2026-07-15") for hour in ("09:00", "16:30")]
    assert shown_at(zone, *walls)[1] == hours(*[offset] * 4)


def test_z06_miquelon_changes_on_other_days_than_paris() -> None:
    walls = [(day, "10:00") for day in ("2026-03-07", "2026-03-09", "2026-10-31", "2026-11-02")]
    assert shown_at("America/Miquelon", *walls)[1] == hours(-3, -2, -2, -3)


@pytest.mark.parametrize(("zone", "utc"), [("Pacific/Noumea", "22:00"), ("Pacific/Wallis", "21:00")])
def test_z09_nine_in_the_pacific_is_the_day_before(zone: str, utc: str) -> None:
    start = wall("2026-12-02", "09:00", zone)
    (event,) = events(written(at(start, zone=zone)))
    assert values(event, "DTSTART") == [f"20261201T{utc.replace(':', '')}00Z"]
    assert "mercredi 2 décembre" in values(event, "DESCRIPTION")[0].replace("\u00a0", " ")  # the day people live there


@pytest.mark.parametrize("zone", [PARIS, *french.ZONE_NAMES])
def test_z04_to_z09_the_place_says_its_own_hour(zone: str) -> None:
    (event,) = events(written(at(wall("2026-07-15", "14:00", zone), zone=zone)))
    said = values(event, "DESCRIPTION")[0]
    assert ("14\u00a0h" in said and french.ZONE_NAMES[zone] in said) if zone != PARIS else "Heure du lieu" not in said


def test_z10_no_zone_is_named() -> None:
    data = written(at(START, zone="Indian/Reunion"))
    assert b"TZ" not in data


def test_z11_across_midnight_and_across_a_change() -> None:
    midnight = wall("2026-12-01", "23:45", PARIS)
    change = wall("2026-03-29", "01:45", PARIS)  # 45 minutes later it is 3:30
    data = written(at(midnight, 45, uid="1@rdv"), at(change, 45, uid="2@rdv"))
    for found in read_by_all(data):
        assert {event.end - event.start for event in found.values()} == {timedelta(minutes=45)}
    assert (change + timedelta(minutes=45)).astimezone(ZoneInfo(PARIS)).time() == time(3, 30)


def test_z12_years_after_2038() -> None:
    shown_at(PARIS, ("2038-01-20", "10:00"), ("2040-07-02", "10:00"), ("2049-03-28", "03:30"))


def test_whole_days_end_before_the_next_one() -> None:
    closed = ical.AllDay("c@rdv", 0, MADE, MADE, date(2026, 12, 21), date(2027, 1, 1), "Fermeture du centre")
    data = written(closed)
    assert {"DTSTART;VALUE=DATE:20261221", "DTEND;VALUE=DATE:20270102"} <= set(events(data)[0])
    for found in read_by_all(data):
        assert (found["c@rdv"].start, found["c@rdv"].end) == (date(2026, 12, 21), date(2027, 1, 2))


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1_577_836_800, 2_524_600_000).map(
        lambda second: datetime.fromtimestamp(second, tz=UTC)
    ),  # 2020 to 2049
    st.integers(5, 480),
    st.sampled_from([PARIS, *french.ZONE_NAMES]),
)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 60, PARIS)
@example(datetime(2026, 3, 29, 0, 59, tzinfo=UTC), 5, PARIS)
def test_the_instant_read_back_is_the_instant_stored(start: datetime, minutes: int, zone: str) -> None:
    end = start + timedelta(minutes=minutes)
    local, until = (each.astimezone(ZoneInfo(zone)) for each in (start, end))
    data = written(meeting(starts_at=local, ends_at=until, zone=zone))
    for found in read_by_all(data):
        event = found[MEETING.uid]
        assert (event.start, event.end) == (start, end)


def changes_of(zone: str) -> list[datetime]:
    """Return the instants of 2026 to 2028 when this zone changes its clocks."""
    hours_of = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(3 * 365 * 24)]
    offsets = [each.astimezone(ZoneInfo(zone)).utcoffset() for each in hours_of]
    return [hours_of[n] for n in range(1, len(hours_of)) if offsets[n] != offsets[n - 1]]


@pytest.mark.parametrize("zone", [PARIS, *french.ZONE_NAMES])
def test_every_zone_around_its_changes_and_across_its_midnight(zone: str) -> None:
    """Each half hour before and after each change of clocks, the repeated hour twice, and both sides of midnight."""
    changes = changes_of(zone)
    assert len(changes) == (6 if zone in (PARIS, "America/Miquelon") else 0)
    starts = {change + timedelta(minutes=minutes) for change in changes for minutes in range(-120, 121, 30)}
    starts |= {wall(day, "23:45", zone) for day in ("2026-01-31", "2026-07-14", "2026-12-31", "2028-02-29")}
    local = {n: start.astimezone(ZoneInfo(zone)) for n, start in enumerate(sorted(starts))}
    crossing = [each for each in local.values() if (each + timedelta(minutes=45)).date() > each.date()]
    assert len(crossing) >= 4
    if changes:
        hours_said = [each.replace(tzinfo=None) for each in local.values()]
        assert len(set(hours_said)) < len(hours_said)  # an hour of the clock that comes twice is among them
    data = written(
        *(
            meeting(uid=f"{n}@rdv", starts_at=each, ends_at=each.astimezone(UTC) + timedelta(minutes=45), zone=zone)
            for n, each in local.items()
        )
    )
    for found in read_by_all(data):
        for n, each in local.items():
            stored = each.astimezone(UTC)
            assert (found[f"{n}@rdv"].start, found[f"{n}@rdv"].end) == (stored, stored + timedelta(minutes=45))


@settings(deadline=None, max_examples=100)
@given(st.dates(date(2020, 1, 1), date(2049, 12, 31)), st.integers(0, 60))
@example(date(2026, 3, 29), 0)
@example(date(2026, 10, 25), 0)
@example(date(2026, 12, 31), 1)
def test_the_closed_days_read_back_are_the_days_stored(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    data = written(ical.AllDay("c@rdv", 0, MADE, MADE, first, last, "Fermeture du centre"))
    for found in read_by_all(data):
        assert (found["c@rdv"].start, found["c@rdv"].end) == (first, last + timedelta(days=1))
