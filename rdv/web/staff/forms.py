"""Forms of the staff: FlaskForm with sentences in French."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, PasswordField

from rdv.web.forms import EmailField, Required

SESSION_CHANGED = "Cette page est restée ouverte trop longtemps. Vérifiez ce que vous aviez saisi, puis recommencez."


class StaffForm(FlaskForm):
    """Base of the staff's forms: its own CSRF check where the view is exempt, messages in French."""

    class Meta(FlaskForm.Meta):  # type: ignore[name-defined,misc]
        locales = ("fr_FR", "fr")

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators=extra_validators)
        token: Field | None = self._fields.get("csrf_token")
        if token is not None and token.errors:
            token.errors = [SESSION_CHANGED]
        return valid


class SignInForm(StaffForm):
    email = EmailField("Adresse électronique", [Required("Indiquez votre adresse électronique.")])
    password = PasswordField("Mot de passe", [Required("Indiquez votre mot de passe.")])
