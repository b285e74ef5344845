"""The agenda: a week in columns, or its slots one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import wtforms
from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda as calendar
from rdv import clock, deadlines, french, inbox, links
from rdv.models import Booking, Cfa, Slot, User
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, current_role


@dataclass(frozen=True)
class Day:
    """A column of `components/agenda.html`."""

    label: str
    is_today: bool
    note: str | None
    events: list[slot_lines.Event]


class AgendaForm(wtforms.Form):
    """What the agenda shows, read from the address; a value that makes no sense means the default."""

    conseiller = wtforms.SelectField("Agenda de")
    site = wtforms.SelectField("Lieu", default="")
    etat = wtforms.SelectField("Créneaux", choices={"": "Tous", "libres": "Libres seulement"}, default="")

    def offer(self, cfa: Cfa, colleagues: Sequence[User], person: User) -> None:
        """Fill the lists of this CFA; a manager begins with everybody."""
        others = {user.public_id: user.shown_name for user in colleagues if user.id != person.id}
        self.conseiller.choices = {"moi": "Moi", "tous": "Tout le centre"} | others
        self.conseiller.default = "tous" if current_role() == "manager" else "moi"
        self.site.choices = {"": "Tous les lieux"} | {site.public_id: site.shown_name for site in cfa.sites}
        for field in (self.conseiller, self.site, self.etat):
            if field.data not in field.choices:
                field.data = field.default


@bp.get("/equipe/agenda")
def agenda() -> ResponseReturnValue:
    """Show the slots of a week."""
    cfa, person, now = current_cfa(), current_person(), clock.now()
    colleagues = inbox.colleagues(cfa.id)
    form = AgendaForm(request.args)
    form.offer(cfa, colleagues, person)
    today = clock.today(calendar.home_zone(cfa))
    week = calendar.Week.parse(request.args.get("semaine"), today)
    as_list = request.args.get("vue") == "liste"
    # The list of the current week begins today, so that it shows « les 7 prochains jours ».
    first = today if as_list and week == calendar.Week.of(today) else week.monday
    last = first + timedelta(days=calendar.LIST_DAYS - 1)
    owners = {user.public_id: user.id for user in colleagues} | {"moi": person.id}
    sites = {site.public_id: site.id for site in cfa.sites}
    found = calendar.slots_of_days(
        cfa.id, first, last, adviser_id=owners.get(form.conseiller.data), site_id=sites.get(form.site.data)
    )
    if form.etat.data == "libres":
        found = [slot for slot in found if calendar.is_free(slot, now)]
    zones = {site.timezone for site in cfa.sites if site.closed_at is None} or {clock.PARIS}
    kept = {
        "vue": "liste" if as_list else "semaine",
        **{field.name: field.data for field in form if field.data},
    }
    return render_template(
        "staff/agenda.html",
        filters=form,
        as_list=as_list,
        week=week,
        title=f"Du {_day_of_month(first, last)} au {french.day_of_month(last)}",
        days=_days(
            cfa, found, first, today, now, as_list, named=len(zones) > 1, advisers=form.conseiller.data == "tous"
        ),
        is_empty=not found,
        zone_note=_zone_note(zones),
        previous_url=url_for("staff.agenda", **{**kept, "semaine": week.shifted(-1).code}),
        next_url=url_for("staff.agenda", **{**kept, "semaine": week.shifted(1).code}),
        today_url=url_for("staff.agenda", **kept),
        is_this_week=week == calendar.Week.of(today),
        views=[
            (
                label,
                url_for("staff.agenda", **{**kept, "semaine": week.code, "vue": view}),
                (view == "liste") == as_list,
            )
            for view, label in (("semaine", "Semaine"), ("liste", "Liste"))
        ],
        public_url=links.cfa(cfa),
    )


def _days(
    cfa: Cfa, found: Sequence[Slot], first: date, today: date, now: datetime, as_list: bool, named: bool, advisers: bool
) -> list[Day]:
    booked: dict[int, list[Booking]] = calendar.bookings(found)
    territory = next((site.territory for site in cfa.sites if site.closed_at is None), "FR")
    days = []
    for offset in range(calendar.LIST_DAYS):
        day = first + timedelta(days=offset)
        events = [
            slot_lines.event(slot, booked[slot.id], now, named, advisers)
            for slot in found
            if calendar.local_day(slot) == day
        ]
        holiday = day in deadlines.public_holidays(territory, day.year)
        note = "Jour férié" if holiday else None if events else "Aucun créneau"
        if events or day.weekday() < 5 or as_list:  # an empty weekend takes no column
            label = french.day(day) if as_list else french.short_day(day)
            days.append(Day(label.capitalize(), day == today, note, events))
    return days


def _day_of_month(first: date, last: date) -> str:
    """« 23 » when the last day tells the month, « 28 décembre » or « 28 décembre 2026 » otherwise."""
    if (first.year, first.month) == (last.year, last.month):
        return "1er" if first.day == 1 else str(first.day)
    return french.day_of_month(first, year=first.year != last.year)


def _zone_note(zones: set[str]) -> str | None:
    """Name the zone once when the whole CFA lives in it; several zones are named beside each slot."""
    if len(zones) == 1:
        zone = zones.copy().pop()
        return f"Heures affichées\u00a0: {french.ZONE_NAMES.get(zone, zone)}." if zone != clock.PARIS else None
    return "Vos lieux ont des heures différentes\u00a0: celle de chaque créneau est l’heure de son lieu."
