"""Choose a slot for somebody: for anybody, for the person of a request, or to move a booking to."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import agenda, booking_for, clock, french, inbox
from rdv.models import Booking, CandidateRequest, Slot
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.book_for_forms import SlotFilter
from rdv.web.staff.context import current_cfa


@bp.get("/equipe/rendez-vous/nouveau")
def choose_slot() -> ResponseReturnValue:
    """Look for a slot: for anybody, for the person of a request (`demande`), or to move a booking to (`deplacer`)."""
    cfa, now = current_cfa(), clock.now()
    filters = SlotFilter(request.args)
    filters.offer(cfa, inbox.colleagues(cfa.id))
    filters.validate()
    known, moving = asked_request(), _moving()
    training = known.training if known else moving.request.training if moving else None
    wanted = filters.wanted(agenda.home_zone(cfa))
    found = booking_for.find_slots(cfa.id, wanted, now, training)
    if training is not None and not found:  # better another training's slot than none: the staff know what they do
        training, found = None, booking_for.find_slots(cfa.id, wanted, now)
    return render_template(
        "staff/choose_slot.html",
        filters=filters,
        form=filters,
        known=known,
        moving=moving,
        training=training,
        days=[
            (day, [(_event(slot, now), _lead(slot, known, moving)) for slot in same])
            for day, same in groupby((slot for slot in found if moving is None or slot.id != moving.slot_id), dated)
        ],
    )


def _event(slot: Slot, now: datetime) -> slot_lines.Event:
    return slot_lines.event(slot, [], now, named=True, adviser=True)


def dated(slot: Slot) -> str:
    """Return the day of a slot, in the zone of its site."""
    return french.day(clock.to_zone(slot.starts_at, slot.site.timezone)).capitalize()


def _lead(slot: Slot, known: CandidateRequest | None, moving: Booking | None) -> str:
    if moving is not None:
        return url_for("staff.booking", public_id=moving.public_id, vers=slot.public_id) + "#deplacer"
    return url_for("staff.book_for", public_id=slot.public_id, demande=known.public_id if known else None)


def asked_request() -> CandidateRequest | None:
    """Return the request named in the address, or raise NotFound."""
    word = request.args.get("demande")
    return inbox.get_for_cfa(current_cfa().id, word) if word else None


def _moving() -> Booking | None:
    word = request.args.get("deplacer")
    return agenda.get_booking(current_cfa().id, word) if word else None
