"""Several requests at once: taken, given to a colleague, answered, closed; each guarded by the version that was seen.

One transaction a request: a refusal stops no other. What is left out is named, and nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import wtforms
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import validators

from rdv import clock, french, inbox, replies
from rdv.db import transaction
from rdv.errors import EditedMeanwhile, RdvError, WrongTransition
from rdv.extensions import csrf
from rdv.models import CandidateRequest
from rdv.notices import read as addresses_read
from rdv.web.forms import Required, tidy
from rdv.web.staff import request_list
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.posted import LARGEST_VERSION, session_refusal
from rdv.web.staff.request_filters import SearchForm
from rdv.web.staff.request_forms import LONGEST_ANSWER, NOT_IN_LIST, TOO_LONG
from rdv.web.staff.request_list import Notice

AT_ONCE = 50
NOTHING_CHOSEN = "Cochez d’abord une ou plusieurs demandes."


@dataclass(frozen=True)
class Picked:
    """A request that was ticked, and the version its reader saw."""

    request: CandidateRequest
    public_id: str
    version: int
    name: str
    email: str | None
    about: str | None  # its training
    text: str = ""  # what this person would read

    @property
    def href(self) -> str:
        return url_for("staff.request_detail", public_id=self.public_id)


@dataclass(frozen=True)
class LeftOut:
    """A request that was ticked and not touched, and why."""

    picked: Picked
    why: str

    def __str__(self) -> str:
        return f"{self.picked.name} ({self.why})"


class BulkAnswerForm(StaffForm):
    reply = wtforms.SelectField("Partir d’une réponse enregistrée", default="", validate_choice=False)
    text = wtforms.TextAreaField(
        "Votre réponse",
        [Required("Écrivez votre réponse avant de l’envoyer."), validators.Length(max=LONGEST_ANSWER, message=TOO_LONG)],
        filters=[tidy],
    )  # fmt: skip

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.library = {each.public_id: each for each in replies.listed(current_cfa().id)}
        self.reply.choices = {"": "Aucune"} | {key: each.title for key, each in self.library.items()}
        if self.reply.data not in self.library:
            self.reply.data = ""

    def insert(self) -> None:
        """Put the chosen reply after what is typed, its variables as they are: each person has their own."""
        chosen = self.library.get(self.reply.data)
        if chosen is not None:
            self.text.data = "\n\n".join(filter(None, [(self.text.data or "").strip(), chosen.text]))


class BulkCloseForm(StaffForm):
    outcome = wtforms.RadioField(
        "Résultat",
        [validators.InputRequired("Choisissez le résultat.")],
        choices={key: inbox.OUTCOME_LABELS[key] for key in inbox.CLOSING_OUTCOMES},
        invalid_choice_message=NOT_IN_LIST,
    )


@bp.post("/equipe/demandes/lot")
@csrf.exempt
def act_on_requests() -> ResponseReturnValue:
    """Do one thing to the requests that are ticked: the `action` of the button pressed."""
    picked = _picked()
    changed = session_refusal()
    act = ACTS.get(request.form.get("action", "")) or (_take if request.form.get("prendre") else None)
    if act is None:
        raise RdvError
    refusal = changed or (NOTHING_CHOSEN if not picked else None)
    if len(picked) > AT_ONCE:
        refusal = f"Choisissez {AT_ONCE}\u00a0demandes au plus à la fois."
    if refusal and act in (_answer, _close) and "etape" in request.form:
        return _step(act, picked, [Notice("error", refusal)]), 400
    if refusal:
        return _list([Notice("error", refusal)], checked=[each.public_id for each in picked]), 400
    return act(picked)


def _picked() -> list[Picked]:
    one = request.form.get("prendre")
    public_ids = [one] if one else list(dict.fromkeys(request.form.getlist("demande")))
    found = request_list.of_posted(current_cfa().id, public_ids[: AT_ONCE + 1])
    return [
        Picked(
            each, public_id, _version(public_id), each.person_name, each.email,
            each.training.shown_title if each.training else None,
        )
        for public_id, each in found.items()
    ]  # fmt: skip


def _version(public_id: str) -> int:
    version = request.form.get(f"version-{public_id}", 0, type=int)
    return version if 0 < version <= LARGEST_VERSION else 0


def _each(picked: Sequence[Picked], act: Callable[[Picked], object]) -> tuple[int, list[LeftOut]]:
    """Do something to each, in a transaction of its own; return how many were done, and those left out."""
    done, left = 0, []
    for each in picked:
        try:
            with transaction():
                act(each)
            done += 1
        except RdvError as refusal:
            left.append(LeftOut(each, _why(refusal, each)))
    return done, left


def _why(refusal: RdvError, picked: Picked) -> str:
    if isinstance(refusal, EditedMeanwhile):
        return "modifiée entre-temps"
    if isinstance(refusal, WrongTransition):
        return "déjà terminée"
    if not picked.email:
        return "pas d’adresse électronique"
    return refusal.message.rstrip(".")


# -- at once ----------------------------------------------------------------------------------------------------------


def _take(picked: list[Picked]) -> ResponseReturnValue:
    person = current_person()
    done, left = _each(
        picked, lambda each: inbox.assign(each.request, person, clock.now(), user=person, version=each.version)
    )
    said = f"Vous suivez {_of(picked) if done == 1 else french.plural(done, 'demande')}." if done else None
    return _after(said, left)


def _assign(picked: list[Picked]) -> ResponseReturnValue:
    person, wanted = current_person(), request.form.get("a", "")
    people = {user.public_id: user for user in inbox.colleagues(current_cfa().id)} | {"moi": person}
    if wanted not in people and wanted != "personne":
        refusal = Notice("error", "Choisissez à qui confier les demandes cochées.")
        return _list([refusal], checked=[each.public_id for each in picked]), 400
    owner = people.get(wanted)
    name = owner.shown_name if owner else None
    done, left = _each(
        picked, lambda each: inbox.assign(each.request, owner, clock.now(), user=person, version=each.version)
    )
    what = (
        french.plural(done, "demande confiée", "demandes confiées")
        if name
        else french.plural(done, "demande remise", "demandes remises")
    )
    return _after(f"{what} à {name or 'toute l’équipe'}." if done else None, left)


def _of(picked: Sequence[Picked]) -> str:
    return f"la demande de {picked[0].name}" if len(picked) == 1 else french.plural(1, "demande")


def _after(said: str | None, left: Sequence[LeftOut]) -> ResponseReturnValue:
    """Return to the list as it was, and tell what was done and what was not."""
    notices = [Notice("success", said)] if said else []
    if left:
        notices.append(Notice("warning", _left_title(left), ", ".join(map(str, left)) + "."))
    if request.form.get("text_cherche"):  # what was searched stands in no address
        return _list(notices)
    for notice in notices:
        flash(f"{notice.title} {notice.text or ''}".strip(), notice.kind)
    return redirect(_back(), 303)


def _left_title(left: Sequence[LeftOut]) -> str:
    return f"{french.plural(len(left), 'demande laissée', 'demandes laissées')} de côté\u00a0:"


def _back() -> str:
    if request.args.get("retour") == "accueil":
        kept: dict[str, Any] = {
            name: request.args[name] for name in ("suivi", "site", "conseiller") if name in request.args
        }
        return url_for("staff.dashboard", **kept)
    paged: dict[str, Any] = {name: request.args.get(name) for name in ("apres", "avant")}
    return request_list.filters().address(**paged)


def _list(notices: Sequence[Notice], checked: Sequence[str] = ()) -> str:
    """Return the list again, or what was searched, with what was ticked."""
    words = request.form.get("text_cherche")
    search = SearchForm(formdata=None, data={"text": words}) if words else None
    return request_list.show(request_list.filters(), search=search, checked=checked, notices=notices)


# -- with a page to confirm -------------------------------------------------------------------------------------------


def _answer(picked: list[Picked]) -> ResponseReturnValue:
    """Write, read again, send: three pages, the last of which sends exactly what the second one shows."""
    step = request.form.get("etape", "")
    form = BulkAnswerForm()
    if step in ("", "ecrire", "inserer"):
        typed = {name: request.form.get(name) for name in ("text", "reply")}
        form = BulkAnswerForm(formdata=None, data=typed)
        if step == "inserer":
            form.insert()
        return _step(_answer, picked, form=form)
    if not form.validate():
        return _step(_answer, picked, form=form), 400
    unknown = replies.unknown(form.text.data or "")
    if unknown:
        braces = french.enumeration([f"{{{name}}}" for name in unknown])
        form.text.errors = [
            f"Ce texte contient {braces}, qui ne désigne rien. Écrivez la valeur, ou retirez les accolades."
        ]
        return _step(_answer, picked, form=form), 400
    able, left = _able(picked, needs_email=True, text=form.text.data or "")
    if not able:
        return _step(
            _answer, picked, [Notice("error", "Aucune de ces demandes ne peut recevoir cette réponse.")], form=form
        ), 409
    if step == "relire":
        return _step(_answer, picked, form=form, confirm=True)
    chosen = form.library.get(form.reply.data)

    def send(each: Picked) -> None:
        inbox.answer(
            each.request, each.text, "staff", clock.now(), user=current_person(), version=each.version, undoable=True
        )
        if chosen is not None:
            replies.used(chosen, clock.now())

    done, refused = _each(able, send)
    left += refused
    said = f"Réponse envoyée à {french.plural(done, 'personne')}." if done else None
    if not left:
        return _after(said, [])
    # What was typed stays, for those who did not get it.
    notices = [Notice("success", said)] if said else []
    again = _picked_again(left)
    return _step(_answer, again, notices, form=form, ticked=(), left=left), 200 if done else 409


def _close(picked: list[Picked]) -> ResponseReturnValue:
    step = request.form.get("etape", "")
    if step == "":
        return _step(_close, picked, form=BulkCloseForm(formdata=None))
    form = BulkCloseForm()
    if not form.validate():
        return _step(_close, picked, form=form), 400
    person = current_person()
    done, left = _each(
        picked,
        lambda each: inbox.close(
            each.request, form.outcome.data, "staff", clock.now(), user=person, version=each.version
        ),
    )
    return _after(f"{french.plural(done, 'demande terminée', 'demandes terminées')}." if done else None, left)


def _able(picked: Sequence[Picked], needs_email: bool, text: str = "") -> tuple[list[Picked], list[LeftOut]]:
    """Tell those that can be acted on from those that cannot, as they stand now; `text`: filled for each."""
    able, left = [], []
    for each in picked:
        if each.request.version != each.version:
            left.append(LeftOut(each, "modifiée entre-temps"))
        elif needs_email and not each.email:
            left.append(LeftOut(each, "pas d’adresse électronique"))
        elif needs_email and each.request.email_state == "dead" and not addresses_read(each.request):
            left.append(LeftOut(each, "adresse électronique en erreur"))
        elif needs_email and (missing := _filled(each, text).missing):
            braces = french.enumeration([f"{{{name}}}" for name in missing])
            left.append(LeftOut(each, f"rien à mettre à la place de {braces}"))
        elif not needs_email and each.request.status == "closed":
            left.append(LeftOut(each, "déjà terminée"))
        else:
            able.append(replace(each, text=_filled(each, text).text))
    return able, left


def _filled(picked: Picked, text: str) -> replies.Filled:
    return replies.fill(text, replies.values_of(picked.request))


def _picked_again(left: Sequence[LeftOut]) -> list[Picked]:
    """Return those left out as they stand now: ticking one again is having read it."""
    found = request_list.of_posted(current_cfa().id, [each.picked.public_id for each in left])
    return [
        Picked(found[old.public_id], old.public_id, found[old.public_id].version, old.name, old.email, old.about)
        for old in (each.picked for each in left)
        if old.public_id in found
    ]


def _step(
    act: Callable[[list[Picked]], ResponseReturnValue],
    picked: Sequence[Picked],
    notices: Sequence[Notice] = (),
    *,
    form: StaffForm | None = None,
    confirm: bool = False,
    ticked: Sequence[str] | None = None,
    left: Sequence[LeftOut] = (),
) -> str:
    """Return the page on which several requests are answered or closed; `ticked`: none other than those (None: all)."""
    answers = act is _answer
    if form is None:
        form = BulkAnswerForm() if answers else BulkCloseForm()
    text = form.text.data or "" if isinstance(form, BulkAnswerForm) and confirm else ""
    able, out = _able(picked, needs_email=answers, text=text)
    kept: dict[str, Any] = {name: request.args.get(name) for name in ("apres", "avant", "retour", "conseiller")}
    return render_template(
        "staff/request_bulk.html",
        answers=answers,
        confirm=confirm,
        same=len({each.text for each in able}) == 1,
        variables=[name for name in replies.VARIABLES if name != replies.SLOTS],
        form=form,
        able=able,
        ticked={each.public_id for each in able} if ticked is None else set(ticked),
        left=[*left, *(each for each in out if each.picked.public_id not in {one.picked.public_id for one in left})],
        notices=notices,
        page_error=any(notice.kind == "error" for notice in notices),
        searched=request.form.get("text_cherche"),
        acts_url=request_list.filters().address("staff.act_on_requests", **kept),
        back_url=_back(),
    )


ACTS: dict[str, Callable[[list[Picked]], ResponseReturnValue]] = {
    "confier": _assign,
    "repondre": _answer,
    "terminer": _close,
}
