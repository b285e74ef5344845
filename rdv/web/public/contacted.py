"""« Avez-vous été contacté ? »: one word of the candidate, by their personal link; opening the page says nothing."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, inbox, ladder
from rdv.db import transaction
from rdv.errors import FormExpired, FormRefused, RdvError, WrongTransition
from rdv.web.forms import check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token

WORDS = {"oui": True, "non": False}
PURPOSE = "contacted"


@bp.get("/suivi/<token>/contact")
def contacted(token: str) -> ResponseReturnValue:
    """Ask."""
    return _ask(open_link(token))


@bp.post("/suivi/<token>/contact")
def say_contacted(token: str) -> ResponseReturnValue:
    """Record the answer of the button pressed; the page then says what follows from it."""
    reading = open_link(token)
    word = WORDS.get(request.form.get("reponse", ""))
    try:
        check_button(PURPOSE, reading.request.public_id)
        if word is None:
            raise RdvError("Répondez par l’un des deux boutons.")
        with transaction():
            event = ladder.say(reading.request, word, clock.now(), as_asker=reading.is_asker)
    except (FormExpired, FormRefused, WrongTransition, RdvError) as refusal:
        return _ask(reading, refusal)
    said = "oui" if word else "non" if event is not None else "attendu"
    return redirect(url_for("public.contacted", token=token, dit=said), 303)


def _ask(reading: Reading, refusal: RdvError | None = None) -> ResponseReturnValue:
    found = reading.request
    page = render_template(
        "public/contacted.html", token=reading.token, cfa=found.cfa, refusal=refusal, said=request.args.get("dit"),
        who=found.first_name if reading.is_asker else None, may_say=ladder.may_say(found, ladder.history.of(found)),
        promised=ladder.promised(found) if found.status in inbox.TO_TREAT else None,
        late=found.due_at is not None and found.due_at <= clock.now(), phone=inbox.phone_of(found),
        reference=found.reference, training_title=found.training.shown_title if found.training else None, form_value=form_token(PURPOSE, found.public_id, fresh=True),
    )  # fmt: skip
    return page, refusal.status if refusal else 200
