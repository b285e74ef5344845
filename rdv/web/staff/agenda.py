"""The agenda: a week in a table, the team's day, or slots one after the other; and the same as a calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import wtforms
from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda as calendar
from rdv import clock, deadlines, french, ical, inbox, links, slots
from rdv import meetings as shown
from rdv.errors import RdvError
from rdv.models import Cfa, Closure, Slot, User
from rdv.web.staff import agenda_grid, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, current_role

VIEWS = {"semaine": "Semaine", "jour": "Jour", "liste": "Liste"}
LONGEST_EXPORT = timedelta(days=366)


class AgendaForm(wtforms.Form):
    """What the agenda shows, read from the address; a value that makes no sense means the default."""

    conseiller = wtforms.SelectField("Agenda de")
    site = wtforms.SelectField("Lieu", default="")
    etat = wtforms.SelectField("Créneaux", choices={"": "Tous", "libres": "Libres seulement"}, default="")

    def offer(self, cfa: Cfa, colleagues: Sequence[User], person: User, team: bool) -> None:
        """Fill the lists of this CFA; a manager, and the day of the team, begin with everybody."""
        others = {user.public_id: user.shown_name for user in colleagues if user.id != person.id}
        self.conseiller.choices = {"moi": "Moi", "tous": "Tout le centre"} | others
        self.conseiller.default = "tous" if team or current_role() == "manager" else "moi"
        self.site.choices = {"": "Tous les lieux"} | {site.public_id: site.shown_name for site in cfa.sites}
        for field in (self.conseiller, self.site, self.etat):
            if field.data not in field.choices:
                field.data = field.default


@dataclass(frozen=True)
class Asked:
    """What an address asks for: the view, its days, and who and where."""

    view: str
    first: date
    last: date
    today: date
    form: AgendaForm
    colleagues: Sequence[User]

    @property
    def week(self) -> calendar.Week:
        """The week of the first day."""
        return calendar.Week.of(self.first)

    def address(self, **changes: Any) -> str:
        """Return the address of the same agenda with something changed."""
        kept = {"vue": self.view, **{field.name: field.data for field in self.form if field.data}}
        kept |= {"jour": self.first.isoformat()} if self.view == "jour" else {"semaine": self.week.code}
        return url_for("staff.agenda", **{**kept, **changes})


@bp.get("/equipe/agenda")
def agenda() -> ResponseReturnValue:
    """Show the slots of a week or of a day."""
    asked = _asked()
    found = _found(asked, asked.first, asked.last)
    cfa = current_cfa()
    zones = {site.timezone for site in cfa.sites if site.closed_at is None} or {clock.PARIS}
    columns = _advisers(asked, found, zones) if asked.view == "jour" else _days(asked, found, zones)
    here = asked.first if asked.view == "jour" else asked.week.monday
    step = timedelta(days=1 if asked.view == "jour" else 7)
    return render_template(
        "staff/agenda.html",
        filters=asked.form,
        view=asked.view,
        hidden={"vue": asked.view} | _span_of(asked.view, asked.first),
        title=_title(asked),
        columns=columns,
        rows=agenda_grid.rows(columns),
        is_empty=not found,
        zone_note=_zone_note(zones),
        previous=(
            "Jour précédent" if asked.view == "jour" else "Semaine précédente",
            asked.address(**_span_of(asked.view, here - step)),
        ),
        following=(
            "Jour suivant" if asked.view == "jour" else "Semaine suivante",
            asked.address(**_span_of(asked.view, here + step)),
        ),
        today_url=None if asked.first <= asked.today <= asked.last else asked.address(semaine=None, jour=None),
        views=[
            (
                label,
                asked.address(**{"semaine": None, "jour": None, "vue": name} | _kept_span(asked, name)),
                name == asked.view,
            )
            for name, label in VIEWS.items()
        ],
        export={"first": asked.first.isoformat(), "last": asked.last.isoformat()},
        public_url=links.cfa(cfa),
    )


@bp.get("/equipe/agenda.ics")
def export_agenda() -> ResponseReturnValue:
    """Give the meetings of a period as a calendar file, chosen as on the screen; a year at most."""
    asked = _asked()
    first, last = _day("du") or asked.first, _day("au") or asked.last
    if last < first or last - first > LONGEST_EXPORT:
        raise RdvError("Choisissez une période d’un an au plus, du premier au dernier jour.")
    chosen = [slot.id for slot in _found(asked, first, last)]
    return _file(chosen, f"agenda-{first.isoformat()}.ics", named=asked.form.conseiller.data == "tous")


@bp.get("/equipe/creneaux/<public_id>/creneau.ics")
def export_slot(public_id: str) -> ResponseReturnValue:
    """Give one slot, or one session, as a calendar file."""
    found = slots.get_for_cfa(current_cfa().id, public_id)
    day = calendar.local_day(found)
    return _file([found.id], f"creneau-{day.isoformat()}.ics", named=False)


def _file(slot_ids: Sequence[int], name: str, named: bool) -> Response:
    full, free = request.args.get("noms") == "oui", request.args.get("libres") != "non"
    where = [Slot.cfa_id == current_cfa().id, Slot.id.in_(slot_ids)]
    found = shown.meetings(where, shown.Shown(full=full, named=named, free=free))
    response = Response(ical.file(found), content_type=ical.MEDIA_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _asked() -> Asked:
    cfa, person = current_cfa(), current_person()
    view = request.args.get("vue", "")
    view = view if view in VIEWS else "semaine"
    colleagues = inbox.colleagues(cfa.id)
    form = AgendaForm(request.args)
    form.offer(cfa, colleagues, person, team=view == "jour")
    today = clock.today(calendar.home_zone(cfa))
    if view == "jour":
        day = _day("jour") or today
        return Asked(view, day, day, today, form, colleagues)
    week = calendar.Week.parse(request.args.get("semaine"), today)
    # The list of the current week begins today, so that it shows « les 7 prochains jours ».
    first = today if view == "liste" and week == calendar.Week.of(today) else week.monday
    return Asked(view, first, first + timedelta(days=calendar.LIST_DAYS - 1), today, form, colleagues)


def _day(name: str) -> date | None:
    """Return a day of the address, None when it is missing or makes no sense."""
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def _found(asked: Asked, first: date, last: date) -> list[Slot]:
    cfa, person, form = current_cfa(), current_person(), asked.form
    owners = {user.public_id: user.id for user in asked.colleagues} | {"moi": person.id}
    sites = {site.public_id: site.id for site in cfa.sites}
    found = calendar.slots_of_days(
        cfa.id, first, last, adviser_id=owners.get(form.conseiller.data), site_id=sites.get(form.site.data)
    )
    now = clock.now()
    return [slot for slot in found if calendar.is_free(slot, now)] if form.etat.data == "libres" else found


def _entries(found: Sequence[Slot], named: bool, adviser: bool) -> dict[int, agenda_grid.Entry]:
    """Return the entry of each slot, by its id."""
    booked, now = calendar.bookings(found), clock.now()
    return {
        slot.id: agenda_grid.Entry.of(slot, slot_lines.event(slot, booked[slot.id], now, named, adviser))
        for slot in found
    }


def _days(asked: Asked, found: Sequence[Slot], zones: set[str]) -> list[agenda_grid.Column]:
    entries = _entries(found, named=len(zones) > 1, adviser=asked.form.conseiller.data == "tous")
    closed = calendar.closures_of_days(current_cfa().id, asked.first, asked.last)
    columns = []
    for offset in range(calendar.LIST_DAYS):
        day = asked.first + timedelta(days=offset)
        mine = [entries[slot.id] for slot in found if calendar.local_day(slot) == day]
        note = _closed(day, [each for each in closed if each.user_id is None])
        if mine or note or day.weekday() < 5 or asked.view == "liste":  # an empty weekend takes no column
            label = french.day(day) if asked.view == "liste" else french.short_day(day)
            note = note or (None if mine else "Aucun créneau")
            columns.append(agenda_grid.Column(label.capitalize(), mine, note, day == asked.today, _publish(asked, day)))
    return columns


def _advisers(asked: Asked, found: Sequence[Slot], zones: set[str]) -> list[agenda_grid.Column]:
    """Return a column for each adviser: those who have slots that day, those who are away, oneself."""
    entries = _entries(found, named=len(zones) > 1, adviser=False)
    closed = calendar.closures_of_days(current_cfa().id, asked.first, asked.first)
    away = {each.user_id: each for each in closed if each.user_id is not None}
    everybody = _closed(asked.first, [each for each in closed if each.user_id is None])
    chosen = asked.form.conseiller.data
    people = {user.id: user for user in asked.colleagues} | {slot.adviser_id: slot.adviser for slot in found}
    columns = []
    for user in sorted(people.values(), key=lambda user: (user.id != current_person().id, user.shown_name)):
        mine = [entries[slot.id] for slot in found if slot.adviser_id == user.id]
        absent = _closed(asked.first, [away[user.id]] if user.id in away else [])
        wanted = user.public_id == chosen or (chosen == "moi" and user.id == current_person().id)
        if mine or wanted or (chosen == "tous" and (absent or user.id == current_person().id)):
            note = absent or everybody or (None if mine else "Aucun créneau")
            columns.append(agenda_grid.Column(user.shown_name, mine, note))
    return columns


def _closed(day: date, closed: Sequence[Closure]) -> str | None:
    """Say why a day is off: a public holiday of the first site's territory, a closure, an absence."""
    territory = next((site.territory for site in current_cfa().sites if site.closed_at is None), "FR")
    said = ["Jour férié"] if day in deadlines.public_holidays(territory, day.year) else []
    for each in closed:
        if each.first_day <= day <= each.last_day:
            what = "Absence" if each.user_id else "Fermeture"
            where = each.site.shown_name if each.site else None
            # Why somebody is away is theirs and the managers’: it stands on the page of closures alone.
            label = (None if each.user_id else each.label) or (f"{what}, {where}" if where else what)
            said.append(label + (f" (de {each.starts:%H:%M} à {each.ends:%H:%M})" if each.starts else ""))
    return ", ".join(said) or None


def _publish(asked: Asked, day: date) -> str | None:
    return url_for("staff.publish", jour=day.isoformat()) if day >= asked.today else None


def _span_of(view: str, day: date) -> dict[str, str]:
    """Return what the address says of a day, or of its week."""
    return {"jour": day.isoformat()} if view == "jour" else {"semaine": calendar.Week.of(day).code}


def _kept_span(asked: Asked, view: str) -> dict[str, str]:
    """Another view of the same days: today's when it is among them."""
    within = asked.first <= asked.today <= asked.last
    return _span_of(view, asked.today if within else asked.first)


def _title(asked: Asked) -> str:
    if asked.view == "jour":
        return french.day(asked.first, year=True).capitalize()
    return f"Du {_day_of_month(asked.first, asked.last)} au {french.day_of_month(asked.last)}"


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
