"""The page where one request is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, french, inbox, outcomes, personal_links, viewers
from rdv.db import transaction
from rdv.errors import EditedMeanwhile, NotFound, RdvError
from rdv.extensions import csrf
from rdv.models import CandidateRequest, RequestEvent
from rdv.web import outcome_form, request_lines
from rdv.web.request_lines import zone_of
from rdv.web.staff import composer, list_left, slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person, current_role, require_manager
from rdv.web.staff.posted import posted_version, session_refusal
from rdv.web.staff.request_forms import RequestForms

MEANWHILE = (
    "Cette demande a changé pendant que vous écriviez. Lisez ci-dessous ce qui a été fait\u00a0: votre texte est conservé, "
    "et envoyer à nouveau l’enverra."
)


def _href(found: CandidateRequest) -> str:
    return url_for("staff.request_detail", public_id=found.public_id, **list_left.carried())


@bp.get("/equipe/demandes/<public_id>")
def request_detail(public_id: str) -> ResponseReturnValue:
    """Show a request, its thread, and what can be done."""
    found, person = inbox.get_for_cfa(current_cfa().id, public_id), current_person()
    viewers.opened(found, person, clock.now())
    forms = RequestForms(found, inbox.colleagues(found.cfa_id), person)
    undone = composer.undone_by(found, person)
    if undone is not None:
        forms.show_again(undone)
    return _page(found, forms)


@bp.post("/equipe/demandes/<public_id>")
@csrf.exempt
def request_act(public_id: str) -> ResponseReturnValue:
    """Do one thing to a request: the `action` of the button pressed; refused, the page comes again as typed."""
    found = inbox.get_for_cfa(current_cfa().id, public_id)
    action = request.form.get("action", "")
    act = ACTS.get(action)
    if act is None and action != "fill":
        raise RdvError
    forms = RequestForms(found, inbox.colleagues(found.cfa_id), current_person())
    changed = session_refusal()
    if changed:
        return _page(found, forms, changed), 400
    if act is None:
        forms.answer.insert(found)
        return _page(found, forms), 400 if forms.answer.errors else 200
    try:
        done = act(found, forms)
    except NotFound:
        raise
    except EditedMeanwhile as refusal:
        return _page(found, forms, MEANWHILE, composer.since(found, posted_version())), refusal.status
    except RdvError as refusal:
        return _page(found, forms, refusal.message), refusal.status
    if done is None:
        return _page(found, forms), 400
    if done:  # else the page says it, with the button that takes it back
        flash(done, "success")
    return redirect(_href(found), 303)


def _answer(found: CandidateRequest, forms: RequestForms) -> str | None:
    if not forms.answer.validate():
        return None
    composer.send(found, forms.answer, current_person(), posted_version())
    return ""


def _undo(found: CandidateRequest, _forms: RequestForms) -> str | None:
    composer.take_back(found, composer.found_event(found, request.form.get("event")), current_person())
    taken_back = composer.undone_by(found, current_person())
    typed = " Votre texte est revenu où vous l’aviez écrit." if taken_back and taken_back.text else ""
    return f"C’est annulé, rien n’est parti.{typed}"


def _outcome(found: CandidateRequest, forms: RequestForms) -> str | None:
    form = forms.outcome
    if not form.validate():
        return None
    with transaction():
        outcomes.record(
            found, form.outcome.data, "staff", clock.now(), user=current_person(), text=form.text.data,
            next_at=form.next_at, version=posted_version(),
        )  # fmt: skip
    return ""


def _note(found: CandidateRequest, forms: RequestForms) -> str | None:
    if not forms.note.validate():
        return None
    with transaction():
        inbox.note(found, forms.note.text.data, clock.now(), user=current_person())
    return "Note enregistrée. Seule votre équipe la voit."


def _assign(found: CandidateRequest, forms: RequestForms) -> str | None:
    if not forms.assign.validate():
        return None
    chosen = forms.assign.owner.data
    with transaction():
        owner = next((user for user in inbox.colleagues(found.cfa_id) if user.public_id == chosen), None)
        inbox.assign(found, owner, clock.now(), user=current_person())
    return f"Demande confiée à {owner.shown_name}." if owner else "Demande remise à toute l’équipe."


def _close(found: CandidateRequest, forms: RequestForms) -> str | None:
    if not forms.close.validate():
        return None
    with transaction():
        inbox.close(
            found, forms.close.outcome.data, "staff", clock.now(), user=current_person(), version=posted_version()
        )
    return ""


def _reopen(found: CandidateRequest, _forms: RequestForms) -> str | None:
    with transaction():
        inbox.reopen(found, "staff", clock.now(), user=current_person())
    return "Demande rouverte. Une nouvelle échéance court à partir d’aujourd’hui."


def _revoke(found: CandidateRequest, _forms: RequestForms) -> str | None:
    require_manager()
    with transaction():
        inbox.revoke_links(found, current_person())
        personal_links.send_again(found, clock.now())
    return "Les liens déjà envoyés n’ouvrent plus rien. La personne reçoit le sien à nouveau."


ACTS: dict[str, Callable[[CandidateRequest, RequestForms], str | None]] = {
    "answer": _answer,
    "outcome": _outcome,
    "revoke": _revoke,
    "note": _note,
    "assign": _assign,
    "close": _close,
    "reopen": _reopen,
    "undo": _undo,
}


def _page(
    found: CandidateRequest,
    forms: RequestForms,
    refusal: str | None = None,
    meanwhile: Sequence[RequestEvent] = (),
) -> str:
    now = clock.now()
    names = {user.public_id: user.shown_name for user in inbox.colleagues(found.cfa_id)}
    meeting = found.booking
    return render_template(
        "staff/request.html",
        found=found,
        here=_href(found),
        back=list_left.back(),
        forms=forms,
        form=next((each for each in (forms.outcome, forms.answer, forms.note, forms.close) if each.errors), None),
        refusal=refusal,
        page_error=refusal is not None,
        meanwhile=request_lines.thread(found, meanwhile, names),
        composing=composer.shown(found, forms.answer, current_person(), now),
        status_label=inbox.STATUS_LABELS[found.status],
        badge=request_lines.due_badge(found, now),
        facts=[
            *request_lines.person_facts(found),
            ("Suivie par", found.owner.shown_name if found.owner else "Personne"),
            ("Venue de", found.platform.name if found.platform else None),
            ("Référence", found.reference),
        ],
        warning=request_lines.contact_warning(found),
        mode_label=inbox.MODE_LABELS[found.mode],
        events=request_lines.thread(found, found.events, names),
        words=outcome_form.words(found, now),
        offered=bool(outcomes.offered(found)),
        again=bool(outcomes.offered(found, answered=True)),
        planned=french.moment(found.next_attempt_at, zone_of(found)) if found.next_attempt_at else None,
        following=[
            request_lines.row(each, now, _href(each))
            for each in [inbox.following(found, current_person().id, now)]
            if each
        ],
        can_revoke=current_role() == "manager",
        meeting=meeting,
        can_move=meeting is not None and meeting.is_live and meeting.slot.ends_at > now,
        meeting_line=slot_lines.meeting(meeting.slot, [], now, dated=True) if meeting else None,
        others=[request_lines.row(each, now, _href(each)) for each in inbox.same_person(found)],
        namesakes=[request_lines.row(each, now, _href(each)) for each in inbox.same_name(found)],
        phone_href=f"tel:{found.phone}" if found.phone else None,
    )
