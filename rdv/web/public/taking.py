"""Take a slot for a request that exists already: one button, no form to fill; when it is gone, the nearest ones."""

from __future__ import annotations

from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import booking, clock, french, inbox, moves, slots, suitable, taking
from rdv.db import transaction
from rdv.errors import (
    AlreadyBooked,
    FormExpired,
    FormRefused,
    NotFound,
    OfferEnded,
    RdvError,
    SlotUnavailable,
    WrongTransition,
)
from rdv.models import Slot
from rdv.rules import TooManyBookings
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.offered import facts_of
from rdv.web.public.personal import personal_page
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token
from rdv.web.public.shown import days_of, slots_of
from rdv.web.public.takeable import take_links

PURPOSE = "take"  # of the form token, bound to the request
UNFOLDED = 9  # more behind « Plus de dates »


@bp.get("/suivi/<token>/creneaux")
def choose_slot(token: str) -> ResponseReturnValue:
    """Every slot that this request may take; each leads to its own page."""
    reading, now = open_link(token), clock.now()
    if not taking.may_take(reading.request, now):
        return reading.back()
    shown = slots_of(suitable.free(reading.request, now), None)
    each = take_links(reading, shown.slots)
    return render_template(
        "public/choose_slot.html", token=token, cfa=reading.request.cfa, zone=shown.zone, days=days_of(each[:UNFOLDED]),
        more=days_of(each[UNFOLDED:]), phone=inbox.phone_of(reading.request),
    )  # fmt: skip


@bp.get("/suivi/<token>/creneau/<public_id>")
def take_slot(token: str, public_id: str) -> ResponseReturnValue:
    """Show one slot and its button; opening the page takes nothing."""
    reading = open_link(token)
    wanted = _wanted(reading, public_id)
    return _elsewhere(reading, wanted) or _page(reading, wanted)


@bp.post("/suivi/<token>/creneau/<public_id>")
def take_slot_now(token: str, public_id: str) -> ResponseReturnValue:
    """Book it for this request; a second tap finds it done and shows the same."""
    reading = open_link(token)
    wanted = _wanted(reading, public_id)
    try:
        check_button(PURPOSE, reading.request.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _elsewhere(reading, wanted) or _page(reading, wanted, refusal)
    try:
        _take(reading, wanted)
    except (SlotUnavailable, OfferEnded) as refusal:
        return _elsewhere(reading, wanted) or _page(reading, wanted, refusal)
    except (AlreadyBooked, WrongTransition, TooManyBookings) as refusal:
        return _elsewhere(reading, wanted) or personal_page(reading, refusal)
    return reading.back()


def _take(reading: Reading, wanted: Slot) -> None:
    """Take a slot, or the equal one of another adviser; each try is whole or changes nothing."""
    now = clock.now()
    for target in booking.equal_slots(wanted, now):
        try:
            with transaction():
                taking.take(reading.request, target, now, as_asker=reading.is_asker)
            return
        except SlotUnavailable:
            continue
    raise SlotUnavailable("Ce créneau vient d’être pris. Votre demande n’a pas changé\u00a0: choisissez-en un autre.")


def _wanted(reading: Reading, public_id: str) -> Slot:
    """Return a slot that this request may ask for, free or gone, or raise NotFound: that of another CFA, or unknown."""
    found = slots.get_public(public_id)
    if not suitable.concerns(reading.request, found):
        raise NotFound(
            "Ce créneau ne correspond pas à votre demande. Ouvrez votre page personnelle pour en choisir un."
        )
    return found


def _elsewhere(reading: Reading, wanted: Slot) -> ResponseReturnValue | None:
    """Lead who has a meeting already to it, or to the page that moves it here; who is done, to their page."""
    held = reading.request.booking
    if held is not None and held.is_live:
        if moves.is_there(held, wanted) or not reading.can_change:
            return reading.back()
        return redirect(url_for("public.move", token=reading.token, creneau=wanted.public_id), 303)
    return None if taking.may_take(reading.request, clock.now()) else reading.back()


def _page(reading: Reading, wanted: Slot, refusal: RdvError | None = None) -> ResponseReturnValue:
    now, found = clock.now(), reading.request
    gone = isinstance(refusal, SlotUnavailable | OfferEnded) or not taking.free_for(found, wanted, now)
    near = suitable.near(found, wanted, now) if gone else []
    kept = None if gone else taking.kept(found, wanted, now)
    page = render_template(
        "public/take_slot.html", token=reading.token, cfa=found.cfa, wanted=wanted, gone=gone, refusal=refusal,
        when=_when(wanted), facts=facts_of(wanted), near=take_links(reading, slots_of(near, None).slots),
        kept_until=_until(kept.until, wanted) if kept else None, who=found.first_name if reading.is_asker else None,
        phone=inbox.phone_of(found), reference=found.reference,
        form_value=form_token(PURPOSE, found.public_id, fresh=request.method == "GET" or refusal is not None),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def _when(slot: Slot) -> str:
    return french.moment(slot.starts_at, slot.site.timezone)


def _until(until: datetime, slot: Slot) -> str:
    return french.moment(until, slot.site.timezone)
