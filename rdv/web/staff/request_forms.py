"""What staff type about one request."""

from __future__ import annotations

import wtforms
from flask import request
from wtforms import validators

from rdv import clock, inbox, outcomes
from rdv.models import CandidateRequest, RequestEvent, User
from rdv.web.forms import Required, tidy
from rdv.web.outcome_form import OutcomeFields
from rdv.web.staff.composer import LONGEST_ANSWER as LONGEST_ANSWER
from rdv.web.staff.composer import ComposerForm
from rdv.web.staff.forms import StaffForm

NOT_IN_LIST = "Choisissez une valeur de la liste."
TOO_LONG = "Ce texte est trop long\u00a0: %(max)d caractères au plus."


class OutcomeForm(OutcomeFields, StaffForm):
    """What was done."""


class NoteForm(StaffForm):
    text = wtforms.TextAreaField(
        "Note pour l’équipe",
        [Required("Écrivez votre note avant de l’enregistrer."), validators.Length(max=LONGEST_ANSWER, message=TOO_LONG)],
        filters=[tidy],
    )  # fmt: skip


class AssignForm(StaffForm):
    owner = wtforms.SelectField("Suivie par", invalid_choice_message=NOT_IN_LIST)


class CloseForm(StaffForm):
    outcome = wtforms.SelectField(
        "Résultat",
        choices={key: inbox.OUTCOME_LABELS[key] for key in inbox.CLOSING_OUTCOMES},
        invalid_choice_message=NOT_IN_LIST,
    )


class RequestForms:
    """The forms of a request's page; each has its own prefix, since they share names."""

    def __init__(self, found: CandidateRequest, colleagues: list[User], person: User) -> None:
        # What another form posts says nothing of this one's boxes.
        mine = request.form.get("action") in ("answer", "fill")
        self.answer = ComposerForm(**({} if mine else {"formdata": None}), prefix="answer-")
        self.answer.offer(found, clock.now())
        self.outcome = OutcomeForm()
        self.outcome.prepare(found, clock.now(), answered=True)
        self.note = NoteForm(prefix="note-")
        self.close = CloseForm(prefix="close-")
        self.assign = AssignForm(prefix="assign-", owner=found.owner.public_id if found.owner else "")
        others = {user.public_id: user.shown_name for user in colleagues if user.id != person.id}
        me = {user.public_id: f"Moi, {user.shown_name}" for user in colleagues if user.id == person.id}
        self.assign.owner.choices = {"": "Personne (toute l’équipe)"} | me | others

    def show_again(self, undone: RequestEvent) -> None:
        """Put the words of an act that was taken back where they were typed."""
        if undone.kind == "answer":
            self.answer.take_back(undone)
            return
        self.outcome.outcome.data = next((word for word in outcomes.OUTCOMES if outcomes.is_of(undone, word)), None)
        self.outcome.text.data = undone.text
