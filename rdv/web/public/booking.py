"""Book a slot, or wait for a seat of a full session: one page; what was typed is never lost."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from rdv import asker, booking, clock, links, rules, slots, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import transaction
from rdv.errors import AlreadyBooked, FormExpired, FormRefused, RequestReplayed, SlotUnavailable, TooManyRequests
from rdv.models import Slot, Training
from rdv.web.candidate_forms import BookingForm, WaitForm
from rdv.web.forms import check_post, count_post, submission
from rdv.web.public import frame, slot_page
from rdv.web.public.blueprint import bp
from rdv.web.public.origin import platform, source
from rdv.web.public.sending import earlier_result

REFUSALS = (SlotUnavailable, AlreadyBooked, RequestReplayed, rules.TooManyBookings)


@bp.get("/rendez-vous/<public_id>")
def slot(public_id: str) -> ResponseReturnValue:
    """The booking form of a slot, its waiting list when it is full, or the nearest free ones when it is gone."""
    found = slots.get_public(public_id)
    return slot_page.page(found, slot_page.training_of(found), BookingForm(slot=found))


@bp.post("/rendez-vous/<public_id>")
def book(public_id: str) -> ResponseReturnValue:
    """Take a seat."""
    found = slots.get_bookable(public_id)

    def act(candidate: Candidate, sent: Submission, training: Training | None, guests: int) -> str:
        return booking.book(found, candidate, sent, clock.now(), training, guests).public_id

    def is_open(_training: Training | None) -> bool:
        return found.cfa.closed_at is None

    return _sent(found, BookingForm(request.form, slot=found), act, is_open, "reserve")


@bp.post("/rendez-vous/<public_id>/liste-attente")
def wait(public_id: str) -> ResponseReturnValue:
    """Join the waiting list of a full session."""
    found = slots.get_public(public_id)

    def act(candidate: Candidate, sent: Submission, training: Training | None, guests: int) -> str:
        return waitlist.join(found, candidate, sent, clock.now(), training, guests).public_id

    def is_open(training: Training | None) -> bool:
        return slot_page.shown_of(found, training, clock.now()).waiting

    return _sent(found, WaitForm(request.form, slot=found), act, is_open, "envoye")


def _sent(
    found: Slot,
    form: BookingForm,
    act: Callable[[Candidate, Submission, Training | None, int], str],
    is_open: Callable[[Training | None], bool],
    what: str,
) -> ResponseReturnValue:
    """Check a form of this page, then do what it asks: `act` returns the public id of the request it makes."""
    frame.belongs_to(found.cfa)
    training = slot_page.training_of(found)
    try:
        token = check_post(slot_page.PURPOSE, found.cfa.public_id)
    except (FormExpired, FormRefused) as refusal:
        return slot_page.page(found, training, form, refusal)
    if not form.validate():
        return slot_page.page(found, training, form, status=422)
    if not is_open(training):
        return slot_page.page(found, training, form, SlotUnavailable())
    sent, candidate = submission(token), form.candidate(platform(), source())
    try:
        count_post(found.cfa.public_id, *asker.contacts(candidate))
        try:
            with transaction():
                public_id = act(candidate, sent, training, form.guest_count)
        except REFUSALS:
            # A second click may find the seat taken by the first: what that one made is the answer.
            earlier = earlier_result(sent, frame.done(what))
            if earlier is not None:
                return earlier
            raise
    except (*REFUSALS, TooManyRequests) as refusal:
        return slot_page.refused(refusal, found, training, form, candidate)
    return _to_page(public_id, candidate, what)


def _to_page(public_id: str, candidate: Candidate, what: str) -> ResponseReturnValue:
    """Lead whoever filled the form to their page of the request just made (303: a reload posts nothing)."""
    link = links.new_personal_token(public_id, asker.who_asks(candidate))
    return redirect(url_for("public.personal", token=link, **frame.done(what)), 303)
