"""Choosing the modes of contact of a place or of a training: as the level above, open, or shut."""

from __future__ import annotations

from wtforms import RadioField
from wtforms.validators import InputRequired

from rdv import modes
from rdv.models import Cfa, Site, Training
from rdv.web.forms import CHOOSE
from rdv.web.staff.forms import HoursForm, StaffForm, request_address

LABELS = {"callback": "Être rappelé", "message": "Écrire un message"}
VALUES: dict[str, bool | None] = {"comme": None, "ouvert": True, "ferme": False}
_WORDS = {value: word for word, value in VALUES.items()}


class ModesForm(StaffForm):
    """One choice a mode. Call `say_above` before it is shown: « comme le centre » says what that means today."""

    callback = RadioField(LABELS["callback"], [InputRequired(CHOOSE)], choices=[], invalid_choice_message=CHOOSE)
    message = RadioField(LABELS["message"], [InputRequired(CHOOSE)], choices=[], invalid_choice_message=CHOOSE)

    def say_above(self, above: str, opened: dict[str, bool]) -> None:
        """Offer the three choices; `above` names the level that decides otherwise (« le centre »)."""
        for mode, field in self.by_mode().items():
            field.choices = [
                ("comme", f"Comme {above} ({'ouvert' if opened[mode] else 'fermé'} aujourd’hui)"),
                ("ouvert", "Ouvert"),
                ("ferme", "Fermé"),
            ]

    def by_mode(self) -> dict[str, RadioField]:
        """Return the field of each mode."""
        return {"callback": self.callback, "message": self.message}

    def opened(self) -> dict[str, bool | None]:
        """Return what was chosen of each mode."""
        return {mode: VALUES[field.data] for mode, field in self.by_mode().items()}


class SiteSettingsForm(ModesForm, HoursForm):
    """What a manager decides of a place."""

    chosen_email = request_address()


class TrainingSettingsForm(ModesForm):
    """What a manager decides of a training."""

    chosen_email = request_address()


def chosen(place: Site | Training) -> dict[str, str]:
    """Return the words of what a place or a training says today, for the form."""
    return {mode: _WORDS[modes.choice(mode, place)] for mode in modes.MODES}


def above_site(cfa: Cfa) -> dict[str, bool]:
    """Return what a place that chose nothing has open."""
    return {mode: modes.is_open(mode, cfa) for mode in modes.MODES}


def above_training(cfa: Cfa, site: Site | None) -> dict[str, bool]:
    """Return what a training that chose nothing has open."""
    return {mode: modes.is_open(mode, cfa, site) for mode in modes.MODES}


def own_words(place: Site | Training) -> str | None:
    """Say what a place or a training has chosen for itself, None when nothing."""
    said = [
        f"{LABELS[mode].lower()} {'ouvert' if chosen_ else 'fermé'}"
        for mode in modes.MODES
        if (chosen_ := modes.choice(mode, place)) is not None
    ]
    return ", ".join(said).capitalize() or None
