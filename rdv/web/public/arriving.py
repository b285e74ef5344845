"""Addresses that other sites print, keep and rebuild: whatever identifier they hold, they lead to a page of ours."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import partner_ids, posters
from rdv.errors import NotFound
from rdv.models import Slot
from rdv.web.public.blueprint import bp
from rdv.web.public.instead import unknown_training
from rdv.web.public.origin import carried


@bp.get("/formation")
@bp.get("/rdva")  # the addresses of the service that runs today, kept alive (reference/predecessor.md §1.1, §3.2)
@bp.get("/form")
@bp.get("/espace-pro/form")
def training_by_identifier() -> ResponseReturnValue:
    """Lead from an identifier of another site to its training; to a choice when it means several, else to what is near it."""
    meant = partner_ids.read(request.args)
    found = partner_ids.open_ones(partner_ids.trainings(meant)) if meant else []
    if len(found) == 1:
        return redirect(url_for("public.training", public_id=found[0].public_id, **carried()), 302)
    if not found:
        return unknown_training(request.args)
    return render_template("public/choose_training.html", trainings=found, kept=carried())


@bp.get("/f/<public_id>")
def short_training(public_id: str) -> ResponseReturnValue:
    """The address of a training that is short enough for a poster; who types it may use capitals."""
    return redirect(url_for("public.training", public_id=public_id.strip().lower(), **carried()), 302)


@bp.get("/a/<public_id>")
def poster(public_id: str) -> ResponseReturnValue:
    """The address on a poster: the page of its meeting, or of its place's centre, with the poster's tag."""
    thing = posters.get(public_id)
    if thing is None:
        raise NotFound("Cette affiche n’est plus valable. Cherchez le centre ou la formation depuis l’accueil.")
    tag = posters.tag(request.args.get("source", "")) or posters.own_tag(thing)
    if isinstance(thing, Slot):
        return redirect(url_for("public.slot", public_id=public_id, **carried() | {"source": tag}), 302)
    return redirect(url_for("public.cfa", public_id=thing.cfa.public_id, **carried() | {"source": tag}), 302)
