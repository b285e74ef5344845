"""Pass a request on: choose where, then with which agreement; another centre receives it, or the person is asked first."""

from __future__ import annotations

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import clock, directory, french, inbox, nearby, redirecting
from rdv.db import transaction
from rdv.errors import EditedMeanwhile, NotFound, RdvError
from rdv.extensions import csrf
from rdv.models import CandidateRequest, Site, Training
from rdv.redirecting import Target
from rdv.web.forms import one_line, tidy
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.posted import posted_version, session_refusal

MOST_NEAR = 8
PARTS = {"centre": "cfa", "lieu": "site", "formation": "training"}  # words of the address ↔ of a target


class WhereForm(wtforms.Form):
    """Words about a centre, never about the person: they may stand in the address."""

    q = wtforms.StringField("Nom du centre, de la formation ou ville", [validators.Length(max=80)], filters=[one_line])


class RedirectForm(StaffForm):
    agreed = wtforms.BooleanField("La personne est d’accord (je lui ai demandé)")
    text = wtforms.TextAreaField(
        "Un mot pour qui reçoit la demande",
        [validators.Optional(), validators.Length(max=1000, message="Ce texte est trop long\u00a0: 1000 caractères au plus.")],
        filters=[tidy],
    )  # fmt: skip


@bp.get("/equipe/demandes/<public_id>/transmettre")
def redirect_where(public_id: str) -> ResponseReturnValue:
    """Choose another place of this centre, or another centre: those that teach the same, nearest first, or by their name."""
    found = inbox.get_for_cfa(current_cfa().id, public_id)
    form = WhereForm(request.args)
    form.validate()
    words = (form.q.data or "")[:80]
    own = [site for site in found.cfa.sites if site.closed_at is None and site.id != found.site_id]
    return render_template(
        "staff/redirect.html",
        found=found,
        form=form,
        words=words,
        own=[(site.shown_name, site.shown_address, _to(found, site.cfa.public_id, site)) for site in own],
        near=_near(found),
        named=_named(found, words) if len(words) > 1 else [],
    )  # fmt: skip


def _near(found: CandidateRequest) -> list[tuple[str, str, str, str]]:
    """Return the other centres that teach the same, nearest first: name, what and where, how they answer, where to go on."""
    places = [each for each in nearby.places(found, clock.now(), MOST_NEAR) if each.cfa.id != found.cfa_id]
    return [
        (
            each.cfa.shown_name,
            f"{each.training.shown_title}, {each.site.city or each.site.shown_name}, à {each.shown_km}",
            each.offers,
            _to(found, each.cfa.public_id, each.site, each.training),
        )
        for each in sorted(places, key=lambda each: each.km)
    ]


def _named(found: CandidateRequest, words: str) -> list[tuple[str, str, str]]:
    """Return the other centres that a search finds: those that teach the same diploma first."""
    met = directory.search(words)
    trainings = [each for each in met.trainings if each.cfa_id != found.cfa_id]
    trainings.sort(key=lambda each: not _same(each, found.training))
    lines = [
        (each.cfa.shown_name, ", ".join(filter(None, (each.shown_title, directory.shown_place(each.sites)))),
         _to(found, each.cfa.public_id, None, each))
        for each in trainings
    ]  # fmt: skip
    lines += [(cfa.shown_name, cfa.city or "", _to(found, cfa.public_id)) for cfa in met.cfas if cfa.id != found.cfa_id]
    return lines


def _same(training: Training, asked: Training | None) -> bool:
    codes = {asked.diploma_code, asked.rncp} - {None} if asked else set()
    return bool({training.diploma_code, training.rncp} & codes)


def _to(found: CandidateRequest, cfa: str, site: Site | None = None, training: Training | None = None) -> str:
    return url_for(
        "staff.redirect_to", public_id=found.public_id, centre=cfa, lieu=site.public_id if site else None,
        formation=training.public_id if training else None,
    )  # fmt: skip


@bp.get("/equipe/demandes/<public_id>/transmettre/vers")
def redirect_to(public_id: str) -> ResponseReturnValue:
    """Show who would receive the request, and what is needed before."""
    found = inbox.get_for_cfa(current_cfa().id, public_id)
    return _page(found, _target(), RedirectForm())


@bp.post("/equipe/demandes/<public_id>/transmettre/vers")
@csrf.exempt
def redirect_now(public_id: str) -> ResponseReturnValue:
    """Pass it on, or ask the person: the `action` of the button pressed; refused, the page comes again as typed."""
    found, form = inbox.get_for_cfa(current_cfa().id, public_id), RedirectForm()
    target, person = _target(), current_person()
    ask = request.form.get("action") == "demander"
    changed = session_refusal()
    if changed:
        return _page(found, target, form, changed), 400
    if not form.validate():
        return _page(found, target, form), 400
    try:
        with transaction():
            if ask:
                redirecting.ask(
                    found, target, "staff", clock.now(), user=person, text=form.text.data, version=posted_version()
                )
            else:
                redirecting.redirect(
                    found, target, "staff", clock.now(), user=person, text=form.text.data, agreed=form.agreed.data,
                    version=posted_version(),
                )  # fmt: skip
    except NotFound:
        raise
    except EditedMeanwhile as refusal:
        return _page(found, target, form, refusal.message), refusal.status
    except RdvError as refusal:
        return _page(found, target, form, refusal.message), refusal.status
    flash(
        f"L’accord de {found.person_name} est demandé." if ask else f"Demande transmise\u00a0: {target.name}.",
        "success",
    )
    return redirect(url_for("staff.request_detail", public_id=found.public_id), 303)


def _target() -> Target:
    """Return the target that the address names, or raise NotFound."""
    return redirecting.find({part: request.args.get(word, "") for word, part in PARTS.items()})


def _page(found: CandidateRequest, target: Target, form: RedirectForm, refusal: str | None = None) -> str:
    place = target.place
    within = target.cfa.id == found.cfa_id
    question = redirecting.pending(found)
    return render_template(
        "staff/redirect_to.html",
        found=found,
        target=target,
        form=form,
        refusal=refusal,
        page_error=refusal is not None,
        within=within,
        spoken=within or redirecting.spoken(found),
        can_ask=not within and bool(found.email or found.asker_email),
        asked=question.target.name if question else None,
        to=_to(found, target.cfa.public_id, target.site, target.training),
        back=url_for("staff.redirect_where", public_id=found.public_id),
        facts=[
            ("Centre", target.cfa.shown_name),
            ("Lieu", "\n".join(filter(None, (place.shown_name, place.shown_address))) if place else None),
            ("Formation", target.training.shown_title if target.training else None),
            ("Téléphone", french.phone((place.phone if place else None) or target.cfa.phone)),
        ],
    )
