"""Requests and bookings that a platform sends for a candidate, by the rules of the candidate's own pages.

The candidate receives the same mails. Each call carries an Idempotency-Key: the same again acts once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from rdv import api_answers, asker, booking, clock, inbox, modes, personal_links, rules, slots, throttle, waitlist
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import AlreadyBooked, ModeClosed, NotFound, RequestReplayed
from rdv.models import ApiKey, Booking, Cfa, Slot, Training
from rdv.web.api.blueprint import bp
from rdv.web.api.v1 import answering, shape
from rdv.web.api.v1.keyed import keyed
from rdv.web.api.v1.trainings import not_bookable, the_one
from rdv.web.candidate_forms import BookingForm, CallbackForm, CandidateForm, MessageForm
from rdv.web.day_limit import count_request
from rdv.web.forms import post_limits
from rdv.web.problems import ApiProblem

FORMS: dict[str, type[CandidateForm]] = {"callback": CallbackForm, "message": MessageForm}
_KEY = re.compile(r"[!-~]{8,200}")
# Where each field of the form stands in the body.
_PLACES = {
    "first_name": "candidate.first_name", "last_name": "candidate.last_name", "email": "candidate.email",
    "phone": "candidate.phone", "asker": "asker.role", "asker_first_name": "asker.first_name",
    "asker_last_name": "asker.last_name", "asker_email": "asker.email", "asker_phone": "asker.phone",
}  # fmt: skip
Made = tuple[int, dict[str, Any]]
FormKind = TypeVar("FormKind", bound=CandidateForm)


@bp.post("/api/v1/requests")
@keyed("requests:write")
def v1_send_request(key: ApiKey) -> ResponseReturnValue:
    """Ask a centre to call back, or write to it, for a candidate who agreed to it."""
    asked = shape.body("RequestSent")
    sent = _sent(key, asked)
    earlier = _earlier(key, sent)
    if earlier is not None:
        return earlier
    training, mode = _bookable(key, asked), asked["mode"]
    site = inbox.main_site(training.cfa, training)
    if not modes.is_open(mode, training.cfa, site, training):
        raise ModeClosed
    form = _checked(FORMS[mode](_posted(asked)))
    candidate, windows = form.candidate(key.platform), list(asked.get("windows", []))
    _count(training.cfa, candidate)
    count_request(candidate, training.cfa, site, clock.now())

    def act(now: datetime) -> Made:
        made = inbox.open_or_add(
            mode, training.cfa, candidate, sent, now, training=training,
            callback_windows=windows if mode == "callback" else None,
        )  # fmt: skip
        # Nothing is told of a request that the person made before: who calls may not be them.
        return (201, {"id": made.public_id, "added": False}) if made is not None else (202, {"id": None, "added": True})

    return _once(key, sent, act)


@bp.post("/api/v1/bookings")
@keyed("requests:write")
def v1_send_booking(key: ApiKey) -> ResponseReturnValue:
    """Take a seat in a free slot for a candidate who agreed to it."""
    asked = shape.body("BookingSent")
    sent = _sent(key, asked)
    earlier = _earlier(key, sent)
    if earlier is not None:
        return earlier
    training = _bookable(key, asked)
    try:
        slot = slots.get_public(asked["slot"])
    except NotFound:
        raise ApiProblem("introuvable", "Ce créneau n’existe pas ou n’existe plus.") from None
    if not slots.serves(slot, training):
        raise ApiProblem("introuvable", "Ce créneau n’est pas proposé pour cette formation.")
    form = _checked(BookingForm(_posted(asked), slot=slot))
    guests = asked.get("guests", 0)
    if guests and guests > slot.meeting_type.guests_allowed:
        raise _invalid("guests", "ce rendez-vous ne prévoit pas autant de personnes qui accompagnent")
    candidate = form.candidate(key.platform)
    _count(slot.cfa, candidate)

    def act(now: datetime) -> Made:
        made = booking.book(slot, candidate, sent, now, training, guests)
        held = db.session.get_one(Slot, made.slot_id)
        told = answering.when(held, held.site.timezone)
        return 201, {"id": made.public_id, "slot": held.public_id, **told, "place": held.place}

    try:
        return _once(key, sent, act)
    except AlreadyBooked:
        _send_link_again(slot, candidate)
        raise ApiProblem("deja-reserve") from None
    except rules.TooManyBookings:
        _send_links_to_move(slot, candidate)
        raise ApiProblem("trop-de-rendez-vous") from None


# -- once -------------------------------------------------------------------------------------------------------------


def _sent(key: ApiKey, asked: dict[str, Any]) -> Submission:
    given = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(given):
        raise ApiProblem("cle-de-reprise-absente")
    return api_answers.submission(key.platform_id, given, f"{request.path}\n{json.dumps(asked, sort_keys=True)}")


def _earlier(key: ApiKey, sent: Submission) -> ResponseReturnValue | None:
    """Return what the same call was answered; raise ApiProblem when its content was another."""
    try:
        found = api_answers.earlier(key.platform_id, sent)
    except api_answers.KeyReused:
        raise ApiProblem("cle-de-reprise-reutilisee") from None
    return answering.done(found.body, found.status) if found is not None else None


def _once(key: ApiKey, sent: Submission, act: Callable[[datetime], Made]) -> ResponseReturnValue:
    """Act and keep the answer in one transaction; the same call at the same instant gets the answer of the first."""
    now, platform_id = clock.now(), key.platform_id
    try:
        with transaction():
            row = api_answers.claim(platform_id, sent, now)
            row.status, row.body = act(now)
            return answering.done(row.body, row.status)
    except RequestReplayed:
        earlier = _earlier(key, sent)
        if earlier is not None:
            return earlier
        # Made more than a week ago: its answer is forgotten, the act is not done again.
        raise ApiProblem("cle-de-reprise-reutilisee") from None


# -- the same rules as the pages --------------------------------------------------------------------------------------


def _bookable(key: ApiKey, asked: dict[str, Any]) -> Training:
    training = the_one(asked["training"])
    reasons = not_bookable(training, key.platform)
    # Without a free slot nor a mode, the act itself says what lacks.
    if reasons:
        raise ApiProblem("non-proposee", reasons=reasons)
    return training


def _posted(asked: dict[str, Any]) -> MultiDict[str, str]:
    """Return a body as the candidate's form would have been posted."""
    candidate, who = asked["candidate"], asked.get("asker", {})
    posted: MultiDict[str, str] = MultiDict({**candidate, "asker": who.get("role", "candidate")})
    for name in ("first_name", "last_name", "email", "phone"):
        posted[f"asker_{name}"] = who.get(name, "")
    # Nobody is there to say whether an odd address is meant: it is kept, and told as doubtful.
    posted["email_meant"], posted["asker_email_meant"] = (
        str(each.get("email", "")).strip().lower() for each in (candidate, who)
    )
    posted["text"] = asked.get("text", "")
    posted.setlist("reasons", asked.get("reasons", []))
    posted.setlist("windows", asked.get("windows", []))
    posted["guests"] = str(asked.get("guests", 0))
    return posted


