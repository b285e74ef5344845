"""The personal page, by signed link: where things stand, what can be done, and the calendar file."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Response, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, ical, inbox, invitations, presence, redirecting, slots
from rdv.errors import LinkInvalid, NotFound, RdvError, TooManyRequests
from rdv.models import Booking
from rdv.web.forms import count_failed_secret
from rdv.web.public.blueprint import bp
from rdv.web.public.offered import waiting_of
from rdv.web.public.origin import page_code
from rdv.web.public.pages import way_out
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.shown import slots_of
from rdv.web.public.standing import standing_of, thread_of, zone_of
from rdv.web.public.takeable import takeable_of
from rdv.web.public.unanswered import unanswered

CONFIRMED_FROM = timedelta(days=7)  # earlier, nobody knows yet whether they come
JUST_BOOKED = timedelta(days=1)  # who has just chosen an hour comes


@bp.get("/suivi/<token>")
def personal(token: str) -> ResponseReturnValue:
    """Where a request stands."""
    return personal_page(open_link(token))


@bp.get("/suivi/<token>/rendez-vous.ics")
def calendar_file(token: str) -> ResponseReturnValue:
    """The meeting as a calendar file."""
    held = open_link(token).request.booking
    if held is None:
        raise NotFound("Cette demande n’a pas de rendez-vous à ajouter à un agenda.")
    response = Response(ical.booking_file(held, invitations.organizer(held.slot.cfa)), mimetype="text/calendar")
    response.headers["Content-Disposition"] = 'attachment; filename="rendez-vous.ics"'
    return response


@bp.errorhandler(LinkInvalid)
def wrong_link(error: LinkInvalid) -> ResponseReturnValue:
    """Offer to send the link again; wrong links are counted, so that nobody tries many."""
    actions = [("Recevoir à nouveau mon lien", url_for("public.resend")), ("Accueil", url_for("public.home"))]
    try:
        count_failed_secret()
    except TooManyRequests as refusal:
        text = "Trop de liens erronés ont été ouverts depuis cette connexion. Réessayez dans une heure."
        return way_out("Trop d’essais", text, actions, refusal.status)
    return way_out("Ce lien ne fonctionne plus", error.message, actions, error.status)


def personal_page(reading: Reading, refusal: RdvError | None = None) -> ResponseReturnValue:
    """Return the page of a request, with what was just refused."""
    now, found, held = clock.now(), reading.request, reading.request.booking
    booked = held is not None and held.status == "booked" and held.slot.ends_at > now
    cancelled = held is not None and held.status == "cancelled"
    waiting = waiting_of(reading, now)
    lost = held.slot if held and cancelled else waiting.lost
    near = slots.near(lost, now, training=found.training, platform=page_code()) if lost else []
    ask = held is not None and held.presence_at is None and _in_doubt(held, now)
    page = render_template(
        "public/personal.html", request_=found, cfa=found.cfa, standing=standing_of(reading, now), token=reading.token,
        held=held, now=now, waiting=waiting, thread=thread_of(reading), zone=zone_of(found), refusal=refusal, phone=inbox.phone_of(found),
        near=slots_of(near, found.training).slots, can_change=reading.can_change, has_file=booked,
        takeable=takeable_of(reading, now), may_write=inbox.may_write(found),
        may_change_windows=inbox.may_call(found),
        can_confirm=reading.can_change and ask, question=redirecting.pending(found),
        unanswered=unanswered(reading, now),
        can_be_late=booked and held is not None and presence.late_opens_at(held.slot) <= now,
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def _in_doubt(held: Booking, now: datetime) -> bool:
    return held.slot.starts_at - now <= CONFIRMED_FROM and now - held.created_at >= JUST_BOOKED
