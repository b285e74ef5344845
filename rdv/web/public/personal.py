"""The candidate's own page, by signed link: where things stand, the calendar file, and how to cancel."""

from __future__ import annotations

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import booking, clock, ical, inbox, slots
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, LinkInvalid, NotFound, RdvError, TooManyRequests, WrongTransition
from rdv.models import Booking, CandidateRequest
from rdv.tokens import check_link, read_link
from rdv.web.forms import check_post, count_failed_secret
from rdv.web.public.blueprint import bp
from rdv.web.public.forms import CancelForm
from rdv.web.public.pages import way_out
from rdv.web.public.sending import form_token
from rdv.web.public.shown import slots_of
from rdv.web.public.standing import standing_of, thread_of, zone_of


@bp.get("/suivi/<token>")
def personal(token: str) -> ResponseReturnValue:
    """Where a request stands."""
    return _page(_request(token), token)


@bp.get("/suivi/<token>/annuler")
def cancel(token: str) -> ResponseReturnValue:
    """Ask why, before a seat is given back."""
    found = _request(token)
    if not _can_cancel(found.booking):
        return redirect(url_for("public.personal", token=token), 303)
    return _cancel_page(found, token, CancelForm())


@bp.post("/suivi/<token>/annuler")
def cancel_now(token: str) -> ResponseReturnValue:
    """Give the seat back."""
    found = _request(token)
    held = found.booking
    if held is None:
        raise LinkInvalid
    form = CancelForm(request.form)
    try:
        check_post("cancel", found.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _cancel_page(found, token, form, refusal)
    if not form.validate():
        return _cancel_page(found, token, form, status=422)
    try:
        with transaction():
            booking.cancel(held, "candidate", clock.now(), reason=form.sentence())
    except WrongTransition as refusal:
        if held.status != "cancelled":  # a second click finds it done
            return _page(found, token, refusal)
    return redirect(url_for("public.personal", token=token), 303)


@bp.get("/suivi/<token>/rendez-vous.ics")
def calendar_file(token: str) -> ResponseReturnValue:
    """The meeting as a calendar file."""
    held = _request(token).booking
    if held is None:
        raise NotFound("Cette demande n’a pas de rendez-vous à ajouter à un agenda.")
    response = Response(ical.booking_file(held), mimetype="text/calendar")
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


def _request(token: str) -> CandidateRequest:
    """Return the request of a link, or raise LinkInvalid: forged, of another purpose, revoked, or erased."""
    link = read_link("personal", token)
    try:
        found = inbox.get_by_public_id(link.object_id)
    except NotFound:
        raise LinkInvalid from None
    check_link(link, found.email or found.phone, found.link_version)
    return found


def _can_cancel(held: Booking | None) -> bool:
    return held is not None and held.status == "booked" and held.slot.starts_at > clock.now()


def _page(found: CandidateRequest, token: str, refusal: RdvError | None = None) -> ResponseReturnValue:
    now, held = clock.now(), found.booking
    cancelled = held is not None and held.status == "cancelled"
    near = slots.near(held.slot, now, training=found.training) if held and cancelled else []
    page = render_template(
        "public/personal.html", request_=found, cfa=found.cfa, standing=standing_of(found, now), token=token,
        held=held, now=now, thread=thread_of(found), zone=zone_of(found), near=slots_of(near, found.training).slots, refusal=refusal,
        can_cancel=_can_cancel(held), has_file=held is not None and not cancelled and held.slot.ends_at > now,
        phone=next(
            (place.phone for place in (found.training, found.site, found.cfa) if place and place.phone), None
        ),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def _cancel_page(
    found: CandidateRequest, token: str, form: CancelForm, refusal: RdvError | None = None, status: int = 200
) -> ResponseReturnValue:
    if refusal is not None:
        form.form_errors.append(refusal.message)
    page = render_template(
        "public/cancel.html", form=form, token=token, standing=standing_of(found, clock.now()),
        form_value=form_token("cancel", found.public_id, fresh=request.method == "GET" or refusal is not None),
    )  # fmt: skip
    return page, refusal.status if refusal else status
