"""Book a slot: one page; when the slot is gone, the nearest ones, and what was typed is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import booking, clock, directory, french, links, personal_links, rules, slots
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
from rdv.web.forms import check_post, count_post, submission
from rdv.web.public.blueprint import bp
from rdv.web.public.forms import BookingForm
from rdv.web.public.origin import carried, page_code, platform
from rdv.web.public.pages import way_out, ways_of
from rdv.web.public.sending import earlier_result, form_token
from rdv.web.public.shown import PLACES, slots_of

PURPOSE = "book"  # of the form token, which is bound to the CFA: the same form may take another of its slots


@dataclass(frozen=True)
class Shown:
    """The meeting as the page tells it."""

    when: str
    lines: list[str]
    free: bool
    shut: str | None = None  # why the CFA's rules do not let it be booked now


@bp.get("/rendez-vous/<public_id>")
def slot(public_id: str) -> ResponseReturnValue:
    """The booking form of a slot, or the nearest free ones when it is gone."""
    found = slots.get_public(public_id)
    return _page(found, _training(found), BookingForm(place=found.place))


@bp.post("/rendez-vous/<public_id>")
def book(public_id: str) -> ResponseReturnValue:
    """Take a seat."""
    found = slots.get_bookable(public_id)
    training = _training(found)
    form = BookingForm(request.form, place=found.place)
    try:
        token = check_post(PURPOSE, found.cfa.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _page(found, training, form, refusal)
    if not form.validate():
        return _page(found, training, form, status=422)
    if found.cfa.closed_at is not None:
        return _page(found, training, form, SlotUnavailable())
    sent, candidate = submission(token), form.candidate(platform())
    try:
        count_post(found.cfa.public_id, candidate.email, candidate.phone)
        try:
            with transaction():
                booked = booking.book(found, candidate, sent, clock.now(), training)
        except (SlotUnavailable, AlreadyBooked, RequestReplayed, rules.TooManyBookings):
            # A second click may find the seat taken by the first: what that one made is the answer.
            earlier = earlier_result(sent)
            if earlier is not None:
                return earlier
            raise
    except AlreadyBooked:
        return _already_booked(found, training, candidate)
    except rules.TooManyBookings:
        return _move_instead(found, training, candidate)
    except (SlotUnavailable, RequestReplayed, TooManyRequests) as refusal:
        return _page(found, training, form, refusal)
    link = links.new_personal_token(booked.public_id, candidate.email or candidate.phone)
    return redirect(url_for("public.personal", token=link), 303)


def _training(found: Slot) -> Training | None:
    """Return the training of `?formation=` when this slot serves it, or the only one it is for."""
    public_id = request.args.get("formation")
    if public_id:
        try:
            wanted = directory.get_training(public_id)
        except NotFound:
            return None
        return wanted if slots.serves(found, wanted) else None
    return found.trainings[0] if found.training_scope == "chosen" and len(found.trainings) == 1 else None


def _page(
    found: Slot, training: Training | None, form: BookingForm, refusal: RdvError | None = None, status: int = 200
) -> ResponseReturnValue:
    now = clock.now()
    shown = _shown(found, training, now)
    gone = not shown.free or isinstance(refusal, SlotUnavailable)
    if refusal is not None and not gone:
        form.problem(refusal.message)
    elsewhere = gone and found.cfa.closed_at is None
    near = (
        slots_of(slots.near(found, now, training=training, platform=page_code()), training).slots if elsewhere else []
    )
    fresh = request.method == "GET" or isinstance(refusal, FormExpired | FormRefused | RequestReplayed)
    page = render_template(
        "public/slot.html", slot=found, cfa=found.cfa, training=training, form=form, shown=shown, gone=gone, near=near,
        typed=request.method == "POST", token=form_token(PURPOSE, found.cfa.public_id, fresh),
        action=url_for("public.slot", public_id=found.public_id, **_query(training)),
        back=_back(found, training), ways=ways_of(found.cfa, training, now) if elsewhere else [],
    )  # fmt: skip
    return page, refusal.status if refusal else status


def _shown(found: Slot, training: Training | None, now: datetime) -> Shown:
    zone = found.site.timezone
    minutes = int((found.ends_at - found.starts_at).total_seconds() // 60)
    about = (
        f"{found.meeting_type.title}, {french.duration(minutes)}, {PLACES[found.place].lower()}",
        training.shown_title if training else None,
        found.cfa.shown_name,
        found.site.shown_address if found.place == "on_site" else None,
        f"En groupe, {french.plural(found.seats_left, 'place')}" if found.is_group and found.seats_left else None,
    )
    free = found.status == "open" and found.starts_at > now and not found.cfa.closed_at
    shut = _shut(found, now) if free else None
    # A full slot with an equal one beside it can still be booked: the other adviser's is taken.
    left = found.seats_left > 0 and not found.day_full
    free = free and shut is None and (left or len(booking.equal_slots(found, now)) > 1)
    return Shown(french.moment(found.starts_at, zone), [line for line in about if line], free, shut)


def _shut(found: Slot, now: datetime) -> str | None:
    """Say why the CFA's rules do not let a slot be booked at this instant, from this page; None when they do."""
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


def _already_booked(found: Slot, training: Training | None, candidate: Candidate) -> ResponseReturnValue:
    """Answer the same whether the typed contact is an e-mail or not; only its owner receives the link again."""
    with transaction():
        booking_id = booking.live_booking_of(found, candidate)
        if booking_id is not None:
            existing = db.session.get_one(Booking, booking_id)
            personal_links.send_again(existing.request, clock.now())
    return way_out(
        "Votre rendez-vous est peut-être déjà réservé",
        "Une même personne ne réserve qu’une fois ce créneau. Si une réservation existe avec ces coordonnées, son lien "
        "personnel vient d’être renvoyé à l’adresse électronique qu’elle contient. Sans adresse, appelez le centre.",
        [
            ("Voir les autres créneaux", _back(found, training)),
            ("Recevoir à nouveau mon lien", url_for("public.resend")),
        ],
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
        [
            ("Voir les autres créneaux", _back(found, training)),
            ("Recevoir à nouveau mon lien", url_for("public.resend")),
        ],
        status=rules.TooManyBookings.status,
    )
