"""« Votre demande peut être transmise »: what another centre would receive, and the person's yes or no."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import asker, clock, french, redirecting
from rdv.candidate import CALLBACK_WINDOWS, REASONS
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, RdvError
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.personal import personal_page
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token

PURPOSE = "redirect"
ANSWERS = ("oui", "non")


@bp.get("/suivi/<token>/transmettre", endpoint="redirecting")
def ask(token: str) -> ResponseReturnValue:
    """Show what would be passed on and to whom; opening the page passes nothing on."""
    reading = open_link(token)
    question = redirecting.pending(reading.request)
    return _page(reading, question) if question is not None else reading.back()


@bp.post("/suivi/<token>/transmettre")
def redirecting_answer(token: str) -> ResponseReturnValue:
    """Yes: the other centre has the request from now on; no: who asked is told. A second click finds it done."""
    reading = open_link(token)
    question = redirecting.pending(reading.request)
    if question is None:
        return reading.back()
    said = request.form.get("reponse")
    try:
        check_button(PURPOSE, _object(reading, question))
        if said not in ANSWERS:
            raise FormRefused
        with transaction():
            if said == "oui":
                redirecting.accept(reading.request, question.event, clock.now(), as_asker=reading.is_asker)
            else:
                redirecting.refuse(reading.request, question.event, clock.now(), as_asker=reading.is_asker)
    except (FormExpired, FormRefused) as refusal:
        return _page(reading, question, refusal)
    except RdvError as refusal:
        return personal_page(reading, refusal)
    return redirect(url_for("public.personal", token=token), 303)


def _object(reading: Reading, question: redirecting.Question) -> str:
    """A form answers one question: of another, asked meanwhile, it is shown again."""
    return f"{reading.request.public_id}:{question.event.id}"


def _page(reading: Reading, question: redirecting.Question, refusal: RdvError | None = None) -> ResponseReturnValue:
    target = question.target
    place = target.place
    page = render_template(
        "public/redirecting.html",
        token=reading.token,
        refusal=refusal,
        cfa=reading.request.cfa,
        target=target,
        where=[
            ("Centre de formation", target.cfa.shown_name),
            ("Lieu", "\n".join(filter(None, (place.shown_name, place.shown_address))) if place else None),
            ("Formation", target.training.shown_title if target.training else None),
            ("Téléphone du centre", french.phone((place.phone if place else None) or target.cfa.phone)),
        ],
        what=_what(reading),
        words=question.event.text,
        form_value=form_token(PURPOSE, _object(reading, question), fresh=True),
    )
    return page, refusal.status if refusal else 200


def _what(reading: Reading) -> list[tuple[str, str | None]]:
    """Return what would be passed on, as this reader may see it: the other person's contact and words are only named."""
    found = reading.request
    by_other = asker.present(found) and not reading.is_asker
    phone, email = (found.asker_phone, found.asker_email) if reading.is_asker else (found.phone, found.email)
    own = [each for each in (phone, email) if each and asker.reads(found, each) == reading.is_asker]
    others = f"Celles {french.of_name(reading.other)}" if asker.present(found) else None
    windows = ", ".join(CALLBACK_WINDOWS[each] for each in found.callback_windows if each in CALLBACK_WINDOWS)
    reasons = ", ".join(REASONS[each] for each in found.reasons if each in REASONS)
    return [
        ("Nom", found.person_name),
        ("Vos coordonnées", "\n".join(french.phone(each) if each == phone else each for each in own)),
        ("Autres coordonnées", others),
        ("Moments pour être rappelé", windows),
        ("Questions", reasons),
        ("Message", ("Celui que l’autre personne a écrit" if by_other else found.text) if found.text else None),
    ]
