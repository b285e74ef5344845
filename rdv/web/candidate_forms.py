"""What candidates type, or a platform sends for them, the same for the three modes; French sentences beside each field."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import wtforms
from wtforms import validators

from rdv import french
from rdv.booking import ContactMissing, check_contact
from rdv.candidate import ASKERS, CALLBACK_WINDOWS, REASONS, Candidate
from rdv.contacts import normalise_email
from rdv.mistyped import correction
from rdv.models import Platform, Slot
from rdv.waitlist import AddressMissing
from rdv.web.forms import EmailField, MultiCheckbox, PhoneField, PublicForm, Required, one_line, tidy

MOST_CHARACTERS = 2000
EITHER = (
    "Indiquez une adresse électronique ou un numéro de téléphone pour que le centre puisse vous joindre. "
    "Exemples\u00a0: prenom.nom@exemple.fr, 06 12 34 56 78"
)


def name_only(form: wtforms.Form, field: wtforms.Field) -> None:
    """Refuse what no name holds: mails repeat names, so an address slipped in one would be sent by us."""
    text = field.data or ""
    letters = all(ch in " -'’." or ch.isalpha() or unicodedata.combining(ch) for ch in text)
    dotted = any(part for part in text.split(".")[1:] if part and not part.startswith((" ", "-")))
    if not letters or dotted:
        raise validators.ValidationError("Écrivez un nom avec des lettres seulement, par exemple Anne-Lise ou N’Diaye.")


def _name(label: str) -> wtforms.StringField:
    """Return an optional name."""
    too_long = validators.Length(max=80, message="80 caractères au plus pour un nom.")
    return wtforms.StringField(label, filters=[one_line], validators=[too_long, name_only])


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
    # Asked when an address looks mistyped: the value is the address to keep, so that the answer holds for no other.
    email_meant = wtforms.RadioField("Adresse électronique", choices=[], validate_choice=False)
    asker = wtforms.RadioField("Vous êtes", choices=ASKERS, default="candidate")
    # Two people: who asks for somebody else may give their own contact; the candidate's becomes optional.
    asker_first_name = _name("Votre prénom")
    asker_last_name = _name("Votre nom")
    asker_email = EmailField("Votre adresse électronique")
    asker_email_meant = wtforms.RadioField("Votre adresse électronique", choices=[], validate_choice=False)
    asker_phone = PhoneField("Votre téléphone")
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

    def candidate(self, platform: Platform | None, source: str | None = None) -> Candidate:
        """Return the validated person, and who asks for them when it is somebody else."""
        theirs = self.for_somebody
        return Candidate(
            first_name=self.first_name.data or "",
            last_name=self.last_name.data or "",
            email=self.email.normalised,
            phone=self.phone.normalised,
            asker=self.asker.data,
            asker_first_name=(self.asker_first_name.data or None) if theirs else None,
            asker_last_name=(self.asker_last_name.data or None) if theirs else None,
            asker_email=self.asker_email.normalised if theirs else None,
            asker_phone=self.asker_phone.normalised if theirs else None,
            reasons=list(self.reasons.data or []),
            text=self.text.data or None,
            platform_id=platform.id if platform else None,
            source=source,
            email_state="doubtful" if self._is_doubtful else None,
        )

    @property
    def _is_doubtful(self) -> bool:
        """True when the address that stands for the candidate was kept though it looks mistyped."""
        kept = self.email if self.email.normalised or not self.for_somebody else self.asker_email
        return kept.normalised is not None and correction(kept.normalised) is not None

    def _read_meant(self, name: str) -> bool:
        """Take the correction that the person accepted of an address; False while they have not said which one is right."""
        field, meant = self[name], self[f"{name}_meant"]
        proposed = correction(field.data)
        if proposed is not None and meant.data == proposed:
            field.data, proposed = proposed, None
        if proposed is None:
            meant.choices, meant.data = [], None
            return True
        typed = normalise_email(field.data)
        meant.choices = [(proposed, f"Oui, c’est {proposed}")]
        if typed is None:  # it reaches nobody: it cannot be kept
            meant.data = None
            return True
        meant.choices.append((typed, f"Non, gardez {typed}"))
        if meant.data == typed:
            return True
        meant.data = None
        return False

    @property
    def for_somebody(self) -> bool:
        """True when a parent or a helper asks."""
        return bool(self.asker.data != "candidate")

    @property
    def typed_email(self) -> str | None:
        """An address that reaches one of the two people, as typed."""
        fields = (self.email, self.asker_email) if self.for_somebody else (self.email,)
        return next((field.normalised or field.data for field in fields if field.data), None)

    @property
    def typed_phone(self) -> str | None:
        """A number that reaches one of the two people, as typed."""
        fields = (self.phone, self.asker_phone) if self.for_somebody else (self.phone,)
        return next((field.normalised or field.data for field in fields if field.data), None)

    def missing_contact(self) -> tuple[str, str] | None:
        """Return the field and the sentence of the contact that this mode lacks, None when all is there."""
        return None if self.typed_email or self.typed_phone else ("email", EITHER)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Check each field, then that the person can be reached; nothing is asked of an asker who is the candidate."""
        if not self.for_somebody:
            for name in ("asker_first_name", "asker_last_name", "asker_email", "asker_phone"):
                self[name].data = None
        unsure = [name for name in ("email", "asker_email") if not self._read_meant(name)]
        valid: bool = super().validate(extra_validators)
        for name in unsure:
            self.refuse(f"{name}_meant", "Cette adresse est-elle bien écrite\u00a0? Choisissez l’une des deux.")
            valid = False
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
    """Book a slot: a call needs a phone, a video an e-mail, otherwise either; guests where the CFA welcomes them."""

    guests = wtforms.SelectField("Personnes qui vous accompagnent", coerce=int, default=0)

    def __init__(self, formdata: Any = None, *, slot: Slot) -> None:
        super().__init__(formdata)
        self.place = slot.place
        allowed = slot.meeting_type.guests_allowed
        if allowed:
            self.guests.choices = [(number, str(number) if number else "Aucune") for number in range(allowed + 1)]
        else:
            del self.guests

    @property
    def guest_count(self) -> int:
        """How many come along."""
        return int(self.guests.data or 0) if "guests" in self else 0

    def too_many_for(self, slot: Slot) -> bool:
        """Say, beside the guests, that the seats left do not hold everybody, when that is so."""
        if not slot.meeting_type.guests_counted or not 0 < slot.seats_left <= self.guest_count:
            return False
        left = french.plural(slot.seats_left, "place")
        self.refuse(
            "guests", f"Il reste {left}\u00a0: venez avec moins de personnes, ou inscrivez-vous sur la liste d’attente."
        )
        return True

    def missing_contact(self) -> tuple[str, str] | None:
        """Return what a meeting of this kind lacks to reach the person."""
        typed = Candidate("", "", self.typed_email, self.typed_phone)
        try:
            check_contact(self.place, typed)
        except ContactMissing as missing:
            return missing.field, missing.message
        return super().missing_contact()


class WaitForm(BookingForm):
    """Wait for a seat: an address is needed, where it is offered."""

    def missing_contact(self) -> tuple[str, str] | None:
        """Return the address's sentence when it lacks."""
        return super().missing_contact() or (None if self.typed_email else ("email", AddressMissing.message))


class CallbackForm(CandidateForm):
    """Ask to be called back: a phone, and when."""

    windows = MultiCheckbox("Quand préférez-vous être appelé\u00a0?", choices=CALLBACK_WINDOWS)

    def missing_contact(self) -> tuple[str, str] | None:
        """Return the phone's sentence when it lacks."""
        if self.typed_phone:
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
