"""What staff type about a request: filters of the inbox and acts on one request."""

from __future__ import annotations

from typing import Any

import wtforms
from flask import url_for
from wtforms import validators

from rdv import inbox
from rdv.models import CandidateRequest, Cfa, User
from rdv.web.forms import Required, one_line, tidy
from rdv.web.staff.forms import StaffForm

LONGEST_ANSWER = 5000  # characters
NOT_IN_LIST = "Choisissez une valeur de la liste."
TOO_LONG = "Ce texte est trop long\u00a0: %(max)d caractères au plus."

# Words of the addresses ↔ values of the domain.
STATES = {
    "a-traiter": "todo",
    "nouvelles": "new",
    "en-cours": "in_progress",
    "en-attente": "waiting_candidate",
    "terminees": "closed",
    "toutes": None,
}
STATE_LABELS = {
    "a-traiter": "À traiter",
    "nouvelles": "Nouvelles",
    "en-cours": "En cours",
    "en-attente": "En attente du candidat",
    "terminees": "Terminées",
    "toutes": "Toutes",
}
MODES = {"rappel": "callback", "message": "message", "rendez-vous": "slot"}


class FilterForm(wtforms.Form):
    """Filters of the inbox, read from the address; a value that makes no sense means « any »."""

    etat = wtforms.SelectField("État", choices=STATE_LABELS, default="a-traiter")
    mode = wtforms.SelectField(
        "Type", choices={"": "Tous"} | {word: inbox.MODE_LABELS[mode] for word, mode in MODES.items()}, default=""
    )
    site = wtforms.SelectField("Lieu", default="")
    suivi = wtforms.SelectField("Suivie par", default="")
    retard = wtforms.BooleanField("En retard seulement")

    def offer(self, cfa: Cfa, colleagues: list[User], person: User) -> None:
        """Fill the lists of this CFA."""
        self.site.choices = {"": "Tous"} | {site.public_id: site.shown_name for site in cfa.sites}
        others = {user.public_id: user.shown_name for user in colleagues if user.id != person.id}
        self.suivi.choices = {"": "Tout le monde", "moi": "Moi", "personne": "Personne"} | others
        for field in (self.etat, self.mode, self.site, self.suivi):
            if field.data not in field.choices:
                field.data = field.default

    def wanted(self, cfa: Cfa, colleagues: list[User], person: User) -> inbox.Filter:
        """Return what the domain reads."""
        owners = {user.public_id: user.id for user in colleagues} | {"moi": person.id, "personne": 0}
        sites = {site.public_id: site.id for site in cfa.sites}
        return inbox.Filter(
            status=STATES[self.etat.data],
            mode=MODES.get(self.mode.data),
            site_id=sites.get(self.site.data),
            owner_id=owners.get(self.suivi.data),
            late=self.retard.data,
        )

    def words(self) -> list[str]:
        """Return the filters in force, in words, the state aside."""
        chosen = [field.choices[field.data] for field in (self.mode, self.site, self.suivi) if field.data]
        return [*chosen, "En retard seulement"] if self.retard.data else chosen

    def address(self, **more: Any) -> str:
        """Return the address of the list with the filters in force."""
        values: dict[str, Any] = {
            field.name: field.data for field in (self.etat, self.mode, self.site, self.suivi) if field.data
        }
        if self.retard.data:
            values["retard"] = 1
        return url_for("staff.requests", **values, **more)


class SearchForm(StaffForm):
    """Words to look for: posted, because an address would keep the name or the phone of a person."""

    text = wtforms.StringField(
        "Nom, téléphone ou référence",
        [Required("Indiquez un nom, un téléphone ou une référence, par exemple KTR-B48-26X."), validators.Length(max=80, message=TOO_LONG)],
        filters=[one_line],
    )  # fmt: skip


class AnswerForm(StaffForm):
    text = wtforms.TextAreaField(
        "Votre réponse",
        [Required("Écrivez votre réponse avant de l’envoyer."), validators.Length(max=LONGEST_ANSWER, message=TOO_LONG)],
        filters=[tidy],
    )  # fmt: skip


class CallForm(StaffForm):
    result = wtforms.RadioField(
        "Résultat de l’appel",
        [validators.InputRequired("Choisissez le résultat de l’appel.")],
        choices=inbox.CALL_RESULTS,
        invalid_choice_message=NOT_IN_LIST,
    )
    text = wtforms.TextAreaField(
        "Ce qu’il faut retenir",
        [validators.Optional(), validators.Length(max=LONGEST_ANSWER, message=TOO_LONG)],
        filters=[tidy],
    )


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
        self.call = CallForm(prefix="call-")
        self.note = NoteForm(prefix="note-")
        self.close = CloseForm(prefix="close-")
        self.assign = AssignForm(prefix="assign-", owner=found.owner.public_id if found.owner else "")
        others = {user.public_id: user.shown_name for user in colleagues if user.id != person.id}
        me = {user.public_id: f"Moi, {user.shown_name}" for user in colleagues if user.id == person.id}
        self.assign.owner.choices = {"": "Personne (toute l’équipe)"} | me | others
