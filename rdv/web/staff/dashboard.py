"""The first screen: what is late, what is today, what is next."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from rdv import agenda, attendance, clock, french, inbox, links, slots
from rdv.models import CandidateRequest
from rdv.web import request_lines
from rdv.web.staff import request_list, setting_up, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_membership, current_person, current_role
from rdv.web.staff.request_filters import FilterForm

SHOWN = 5  # requests
COMING = 4  # meetings of the next days


@bp.get("/equipe")
def dashboard() -> ResponseReturnValue:
    """Show the day of one person (an adviser's own by default) or of the whole CFA (a manager's)."""
    cfa, person, now = current_cfa(), current_person(), clock.now()
    default = "tous" if current_role() == "manager" else "moi"
    whose = request.args.get("conseiller", default)
    adviser_id = person.id if whose == "moi" else None
    zone = agenda.home_zone(cfa)
    today = clock.today(zone)
    of_today = [
        slot
        for slot in agenda.slots_of_days(cfa.id, today, today, adviser_id=adviser_id)
        if slot.seats_taken and slot.status != "cancelled"
    ]
    _, tomorrow = clock.day_bounds(today, zone)
    _, week_ahead = clock.day_bounds(today + timedelta(days=agenda.LIST_DAYS - 1), zone)
    coming = agenda.upcoming(cfa.id, tomorrow, adviser_id=adviser_id, limit=COMING)
    booked = agenda.bookings([*of_today, *coming])
    asked = FilterForm(
        MultiDict({name: request.args.get(name, "") for name in ("suivi", "site") if name in request.args})
    )
    asked.offer(cfa, [], current_membership(), now, whole=False)
    counted = asked.counted()
    numbers = inbox.counts(cfa.id, counted, now)
    urgent = inbox.page(cfa.id, counted["todo"], now, size=SHOWN).rows
    calls = inbox.page(cfa.id, counted["calls"], now, size=SHOWN).rows if numbers["calls"] else []
    filled = agenda.filled(cfa.id, now, week_ahead, adviser_id=adviser_id)
    conseiller = "moi" if adviser_id else "tous"
    following = next((slot for slot in of_today if slot.ends_at > now), None)
    lines = [slot_lines.meeting(slot, booked[slot.id], now) for slot in of_today]
    steps = setting_up.lines_of(cfa) if current_role() == "manager" else []
    return render_template(
        "staff/dashboard.html",
        steps_left=[step.title for step in steps if not step.done],
        today_label=french.day(today),
        first_name=person.first_name,
        whose=[
            (
                label,
                asked.address("staff.dashboard", conseiller=word),
                word == whose or (word == "tous" and adviser_id is None),
            )
            for word, label in (("moi", "Mes rendez-vous"), ("tous", "Tout le centre"))
        ],
        tabs=asked.tabs("staff.dashboard", conseiller=conseiller),
        numbers={name: inbox.in_words(number, counted[name]) for name, number in numbers.items()},
        some={name for name, number in numbers.items() if number},
        lists=asked.numbered(),
        more=numbers["todo"] > len(urgent),
        acts_url=asked.address("staff.act_on_requests", retour="accueil", conseiller=conseiller),
        calls=[(request_lines.call_moment(each, now), _line(each, now)) for each in calls],
        latest=request_list.latest(cfa.id, now) if not urgent else None,
        everything_url=asked.in_state("toutes"),
        filled=filled,
        until_label=french.short_day(today + timedelta(days=agenda.LIST_DAYS - 1)),
        missing=attendance.count_missing(cfa.id, now, adviser_id),
        free=agenda.count_free(cfa.id, now, week_ahead, adviser_id=adviser_id),
        urgent=[_line(each, now) for each in urgent],
        following=slot_lines.meeting(following, booked[following.id], now) if following else None,
        following_in=french.elapsed(following.starts_at - now) if following and following.starts_at > now else None,
        meetings=lines,
        others=[line for slot, line in zip(of_today, lines, strict=True) if slot is not following],
        coming=[slot_lines.meeting(slot, booked[slot.id], now, dated=True) for slot in coming],
        conseiller=conseiller,
        has_slots=bool(slots.free_for_cfa(cfa, now, 1)),
        public_url=links.cfa(cfa),
    )


def _line(found: CandidateRequest, now: datetime) -> request_lines.Row:
    href = url_for("staff.request_detail", public_id=found.public_id)
    return request_lines.row(found, now, href, current_membership().user_id)
