"""What staff type to book for somebody: which slot, who, and what was read before the last click."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import wtforms
from flask import request
from wtforms import validators

from rdv import clock, meeting_types
from rdv.booking_for import Wanted
from rdv.candidate import ASKERS, Candidate, Submission
from rdv.models import CandidateRequest, Cfa, Slot, Training, User
from rdv.tokens import keyed_hash
from rdv.web.forms import EmailField, PhoneField, PublicForm, Required, one_line
from rdv.web.staff.forms import StaffForm, name_field

_SHORT = validators.Length(max=80, message="80\u00a0caractères au plus.")


class SlotFilter(PublicForm):
    """Which slots are looked for, read from the address; a value that makes no sense means « any »."""

    conseiller = wtforms.SelectField("Avec", default="", validate_choice=False)
    lieu = wtforms.SelectField("Lieu", default="", validate_choice=False)
    type = wtforms.SelectField("Type de rendez-vous", default="", validate_choice=False)
    jour = wtforms.DateField("À partir du", [validators.Optional()])
    complets = wtforms.BooleanField("Montrer aussi les créneaux complets ou fermés")

    def offer(self, cfa: Cfa, colleagues: Iterable[User]) -> None:
        """Fill the lists of this CFA."""
        kinds = meeting_types.listed(cfa.id)
        self._ids: dict[str, dict[str, int]] = {
            "conseiller": {user.public_id: user.id for user in colleagues},
            "lieu": {site.public_id: site.id for site in cfa.sites},
            "type": {kind.public_id: kind.id for kind in kinds},
        }
        self.conseiller.choices = {"": "Tout le monde"} | {user.public_id: user.shown_name for user in colleagues}
        self.lieu.choices = {"": "Tous"} | {
            site.public_id: site.shown_name for site in cfa.sites if site.closed_at is None
        }
        self.type.choices = {"": "Tous"} | {kind.public_id: kind.title for kind in kinds}
        for field in (self.conseiller, self.lieu, self.type):
            if field.data not in field.choices:
                field.data = ""

    def wanted(self, zone: str) -> Wanted:
        """Return what is looked for."""
        day = self.jour.data
        sound = day is not None and not self.jour.errors and 2000 <= day.year <= 2100
        after: datetime | None = clock.day_bounds(day, zone)[0] if day is not None and sound else None
        return Wanted(
            adviser_id=self._ids["conseiller"].get(self.conseiller.data),
            site_id=self._ids["lieu"].get(self.lieu.data),
            meeting_type_id=self._ids["type"].get(self.type.data),
            after=after,
            every=self.complets.data,
        )


class SearchForm(StaffForm):
    """Somebody already known: posted, because an address would keep their name."""

    text = wtforms.StringField(
        "Nom, téléphone ou référence",
        [Required("Indiquez un nom, un téléphone ou une référence, par exemple KTR-B48-26X."), _SHORT],
        filters=[one_line],
    )


class PersonForm(StaffForm):
    """Who the meeting is for, and who asks for them when it is somebody else."""

    first_name = name_field("Prénom", "Indiquez le prénom de la personne.")
    last_name = name_field("Nom", "Indiquez le nom de la personne.")
    email = EmailField("Adresse électronique")
    phone = PhoneField("Téléphone")
    training = wtforms.SelectField(
        "Formation", default="", invalid_choice_message="Choisissez une formation de la liste."
    )
    asker = wtforms.SelectField("Qui demande le rendez-vous", choices=ASKERS, default="candidate")
    asker_first_name = wtforms.StringField("Son prénom", [_SHORT], filters=[one_line])
    asker_last_name = wtforms.StringField("Son nom", [_SHORT], filters=[one_line])
    asker_email = EmailField("Son adresse électronique")
    asker_phone = PhoneField("Son téléphone")

    def offer(self, trainings: Iterable[Training]) -> None:
        """Fill the list of trainings that the slot serves."""
        self._trainings = {training.public_id: training for training in trainings}
        self.training.choices = {"": "Non précisée"} | {key: each.shown_title for key, each in self._trainings.items()}

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if valid and not self.email.normalised and not self.phone.normalised:
            self.email.errors = ["Indiquez une adresse électronique ou un téléphone, par exemple 06 12 34 56 78."]
            return False
        return valid

    def take_from(self, known: CandidateRequest) -> None:
        """Fill the form with the identity of somebody who asked before."""
        for name in (
            "first_name", "last_name", "email", "phone", "asker",
            "asker_first_name", "asker_last_name", "asker_email", "asker_phone",
        ):  # fmt: skip
            self[name].data = getattr(known, name) or ""
        if known.training is not None and known.training.public_id in self._trainings:
            self.training.data = known.training.public_id

    def chosen_training(self) -> Training | None:
        return self._trainings.get(self.training.data)

    def candidate(self) -> Candidate:
        """Return who was typed, once validated; of an asker, nothing when the candidate asks alone."""
        alone = self.asker.data == "candidate"
        return Candidate(
            self.first_name.data,
            self.last_name.data,
            self.email.normalised,
            self.phone.normalised,
            asker=self.asker.data,
            asker_first_name=None if alone else self.asker_first_name.data or None,
            asker_last_name=None if alone else self.asker_last_name.data or None,
            asker_email=None if alone else self.asker_email.normalised,
            asker_phone=None if alone else self.asker_phone.normalised,
        )


class GuestsForm(StaffForm):
    """How many people come along, where that kind of meeting allows some."""

    guests = wtforms.SelectField(
        "Accompagnants", coerce=int, default=0, invalid_choice_message="Choisissez un nombre de la liste."
    )

    def offer(self, slot: Slot) -> None:
        """Fill the list."""
        most = slot.meeting_type.guests_allowed
        self.guests.choices = {number: str(number) if number else "Aucun" for number in range(most + 1)}


class LastStepForm(GuestsForm):
    """What is decided with the last click; `submission` makes a second one harmless."""

    tell = wtforms.BooleanField("Envoyer la confirmation", default=True)
    submission = wtforms.HiddenField(
        "", [validators.Regexp("^[0-9a-f]{24}$", message="Cette page a été modifiée. Recommencez.")]
    )

    def renew(self) -> None:
        """Begin another submission: the former one was used."""
        self.submission.data = secrets.token_hex(12)

    def identity(self) -> Submission:
        """Return the identity of this post: the same click twice is the same content."""
        apart = ("csrf_token", "accepted", "step")
        content = sorted((key, value) for key, value in request.form.items(multi=True) if key not in apart)
        return Submission(self.submission.data, keyed_hash("submission", repr((request.path, content))))
