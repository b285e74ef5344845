"""Who came for a training that closed, or that nobody knows: what happened, what is open instead, and a search."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, directory, inbox, instead, partner_ids
from rdv.errors import NotFound
from rdv.models import Cfa, Training
from rdv.web.public import frame
from rdv.web.public.blueprint import bp
from rdv.web.public.origin import carried, page_code


class ClosedTraining(NotFound):
    """A training that no longer takes candidates: known, and gone, where an unknown one is not found."""

    status = 410

    def __init__(self, training: Training) -> None:
        super().__init__("Cette formation n’est plus proposée.")
        self.training = training


@bp.errorhandler(ClosedTraining)
def closed_training(error: ClosedTraining) -> ResponseReturnValue:
    """Offer the same training elsewhere, and the others of its centre."""
    training = error.training
    successor = directory.successor_of(training)
    if successor is not None and request.method == "GET":
        return redirect(url_for("public.training", public_id=successor.public_id, **carried()), 301)
    found = instead.of_closed(training, page_code(), clock.now())
    alone = frame.of_one_centre()
    page = render_template(
        "public/instead.html", title=f"«\u00a0{training.shown_title}\u00a0» n’est plus proposée",
        text=_closed_sentence(training), found=found, known=True, phone=_phone(found.cfa, training), kept=carried(),
        # On a centre's own site, its frame shows nobody else.
        places=[each for each in found.places if not alone or each.cfa.id == training.cfa_id],
        q="" if alone else (training.title or ""), searching=not alone,
    )  # fmt: skip
    return page, error.status


def unknown_training(said: Mapping[str, str]) -> ResponseReturnValue:
    """Offer the trainings of the centre that an unknown identifier names, and a search."""
    found = instead.of_unknown(partner_ids.values(said), page_code(), clock.now())
    text = "Le lien que vous avez suivi ne correspond à aucune formation connue. Elle a peut-être changé d’identifiant."
    page = render_template(
        "public/instead.html", title="Formation introuvable", text=text, found=found, known=False, places=[],
        phone=_phone(found.cfa, None), kept=carried(), q="", searching=True,
    )  # fmt: skip
    return page, 404


def _closed_sentence(training: Training) -> str:
    cfa = training.cfa
    if cfa.closed_at is not None:
        return f"{cfa.shown_name} n’accueille plus de candidats."
    return f"{cfa.shown_name} ne propose plus cette formation ici."


def _phone(cfa: Cfa | None, training: Training | None) -> str | None:
    """The number of an open centre, which says what becomes of the training."""
    return inbox.number_of(cfa, training) if cfa is not None else None
