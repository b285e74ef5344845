"""What staff type about one request."""

from __future__ import annotations

import wtforms
from wtforms import validators

from rdv import clock, inbox
from rdv.models import CandidateRequest, User
from rdv.web.forms import Required, tidy
from rdv.web.outcome_form import OutcomeFields
from rdv.web.staff.forms import StaffForm

LONGEST_ANSWER = 5000  # characters
NOT_IN_LIST = "Choisissez une valeur de la liste."
TOO_LONG = "Ce texte est trop long\u00a0: %(max)d caractères au plus."


class AnswerForm(StaffForm):
    text = wtforms.TextAreaField(
        "Votre réponse",
        [Required("Écrivez votre réponse avant de l’envoyer."), validators.Length(max=LONGEST_ANSWER, message=TOO_LONG)],
        filters=[tidy],
    )  # fmt: skip


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
        self.answer = AnswerForm(prefix="answer-")
        self.outcome = OutcomeForm()
        self.outcome.prepare(found, clock.now(), answered=True)
        self.note = NoteForm(prefix="note-")
        self.close = CloseForm(prefix="close-")
        self.assign = AssignForm(prefix="assign-", owner=found.owner.public_id if found.owner else "")
        others = {user.public_id: user.shown_name for user in colleagues if user.id != person.id}
        me = {user.public_id: f"Moi, {user.shown_name}" for user in colleagues if user.id == person.id}
        self.assign.owner.choices = {"": "Personne (toute l’équipe)"} | me | others