def _checked(form: FormKind) -> FormKind:
    """Return a form whose content the candidate's page would take; raise ApiProblem with each field at its place."""
    if form.validate():
        return form
    faults = [
        {"field": _PLACES.get(name, name), "message": str(messages[0])}
        for name, messages in form.errors.items()
        if name and messages
    ]
    raise ApiProblem("contenu-invalide", errors=faults)


def _invalid(where: str, message: str) -> ApiProblem:
    return ApiProblem("contenu-invalide", errors=[{"field": where, "message": message}])


def _count(cfa: Cfa, candidate: Candidate) -> None:
    """Count against the limits of the person and of the centre; the platform's own are those of its key."""
    throttle.count(post_limits(cfa.public_id, *asker.contacts(candidate)))


def _send_link_again(slot: Slot, candidate: Candidate) -> None:
    """Tell the person alone, if they hold something there: who calls learns nothing of it."""
    with transaction():
        existing = waitlist.request_of(slot, candidate)
        if existing is not None:
            personal_links.send_again(existing, clock.now())


def _send_links_to_move(slot: Slot, candidate: Candidate) -> None:
    now = clock.now()
    with transaction():
        for booking_id in booking.bookings_ahead(slot, candidate, now):
            personal_links.send_to_move(db.session.get_one(Booking, booking_id), now)
