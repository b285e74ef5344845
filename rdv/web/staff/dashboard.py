"""The first screen: what is late, what is today, what is next."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, attendance, clock, french, inbox, links, slots
from rdv.web import request_lines
from rdv.web.staff import setting_up, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, current_role

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
    urgent, _ = inbox.page(cfa.id, inbox.Filter(status="todo"), now, size=SHOWN)
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
                url_for("staff.dashboard", conseiller=word),
                word == whose or (word == "tous" and adviser_id is None),
            )
            for word, label in (("moi", "Mes rendez-vous"), ("tous", "Tout le centre"))
        ],
        counters=inbox.counters(cfa.id, now),
        missing=attendance.count_missing(cfa.id, now, adviser_id),
        free=agenda.count_free(cfa.id, now, week_ahead, adviser_id=adviser_id),
        urgent=[
            request_lines.row(each, now, url_for("staff.request_detail", public_id=each.public_id)) for each in urgent
        ],
        following=slot_lines.meeting(following, booked[following.id], now) if following else None,
        following_in=french.elapsed(following.starts_at - now) if following and following.starts_at > now else None,
        meetings=lines,
        others=[line for slot, line in zip(of_today, lines, strict=True) if slot is not following],
        coming=[slot_lines.meeting(slot, booked[slot.id], now, dated=True) for slot in coming],
        conseiller="moi" if adviser_id else "tous",
        has_slots=bool(slots.free_for_cfa(cfa, now, 1)),
        public_url=links.cfa(cfa),
    )
