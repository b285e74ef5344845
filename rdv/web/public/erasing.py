"""« Effacer mes données »: asked from the personal page, confirmed on a page of its own, and what old links say then."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, directory, erasure
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, RdvError, RequestErased
from rdv.models import CandidateRequest
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token
from rdv.web.public.standing import standing_of


@bp.get("/suivi/<token>/effacer")
def erase(token: str) -> ResponseReturnValue:
    """Say what will be gone, and ask to confirm."""
    return _page(open_link(token))


@bp.post("/suivi/<token>/effacer")
def erase_now(token: str) -> ResponseReturnValue:
    """Erase, and lead to what the link says from now on."""
    reading = open_link(token)
    try:
        check_button("erase", reading.request.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _page(reading, refusal)
    try:
        with transaction():
            erasure.erase(reading.request, "candidate", clock.now(), as_asker=reading.is_asker)
    except RequestErased:  # a second click finds it done
        pass
    except RdvError as refusal:
        return _page(reading, refusal)
    return reading.back()


@bp.errorhandler(RequestErased)
def erased(error: RequestErased) -> ResponseReturnValue:
    """Say what an old link can still say: nothing is kept of the person, and where to begin anew."""
    found = error.request
    if not isinstance(found, CandidateRequest):
        raise error
    actions = [("Chercher une formation ou un centre", url_for("public.home"))]
    if found.training is not None and directory.is_open(found.training):
        actions.insert(0, ("Revoir la formation", url_for("public.training", public_id=found.training.public_id)))
    elif found.cfa.closed_at is None:
        actions.insert(0, ("Voir la page du centre", url_for("public.cfa", public_id=found.cfa.public_id)))
    page = render_template(
        "public/erased.html", cfa=found.cfa.shown_name, asked=erasure.was_asked(found), actions=actions
    )
    return page, error.status


def _page(reading: Reading, refusal: RdvError | None = None) -> ResponseReturnValue:
    now = clock.now()
    fresh = request.method == "GET" or refusal is not None
    page = render_template(
        "public/erase.html", reading=reading, standing=standing_of(reading, now), token=reading.token, refusal=refusal,
        cfas=list(dict.fromkeys(each.cfa.shown_name for each in erasure.chain(reading.request))),
        has_other=reading.is_asker or reading.request.asker_first_name is not None,
        form_value=form_token("erase", reading.request.public_id, fresh),
    )  # fmt: skip
    return page, refusal.status if refusal else 200
