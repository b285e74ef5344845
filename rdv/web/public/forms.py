"""What candidates type, the same for the three modes; French sentences beside each field."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import wtforms
from wtforms import validators

from rdv.booking import ContactMissing, check_contact
from rdv.candidate import ASKERS, CALLBACK_WINDOWS, REASONS, Candidate
from rdv.models import Platform
from rdv.web.forms import EmailField, MultiCheckbox, PhoneField, PublicForm, Required, one_line, tidy

MOST_CHARACTERS = 2000
EITHER = (
    "Indiquez une adresse électronique ou un numéro de téléphone pour que le centre puisse vous joindre. "
    "Exemples\u00a0: prenom.nom@exemple.fr, 06 12 34 56 78"
)
CANCEL_REASONS: dict[str, str] = {
    "unavailable": "J’ai un empêchement",
    "other_choice": "J’ai trouvé une autre solution",
    "mistake": "Je me suis trompé",
}


def name_only(form: wtforms.Form, field: wtforms.Field) -> None:
    """Refuse what no name holds: mails repeat names, so an address slipped in one would be sent by us."""
    text = field.data or ""
    letters = all(ch in " -'’." or ch.isalpha() or unicodedata.combining(ch) for ch in text)
    dotted = any(part for part in text.split(".")[1:] if part and not part.startswith((" ", "-")))
    if not letters or dotted:
        raise validators.ValidationError("Écrivez un nom avec des lettres seulement, par exemple Anne-Lise ou N’Diaye.")


class CandidateForm(PublicForm):
    """Who asks and how to reach them."""

    first_name = wtforms.StringField(
        "Prénom",
        filters=[one_line],
        validators=[
            Required("Indiquez un prénom, par exemple Lina."),
            validators.Length(max=80, message="80 caractères au plus pour le prénom."),
            name_only,
        ],
    )
    last_name = wtforms.StringField(
        "Nom",
        filters=[one_line],
        validators=[
            Required("Indiquez un nom, par exemple Martin."),
            validators.Length(max=80, message="80 caractères au plus pour le nom."),
            name_only,
        ],
    )
    email = EmailField("Adresse électronique")
    phone = PhoneField("Téléphone")
    asker = wtforms.RadioField("Vous êtes", choices=ASKERS, default="candidate")
    reasons = MultiCheckbox("Vos questions portent sur", choices=REASONS)
    text = wtforms.TextAreaField(
        "Votre message",
        filters=[tidy],
        validators=[
            validators.Length(
                max=MOST_CHARACTERS, message=f"{MOST_CHARACTERS} caractères au plus\u00a0: raccourcissez votre message."
            )
        ],
    )

    def candidate(self, platform: Platform | None) -> Candidate:
        """Return the validated person."""
        return Candidate(
            first_name=self.first_name.data or "",
            last_name=self.last_name.data or "",
            email=self.email.normalised,
            phone=self.phone.normalised,
            asker=self.asker.data,
            reasons=list(self.reasons.data or []),
            text=self.text.data or None,
            platform_id=platform.id if platform else None,
        )

    def missing_contact(self) -> tuple[str, str] | None:
        """Return the field and the sentence of the contact that this mode lacks, None when all is there."""
        return None if self.email.data or self.phone.data else ("email", EITHER)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Check each field, then that the person can be reached."""
        valid: bool = super().validate(extra_validators)
        missing = self.missing_contact()
        if missing is None:
            return valid
        name, sentence = missing
        self.refuse(name, sentence)
        return False

    def refuse(self, name: str, sentence: str) -> None:
        """Put a sentence beside a field, unless it already has one."""
        if not self[name].errors:
            self[name].errors = [sentence]

    def problem(self, sentence: str) -> None:
        """Put a sentence above the form."""
        self.form_errors.append(sentence)


class BookingForm(CandidateForm):
    """Book a slot: a call needs a phone, a video an e-mail, otherwise either."""

    def __init__(self, formdata: Any = None, *, place: str) -> None:
        super().__init__(formdata)
        self.place = place

    def missing_contact(self) -> tuple[str, str] | None:
        """Return what a meeting of this kind lacks to reach the person."""
        typed = Candidate("", "", self.email.data or None, self.phone.data or None)
        try:
            check_contact(self.place, typed)
        except ContactMissing as missing:
            return missing.field, missing.message
        return super().missing_contact()


class CallbackForm(CandidateForm):
    """Ask to be called back: a phone, and when."""

    windows = MultiCheckbox("Quand préférez-vous être appelé\u00a0?", choices=CALLBACK_WINDOWS)

    def missing_contact(self) -> tuple[str, str] | None:
        """Return the phone's sentence when it lacks."""
        if self.phone.data:
            return None
        return "phone", "Indiquez le numéro où le centre peut vous rappeler, par exemple 06 12 34 56 78."


class MessageForm(CandidateForm):
    """Write to a CFA."""

    text = wtforms.TextAreaField(
        "Votre message",
        filters=[tidy],
        validators=[
            Required(
                "Écrivez votre message, par exemple\u00a0: «\u00a0Reste-t-il des places pour la rentrée\u00a0?\u00a0»"
            ),
            validators.Length(
                max=MOST_CHARACTERS, message=f"{MOST_CHARACTERS} caractères au plus\u00a0: raccourcissez votre message."
            ),
        ],
    )


class CancelForm(PublicForm):
    """Give a seat back, saying why."""

    reason = wtforms.RadioField(
        "Pourquoi annulez-vous\u00a0?",
        choices=CANCEL_REASONS,
        validators=[validators.InputRequired("Choisissez une raison, par exemple «\u00a0J’ai un empêchement\u00a0».")],
    )
    text = wtforms.TextAreaField(
        "Un mot pour le centre",
        filters=[one_line],
        validators=[validators.Length(max=200, message="200 caractères au plus\u00a0: raccourcissez votre message.")],
    )

    def sentence(self) -> str:
        """Return the reason as the CFA reads it."""
        label = CANCEL_REASONS[self.reason.data]
        return f"{label} – {self.text.data}" if self.text.data else label


class ResendForm(PublicForm):
    """Where to send the link again."""

    email = EmailField(
        "Adresse électronique",
        validators=[Required("Indiquez votre adresse électronique, par exemple prenom.nom@exemple.fr")],
    )
