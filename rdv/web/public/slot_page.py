"""The page of a slot: what it is, the form that books it, the waiting list when it is full, other dates when it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import booking, clock, directory, french, personal_links, rules, slots, waitlist
from rdv.candidate import Candidate
from rdv.db import db, transaction
from rdv.errors import (
    AlreadyBooked,
    FormExpired,
    FormRefused,
    NotFound,
    RdvError,
    RequestReplayed,
    SlotUnavailable,
    TooManyRequests,
)
from rdv.models import Booking, Slot, Training
from rdv.web.candidate_forms import BookingForm
from rdv.web.public import frame
from rdv.web.public.origin import carried, page_code
from rdv.web.public.pages import way_out, ways_of
from rdv.web.public.sending import form_token
from rdv.web.public.shown import PLACES, few_left, slots_of

PURPOSE = "book"  # of the form token, which is bound to the CFA: the same form may take another of its slots


@dataclass(frozen=True)
class Shown:
    """The meeting as the page tells it."""

    title: str
    when: str
    lines: list[str]
    free: bool
    waiting: bool  # full, and its list is open
    shut: str | None  # why the CFA's rules do not let it be booked now


def training_of(found: Slot) -> Training | None:
    """Return the training of `?formation=` when this slot serves it, or the only one it is for."""
    public_id = request.args.get("formation")
    if public_id:
        try:
            wanted = directory.get_training(public_id)
        except NotFound:
            return None
        return wanted if slots.serves(found, wanted) else None
    return found.trainings[0] if found.training_scope == "chosen" and len(found.trainings) == 1 else None


def page(
    found: Slot, training: Training | None, form: BookingForm, refusal: RdvError | None = None, status: int = 200
) -> ResponseReturnValue:
    """Show the form that books or waits, as typed, or other dates when the slot takes nobody any more."""
    frame.belongs_to(found.cfa)
    now = clock.now()
    shown = shown_of(found, training, now)
    crowded = isinstance(refusal, SlotUnavailable) and shown.free and form.too_many_for(found)
    gone = not crowded and (not shown.free or isinstance(refusal, SlotUnavailable))
    waiting = gone and shown.waiting
    unsaid = not gone or (waiting and not isinstance(refusal, SlotUnavailable))  # by what the page says of the slot
    if refusal is not None and unsaid and not crowded:
        form.problem(refusal.message)
    elsewhere = gone and found.cfa.closed_at is None
    near = (
        slots_of(slots.near(found, now, training=training, platform=page_code()), training).slots if elsewhere else []
    )
    fresh = request.method == "GET" or isinstance(refusal, FormExpired | FormRefused | RequestReplayed)
    endpoint = "public.wait" if waiting else "public.slot"
    text = render_template(
        "public/slot.html", slot=found, cfa=found.cfa, training=training, form=form, shown=shown, gone=gone, near=near,
        waiting=waiting, typed=request.method == "POST", lost=waiting and request.endpoint == "public.book", token=form_token(PURPOSE, found.cfa.public_id, fresh),
        action=url_for(endpoint, public_id=found.public_id, **_query(training)),
        wait_instead=url_for("public.wait", public_id=found.public_id, **_query(training)) if crowded else None,
        back=_back(found, training), ways=ways_of(found.cfa, training, now) if elsewhere else [],
    )  # fmt: skip
    return text, refusal.status if refusal else status


def shown_of(found: Slot, training: Training | None, now: datetime) -> Shown:
    """Return what the page tells of a slot at an instant, to who comes from this page."""
    minutes = int((found.ends_at - found.starts_at).total_seconds() // 60)
    about = (
        f"{'En groupe' if found.is_group else found.shown_title}, {french.duration(minutes)}, {PLACES[found.place].lower()}",
        training.shown_title if training else None,
        found.cfa.shown_name,
        found.site.shown_address if found.place == "on_site" else None,
        few_left(found),
    )
    open_ = found.status == "open" and found.starts_at > now and not found.cfa.closed_at
    shut = _shut(found, now) if open_ else None
    # A full slot with an equal one beside it can still be booked: the other adviser's is taken.
    left = found.seats_left > 0 and not found.day_full
    free = open_ and shut is None and (left or len(booking.equal_slots(found, now)) > 1)
    waiting = open_ and shut is None and waitlist.open_to(found, now)
    when = french.moment(found.starts_at, found.site.timezone)
    return Shown(found.shown_title, when, [line for line in about if line], free, waiting, shut)


def _shut(found: Slot, now: datetime) -> str | None:
    """Say why the CFA's rules do not let a slot be booked at this instant, from this page; None when they do."""
    if found.opens_at is not None and found.opens_at >= (found.closes_at or found.starts_at):
        return "Ce créneau ne se réserve pas en ligne"
    if found.opens_at is not None and found.opens_at > now:
        return f"Ce créneau se réserve en ligne à partir du {french.moment(found.opens_at, found.site.timezone)}"
    if found.closes_at is not None and found.closes_at <= now:
        return "Il est trop tard pour réserver ce créneau en ligne"
    return None if rules.open_to(found, page_code()) else "Ce créneau ne se réserve pas depuis ce site"


