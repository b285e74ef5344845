"""Forms of accounts and settings, and the base of every form of the staff: FlaskForm with sentences in French."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, PasswordField, RadioField, StringField
from wtforms.validators import Length, StopValidation

from rdv import french, passwords
from rdv.errors import RdvError, WeakPassword
from rdv.opening_hours import WEEKDAYS, Span, read_spans
from rdv.web.forms import SENTENCES, EmailField, MultiCheckbox, PhoneField, Required, Sentences, one_line

SESSION_CHANGED = "Cette page est restée ouverte trop longtemps. Vérifiez ce que vous aviez saisi, puis recommencez."
ROLES = {"adviser": "Conseiller ou conseillère", "manager": "Responsable"}


class StaffForm(FlaskForm):
    """Base of the staff's forms: its own CSRF check where the view is exempt, a status, messages in French."""

    class Meta(FlaskForm.Meta):
        def get_translations(self, form: Any) -> Sentences:
            return SENTENCES

    refused_status = 400

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators=extra_validators)
        token: Field | None = self._fields.get("csrf_token")
        if token is not None and token.errors:
            token.errors = [SESSION_CHANGED]
        return valid

    def refuse(self, error: RdvError, field: Field | None = None) -> None:
        """Show a refusal of the domain, beside its field when it has one."""
        self.refused_status = error.status
        if field is None:
            self.form_errors.append(error.message)
        else:
            field.errors = [error.message]

    @property
    def status(self) -> int:
        """HTTP status of the page that shows this form."""
        return self.refused_status if self.errors else 200


def name_field(label: str, missing: str) -> StringField:
    """A required first or last name."""
    too_long = Length(max=80, message="80\u00a0caractères au plus.")
    return StringField(label, [Required(missing), too_long], filters=[one_line])


def request_address() -> EmailField:
    """Where requests go, in place of the catalogue's address; empty for the catalogue's."""
    return EmailField("Adresse qui reçoit les demandes", [Length(max=254, message="254\u00a0caractères au plus.")])


class SignInForm(StaffForm):
    email = EmailField("Adresse électronique", [Required("Indiquez votre adresse électronique.")])
    password = PasswordField("Mot de passe", [Required("Indiquez votre mot de passe.")])


class ForgottenForm(StaffForm):
    email = EmailField("Adresse électronique", [Required("Indiquez votre adresse électronique.")])


class NewPasswordForm(StaffForm):
    """Choose a password."""

    password = PasswordField(
        "Nouveau mot de passe", [Required("Choisissez un mot de passe.")], description=passwords.HINT
    )

    def hashed(self, *own_words: str | None) -> str | None:
        """Return what to keep of the password; None, with the reason beside the field, when it is too weak."""
        try:
            return passwords.hash_new(self.password.data, own_words)
        except WeakPassword as error:
            self.refuse(error, self.password)
            return None


class OpenAccountForm(NewPasswordForm):
    """Names and first password, of an invited person or of a CFA's first manager."""

    first_name = name_field("Prénom", "Indiquez votre prénom.")
    last_name = name_field("Nom", "Indiquez votre nom.")


class ConfirmPasswordForm(StaffForm):
    """The password of an account that exists."""

    password = PasswordField("Mot de passe", [Required("Indiquez votre mot de passe.")])


class ChangePasswordForm(NewPasswordForm):
    current = PasswordField("Mot de passe actuel", [Required("Indiquez votre mot de passe actuel.")])


class ProfileForm(StaffForm):
    first_name = name_field("Prénom", "Indiquez votre prénom.")
    last_name = name_field("Nom", "Indiquez votre nom.")
    phone = PhoneField("Téléphone professionnel")
    invitations = BooleanField("M’envoyer une invitation par courriel pour chacun de mes rendez-vous")


class RoleForm(StaffForm):
    """What somebody does in the CFA, and where; `sites` is removed where there is no choice."""

    role = RadioField(
        "Rôle",
        [Required("Choisissez un rôle.")],
        choices=ROLES,
        validate_choice=True,
    )
    sites = MultiCheckbox("Lieux")


class InviteForm(RoleForm):
    first_name = name_field("Prénom", "Indiquez le prénom de la personne.")
    last_name = name_field("Nom", "Indiquez le nom de la personne.")
    email = EmailField("Adresse électronique professionnelle", [Required("Indiquez son adresse électronique.")])


NOTICES = {
    "each": "Un courriel à chaque nouvelle demande",
    "digest": "Un seul courriel, chaque matin ouvré",
    "late": "Les relances de mes demandes seulement",
}
NOTICE_HINTS = {
    "each": "Celles des lieux où la personne travaille, et les relances aussitôt.",
    "digest": "Vers 8 h 30 : en retard, à répondre aujourd’hui, nouvelles, appels prévus. Rien les jours sans rien à faire.",
    "late": "Un rappel avant l’échéance des demandes suivies, rien d’autre.",
}


class NoticesForm(StaffForm):
    """How a member hears of the requests of one centre."""

    notices = RadioField("Courriels sur les demandes", [Required("Choisissez l’un des trois.")], choices=NOTICES)


class CfaSettingsForm(StaffForm):
    chosen_name = StringField(
        "Nom affiché",
        [Length(max=255, message="255\u00a0caractères au plus.")],
        filters=[one_line],
    )
    chosen_email = request_address()
    modes = MultiCheckbox("Moyens de contact", choices={"callback": "Être rappelé", "message": "Écrire un message"})
    sms_open = BooleanField(
        "Envoyer aussi des SMS à tous les candidats qui donnent un mobile",
        description="Chaque SMS est payant\u00a0: une annulation, un déplacement, et le rappel de la veille, soit un à trois SMS par "
        "rendez-vous. Sans cette case, seuls les candidats sans adresse électronique en reçoivent.",
    )
    answer_days = RadioField(
        "Délai de réponse promis",
        [Required("Choisissez un délai.")],
        choices={days: french.plural(days, "jour ouvré", "jours ouvrés") for days in range(1, 5)},
        coerce=int,
    )
    disability_contact = StringField(
        "Contact handicap",
        [Length(max=255, message="255\u00a0caractères au plus.")],
        filters=[one_line],
        description="Affiché aux candidats. Exemple\u00a0: Nadia Diallo, 01\u00a099\u00a000\u00a012\u00a034",
    )


class HoursField(StringField):
    """Opening hours of one weekday; `spans` after validation."""

    spans: list[Span]

    def pre_validate(self, form: Any) -> None:
        try:
            self.spans = read_spans(self.data or "")
        except ValueError as error:
            raise StopValidation(str(error)) from None


class HoursForm(StaffForm):
    """A place's name, and its hours day by day."""

    name = StringField("Nom du lieu", [Length(max=255, message="255\u00a0caractères au plus.")], filters=[one_line])
    monday = HoursField(WEEKDAYS[0].capitalize())
    tuesday = HoursField(WEEKDAYS[1].capitalize())
    wednesday = HoursField(WEEKDAYS[2].capitalize())
    thursday = HoursField(WEEKDAYS[3].capitalize())
    friday = HoursField(WEEKDAYS[4].capitalize())
    saturday = HoursField(WEEKDAYS[5].capitalize())
    sunday = HoursField(WEEKDAYS[6].capitalize())

    @property
    def days(self) -> list[HoursField]:
        """The fields of the week, Monday first."""
        return [self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday]
