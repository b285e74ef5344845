"""Series published: their rule in words, and the slots still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, clock, french, slots
from rdv import series as domain
from rdv.models import Booking, MeetingType, Slot, SlotSeries
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person


@dataclass(frozen=True)
class Card:
    """A series in the list."""

    href: str
    rule: str
    where: str
    coming: str


@dataclass(frozen=True)
class Group:
    """The slots of one month."""

    label: str
    events: list[slot_lines.Event]


@bp.get("/equipe/series")
def series_list() -> ResponseReturnValue:
    """Show the series that still have slots to come, those of the person first."""
    person = current_person()
    found = domain.of_cfa(current_cfa().id, clock.now())
    mine_first = sorted(found, key=lambda pair: pair[0].adviser_id != person.id)
    return render_template("staff/series_list.html", cards=[_card(one, count) for one, count in mine_first])


@bp.get("/equipe/series/<public_id>")
def series(public_id: str) -> ResponseReturnValue:
    """Show a series and its slots to come."""
    found, now = domain.get_for_cfa(current_cfa().id, public_id), clock.now()
    coming = domain.coming(found, now)
    booked = agenda.bookings(coming)
    kind = coming[0].meeting_type if coming else None
    return render_template(
        "staff/series.html",
        series=found,
        rule=_rule(found),
        facts=_facts(found, kind),
        groups=_groups(coming, booked, now),
        count=french.plural(len(coming), "créneau à venir", "créneaux à venir"),
        next_slot=_next(coming),
        as_published=not any(slot.edited_alone for slot in coming),
    )


def _card(found: SlotSeries, coming: int) -> Card:
    return Card(
        href=url_for("staff.series", public_id=found.public_id),
        rule=_rule(found),
        where=f"{found.site.shown_name}, {slots.PLACE_LABELS[found.place].lower()}, avec {found.adviser.shown_name}",
        coming=french.plural(coming, "créneau à venir", "créneaux à venir"),
    )


def _rule(found: SlotSeries) -> str:
    today = clock.today(found.site.timezone)
    return domain.rule_in_words(domain.rule_of(found), today) + french.zone_suffix(found.site.timezone)


def _facts(found: SlotSeries, kind: MeetingType | None) -> list[tuple[str, str | None]]:
    return [
        ("Type de rendez-vous", kind.title if kind else None),
        ("Titre", found.details.get("title")),
        ("Lieu", found.site.shown_name),
        ("Comment", ", ".join(part for part in (slots.PLACE_LABELS[found.place], found.place_detail) if part)),
        ("Avec", found.adviser.shown_name),
        ("Places", french.plural(found.capacity, "place") + " par créneau"),
        ("Qui peut réserver", "Tous les candidats" if found.listed else "Les personnes qui ont le lien"),
    ]


def _groups(coming: Sequence[Slot], booked: Mapping[int, Sequence[Booking]], now: datetime) -> list[Group]:
    """Group slots by month; each is named by its day."""
    groups: list[Group] = []
    for slot in coming:
        day = agenda.local_day(slot)
        label = french.month(day).capitalize()
        if not groups or groups[-1].label != label:
            groups.append(Group(label, []))
        shown = slot_lines.event(slot, booked[slot.id], now, named=False, adviser=False)
        dated = f"{french.short_day(day).capitalize()}, {shown.time_label}"
        groups[-1].events.append(replace(shown, time_label=dated))
    return groups


def _next(coming: Sequence[Slot]) -> Slot | None:
    """The first slot that is not cancelled: from there the series is changed, or cancelled."""
    return next((slot for slot in coming if slot.status != "cancelled"), None)