def _query(training: Training | None) -> dict[str, Any]:
    return carried() | ({"formation": training.public_id} if training else {})


def _back(found: Slot, training: Training | None) -> str:
    if training:
        return url_for("public.training", public_id=training.public_id, **carried())
    return url_for("public.cfa", public_id=found.cfa.public_id, **carried())


def refused(
    refusal: RdvError, found: Slot, training: Training | None, form: BookingForm, candidate: Candidate
) -> ResponseReturnValue:
    """Answer who cannot book or wait: by the page again, or neutrally to who may hold something already."""
    if isinstance(refusal, AlreadyBooked):
        return _already_there(found, training, candidate)
    if isinstance(refusal, rules.TooManyBookings):
        return _move_instead(found, training, candidate)
    if isinstance(refusal, SlotUnavailable | RequestReplayed | TooManyRequests):
        return page(found, training, form, refusal)
    raise refusal


def _already_there(found: Slot, training: Training | None, candidate: Candidate) -> ResponseReturnValue:
    """Answer the same whether the person is booked, waits, or neither; only they receive their link again."""
    with transaction():
        existing = waitlist.request_of(found, candidate)
        if existing is not None:
            personal_links.send_again(existing, clock.now())
    return way_out(
        "Votre rendez-vous est peut-être déjà réservé",
        "Une même personne ne s’inscrit qu’une fois à ce créneau. Si une réservation ou une attente existe avec ces "
        "coordonnées, son lien personnel vient d’être renvoyé à l’adresse électronique qu’elle contient. Sans adresse, "
        "appelez le centre.",
        _ways_out(found, training),
        status=AlreadyBooked.status,
    )


def _move_instead(found: Slot, training: Training | None, candidate: Candidate) -> ResponseReturnValue:
    """Answer the same whoever asks; the person alone receives the links that move the meetings they have."""
    now = clock.now()
    with transaction():
        for booking_id in booking.bookings_ahead(found, candidate, now):
            personal_links.send_to_move(db.session.get_one(Booking, booking_id), now)
    return way_out(
        "Vous avez peut-être déjà un rendez-vous dans ce centre",
        "Ce centre limite le nombre de rendez-vous à venir d’une même personne\u00a0: plutôt que d’en prendre un de plus, "
        "déplacez celui que vous avez. Si une réservation existe avec ces coordonnées, le lien pour la déplacer vient "
        "d’être envoyé à l’adresse électronique qu’elle contient. Sans adresse, appelez le centre.",
        _ways_out(found, training),
        status=rules.TooManyBookings.status,
    )


def _ways_out(found: Slot, training: Training | None) -> list[tuple[str, str]]:
    return [
        ("Voir les autres créneaux", _back(found, training)),
        ("Recevoir à nouveau mon lien", url_for("public.resend")),
    ]
