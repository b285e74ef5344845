"""What a person answers on their page: accept or refuse an offered seat, leave a list, ask for an earlier meeting."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from rdv import clock, offers, rules, waitlist
from rdv.db import transaction
from rdv.errors import AlreadyBooked, FormExpired, FormRefused, OfferEnded, WrongTransition
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.offered import ANSWER, LEAVE, WISH
from rdv.web.public.personal import personal_page
from rdv.web.public.reading import open_link


@bp.post("/suivi/<token>/place/accepter")
def accept_seat(token: str) -> ResponseReturnValue:
    """Take the seat that is held; a second click finds it taken by the first."""
    reading = open_link(token)
    offered = request.form.get("place", "")[:16]
    try:
        check_button(ANSWER, offered)
        held = offers.get(reading.request, offered)
        try:
            with transaction():
                offers.accept(held, clock.now(), as_asker=reading.is_asker)
        except (OfferEnded, WrongTransition):
            if held.status != "used":
                raise
    except (FormExpired, FormRefused, OfferEnded, WrongTransition, AlreadyBooked, rules.TooManyBookings) as refusal:
        return personal_page(reading, refusal)
    return reading.back()


@bp.post("/suivi/<token>/place/refuser")
def refuse_seat(token: str) -> ResponseReturnValue:
    """Give the seat back: the next person is asked."""
    reading = open_link(token)
    offered = request.form.get("place", "")[:16]
    try:
        check_button(ANSWER, offered)
        held = offers.get(reading.request, offered)
        with transaction():
            offers.refuse(held, clock.now(), as_asker=reading.is_asker)
    except (FormExpired, FormRefused, OfferEnded, WrongTransition) as refusal:
        return personal_page(reading, refusal)
    return reading.back()


@bp.post("/suivi/<token>/liste-attente/quitter")
def leave_list(token: str) -> ResponseReturnValue:
    """Wait no longer: for a full session, or for an earlier meeting."""
    reading = open_link(token)
    try:
        check_button(LEAVE, reading.request.public_id)
        with transaction():
            waitlist.leave(reading.request, clock.now(), as_asker=reading.is_asker)
    except (FormExpired, FormRefused, WrongTransition) as refusal:
        return personal_page(reading, refusal)
    return reading.back()


@bp.post("/suivi/<token>/plus-tot")
def ask_earlier(token: str) -> ResponseReturnValue:
    """Ask to be told when an earlier meeting is freed."""
    reading = open_link(token)
    held = reading.held
    try:
        check_button(WISH, reading.request.public_id)
        with transaction():
            waitlist.wish(held, clock.now(), as_asker=reading.is_asker)
    except (FormExpired, FormRefused, WrongTransition) as refusal:
        return personal_page(reading, refusal)
    return reading.back()
