"""Another centre that teaches the same, offered to who had no answer: what it is, and one button that sends the request."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, ladder, nearby, redirecting
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, NotFound, RdvError
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.personal import personal_page
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token
from rdv.web.public.shown import slots_of
from rdv.web.public.unanswered import shown, unanswered

PURPOSE = "elsewhere"
GONE = "Ce centre n’est plus proposé pour votre demande. Votre page montre où elle en est, et ce qui est possible."


@bp.get("/suivi/<token>/autre-centre/<public_id>")
def elsewhere(token: str, public_id: str) -> ResponseReturnValue:
    """Show it; nothing is sent before the button is pressed."""
    reading = open_link(token)
    return _page(reading, _place(reading, public_id))


@bp.post("/suivi/<token>/autre-centre/<public_id>")
def send_elsewhere(token: str, public_id: str) -> ResponseReturnValue:
    """Send the request there; the page of the person follows it. A second click finds it done."""
    reading = open_link(token)
    place = nearby.find(reading.request, public_id, clock.now())
    if place is None or redirecting.continued(reading.request) is not None:
        return reading.back()
    try:
        check_button(PURPOSE, _object(reading, place))
        with transaction():
            ladder.send(reading.request, place, clock.now(), as_asker=reading.is_asker)
    except (FormExpired, FormRefused) as refusal:
        return _page(reading, place, refusal)
    except RdvError as refusal:
        return personal_page(reading, refusal)
    return redirect(url_for("public.personal", token=token), 303)


def _place(reading: Reading, public_id: str) -> nearby.Place:
    """Return a place that is offered for this request, or raise NotFound."""
    now = clock.now()
    place = nearby.find(reading.request, public_id, now) if unanswered(reading, now) else None
    if place is None:
        raise NotFound(GONE)
    return place


def _object(reading: Reading, place: nearby.Place) -> str:
    return f"{reading.request.public_id}:{place.training.public_id}"


def _page(reading: Reading, place: nearby.Place, refusal: RdvError | None = None) -> ResponseReturnValue:
    found = reading.request
    page = render_template(
        "public/elsewhere.html", token=reading.token, cfa=found.cfa, place=shown(place, reading.token), refusal=refusal,
        training=place.training, site=place.site, can_send=ladder.can_send(found, place),
        own=slots_of([place.slot] if place.slot else [], place.training).slots,
        form_value=form_token(PURPOSE, _object(reading, place), fresh=True),
    )  # fmt: skip
    return page, refusal.status if refusal else 200
