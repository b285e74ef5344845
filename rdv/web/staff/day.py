"""The day itself: who comes next, who came, and the sheets to print."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, attendance, clock, french, inbox, slots
from rdv.db import note, transaction
from rdv.models import AuditEntry, Slot, User
from rdv.web.staff import day_lines, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, current_role

BLANK_LINES = 6  # of the sign-in sheet, for who comes without a booking


@bp.get("/equipe/journee")
def day() -> ResponseReturnValue:
    """Show a day, the next person first; or the past meetings that wait for a word on who came."""
    cfa, now = current_cfa(), clock.now()
    today = clock.today(agenda.home_zone(cfa))
    shown, whose = _day(today), _whose()
    waiting = "sans-suite" in request.args
    if waiting:
        found = attendance.slots_missing(cfa.id, now, _id_of(whose))
    else:
        found = agenda.slots_of_days(cfa.id, shown, shown, adviser_id=_id_of(whose))
    booked = agenda.bookings(found)
    kept = [slot for slot in found if booked[slot.id] or (slot.is_group and slot.status != "cancelled")]
    lines = day_lines.meetings(kept, booked, now)
    following = next((line for line in lines if line.is_next), None) if shown == today and not waiting else None
    return render_template(
        "staff/day.html",
        day=shown,
        day_label=french.day(shown, year=shown.year != today.year).capitalize(),
        is_today=shown == today,
        waiting=waiting,
        lines=lines,
        following=following,
        following_in=_wait(kept, following, now),
        missing=attendance.count_missing(cfa.id, now, _id_of(whose)),
        outcomes=attendance.OUTCOMES,
        here=_address(shown, whose, waiting),
        choices=_choices(whose, shown, waiting),
        before_url=_address(shown - timedelta(days=1), whose),
        after_url=_address(shown + timedelta(days=1), whose),
        today_url=_address(today, whose),
        waiting_url=_address(shown, whose, waiting=True),
        sheet_url=url_for("staff.day_sheet", jour=shown.isoformat(), conseiller=_word(whose)),
        shows_adviser=whose is None,
    )


@bp.post("/equipe/rendez-vous/<public_id>/presence")
def mark_attendance(public_id: str) -> ResponseReturnValue:
    """Tell who came, in one tap, and go back to where it was told."""
    found = agenda.get_booking(current_cfa().id, public_id)
    person, outcome = current_person(), request.form.get("outcome", "")
    with transaction():
        attendance.mark(found, outcome, clock.now(), person)
    name = found.request.person_name
    label = attendance.OUTCOMES.get(outcome)
    flash(f"{name}\u00a0: {label.lower()}." if label else f"{name}\u00a0: présence effacée.", "success")
    return redirect(_back(public_id), 303)


@bp.post("/equipe/rendez-vous/<public_id>/on-vous-a-manque")
def write_missed(public_id: str) -> ResponseReturnValue:
    """Write to somebody who missed more than one meeting: a person decided so."""
    found = agenda.get_booking(current_cfa().id, public_id)
    person = current_person()
    with transaction():
        attendance.write_missed(found, clock.now(), person)
    flash(f"{found.request.person_name} recevra un message le soir, sauf nouveau rendez-vous d’ici là.", "success")
    return redirect(_back(public_id), 303)


@bp.get("/equipe/journee/feuille")
def day_sheet() -> ResponseReturnValue:
    """Show the day on paper: hours, people, numbers to call."""
    cfa, now = current_cfa(), clock.now()
    shown, whose = _day(clock.today(agenda.home_zone(cfa))), _whose()
    found = [
        slot
        for slot in agenda.slots_of_days(cfa.id, shown, shown, adviser_id=_id_of(whose))
        if slot.status != "cancelled"
    ]
    booked = agenda.bookings(found)
    _note_printing("day", None)
    return render_template(
        "staff/day_sheet.html",
        cfa=cfa,
        day_label=french.day(shown, year=True).capitalize(),
        whose=whose.shown_name if whose else "Tout le centre",
        lines=day_lines.meetings([slot for slot in found if booked[slot.id]], booked, now, write=False),
        shows_adviser=whose is None,
        printed_label=french.moment(now, agenda.home_zone(cfa)),
        back_url=_address(shown, whose),
    )


@bp.get("/equipe/creneaux/<public_id>/emargement")
def sign_in_sheet(public_id: str) -> ResponseReturnValue:
    """Show the sheet that people sign when they come: names alone, no contact."""
    cfa = current_cfa()
    found = slots.get_for_cfa(cfa.id, public_id)
    booked = agenda.bookings([found])[found.id]
    _note_printing("sign_in", found.public_id)
    zone = found.site.timezone
    return render_template(
        "staff/sign_in_sheet.html",
        cfa=cfa,
        slot=found,
        when=f"{french.day(clock.to_zone(found.starts_at, zone), year=True).capitalize()}, {slot_lines.hours(found)}",
        where=", ".join(part for part in (found.site.shown_name, found.site.shown_address, found.place_detail) if part)
        if found.place == "on_site"
        else slot_lines.where(found),
        people=sorted(
            ((one.request.last_name, one.request.first_name, one.guests, one.request.training) for one in booked),
            key=lambda line: (line[0].casefold(), line[1].casefold()),
        ),
        blanks=range(BLANK_LINES),
    )


def _note_printing(sheet: str, slot_id: str | None) -> None:
    """Tell the journal that names were put on paper; a busy database loses the line, never the sheet."""
    note(
        sa.insert(AuditEntry).values(
            at=clock.now(), user_id=current_person().id, cfa_id=current_cfa().id, action="sheet.printed",
            object_type="slot" if slot_id else None, object_id=slot_id, data={"sheet": sheet},
        )
    )  # fmt: skip


# -- the address ------------------------------------------------------------------------------------------------------


def _day(default: date) -> date:
    try:
        found = date.fromisoformat(request.args.get("jour", ""))
    except ValueError:
        return default
    return found if 2000 <= found.year <= 2100 else default


def _whose() -> User | None:
    """Return whose day is shown: an adviser's own by default, the whole centre's (None) for a manager."""
    word = request.args.get("conseiller", "tous" if current_role() == "manager" else "moi")
    if word == "tous":
        return None
    person = current_person()
    return next((each for each in inbox.colleagues(current_cfa().id) if each.public_id == word), person)


def _id_of(whose: User | None) -> int | None:
    return whose.id if whose else None


def _word(whose: User | None) -> str:
    if whose is None:
        return "tous"
    return "moi" if whose.id == current_person().id else whose.public_id


def _address(shown: date, whose: User | None, waiting: bool = False) -> str:
    if waiting:
        more: dict[str, Any] = {"sans-suite": 1}
        return url_for("staff.day", conseiller=_word(whose), **more)
    return url_for("staff.day", jour=shown.isoformat(), conseiller=_word(whose))


def _choices(whose: User | None, shown: date, waiting: bool) -> list[tuple[str, str, bool]]:
    """Return whose day may be shown: label, address, and whether it is the present one."""
    me = current_person()
    others = [each for each in inbox.colleagues(current_cfa().id) if each.id != me.id]
    people: list[tuple[str, User | None]] = [("Moi", me), ("Tout le centre", None)]
    people += [(each.shown_name, each) for each in others]
    return [(label, _address(shown, each, waiting), _id_of(each) == _id_of(whose)) for label, each in people]


def _back(public_id: str) -> str:
    """Return the page of the staff where the button was, at that person; any other address is left aside."""
    asked = request.form.get("vers", "")
    parts = urlsplit(asked)
    if parts.scheme or parts.netloc or not parts.path.startswith("/equipe/") or "\\" in asked:
        return url_for("staff.booking", public_id=public_id)
    return f"{parts.path}{'?' + parts.query if parts.query else ''}#rdv-{public_id}"


def _wait(found: Sequence[Slot], following: day_lines.Meeting | None, now: datetime) -> str | None:
    starts = next(
        (slot.starts_at for slot in found if following and following.anchor == f"creneau-{slot.public_id}"), now
    )
    return f"dans {french.elapsed(starts - now)}" if starts > now else None
