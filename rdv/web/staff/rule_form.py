"""The form of a rule: each field left empty is decided by the wider rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

import wtforms
from wtforms import validators

from rdv import clock, rules
from rdv.models import BookingRule
from rdv.web.forms import MultiCheckbox
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.publish_form import NOT_IN_LIST, WholeNumberField
from rdv.web.staff.rule_words import in_unit

DAY_EXAMPLE = "Indiquez une date, par exemple 01/12/2026."
TIME_EXAMPLE = "Indiquez une heure, par exemple 09:00."
UNITS = {"heure": "heures", "jour": "jours", "minute": "minutes"}
MINUTES = {"heure": 60, "jour": 24 * 60, "minute": 1}
LONGEST_NOTICE = 365 * 24 * 60


def number(label: str, least: int, most: int, example: str) -> WholeNumberField:
    """A whole number that may be left empty."""
    sentence = f"Indiquez un nombre entre {least} et {most}, par exemple {example}."
    return WholeNumberField(label, [validators.Optional(), validators.NumberRange(least, most, sentence)])


class RuleForm(StaffForm):
    """Opening day and hour are wall time of the place that `zone` names."""

    notice = number("Délai minimum avant le rendez-vous", 0, 99999, "2")
    notice_unit = wtforms.SelectField("Unité", choices=UNITS, default="heure", invalid_choice_message=NOT_IN_LIST)
    horizon_days = number("Combien de jours à l’avance", 1, 550, "30")
    opens_day = wtforms.DateField(
        "Ouverture des réservations, le", [validators.Optional()], format=["%Y-%m-%d", "%d/%m/%Y"],
        invalid_value_message="Cette date n’est pas lisible. " + DAY_EXAMPLE,
    )  # fmt: skip
    opens_time = wtforms.TimeField(
        "À", [validators.Optional()], format=["%H:%M", "%H:%M:%S", "%Hh%M", "%Hh"],
        invalid_value_message="Cette heure n’est pas lisible. " + TIME_EXAMPLE,
    )  # fmt: skip
    pause_minutes = number("Pause entre deux rendez-vous, en minutes", 0, 240, "10")
    most_a_day = number("Rendez-vous par jour et par conseiller, au plus", 1, 100, "8")
    most_a_person = number("Rendez-vous à venir d’une même personne, au plus", 1, 50, "1")
    some_platforms = wtforms.RadioField(
        "Plateformes", choices={"no": "", "yes": "Seulement celles que je coche"}, default="no",
        invalid_choice_message=NOT_IN_LIST,
    )  # fmt: skip
    platforms = MultiCheckbox("Plateformes choisies")

    def offer(self, platforms: Mapping[str, str], zone: str, is_widest: bool) -> None:
        """Fill the lists; nothing is wider than the rule of the CFA."""
        self.zone = zone
        self.platforms.choices = dict(platforms)
        wider = "Toutes" if is_widest else "Celles de la règle plus large"
        self.some_platforms.choices = {"no": wider, "yes": "Seulement celles que je coche"}

    def begin(self, rule: BookingRule | None) -> None:
        """Show a rule that exists."""
        if rule is None:
            return
        if rule.notice_minutes is not None:
            self.notice.data, self.notice_unit.data = in_unit(rule.notice_minutes)
        for name in ("horizon_days", "pause_minutes", "most_a_day", "most_a_person"):
            self[name].data = getattr(rule, name)
        if rule.opens_at is not None:
            local = clock.to_zone(rule.opens_at, self.zone)
            self.opens_day.data, self.opens_time.data = local.date(), local.time()
        if rule.platforms is not None:
            self.some_platforms.data, self.platforms.data = "yes", rule.platforms

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if (self.notice_minutes or 0) > LONGEST_NOTICE:
            self._refuse("notice", "Indiquez un an au plus, par exemple 2 jours.")
        if self.opens_time.data is not None and self.opens_day.data is None and not self.opens_day.errors:
            self._refuse("opens_day", DAY_EXAMPLE)
        if self.opens_day.data is not None and not self.opens_time.errors:
            try:
                self._opens_at()
            except (ValueError, OverflowError):
                self._refuse("opens_day", "Cette heure n’existe pas ce jour-là. " + TIME_EXAMPLE)
        if self.some_platforms.data == "yes" and not self.platforms.data:
            self._refuse("platforms", "Cochez au moins une plateforme, ou choisissez l’autre réponse.")
        return valid and not self.errors

    def _refuse(self, name: str, message: str) -> None:
        self[name].errors = [*self[name].errors, message]

    @property
    def notice_minutes(self) -> int | None:
        """The notice typed, in minutes."""
        return None if self.notice.data is None else self.notice.data * MINUTES.get(self.notice_unit.data, 60)

    def _opens_at(self) -> datetime | None:
        if self.opens_day.data is None:
            return None
        return clock.from_wall(self.opens_day.data, self.opens_time.data or time.min, self.zone)

    def draft(self) -> rules.Draft:
        """Return what was typed, once validated."""
        return rules.Draft(
            notice_minutes=self.notice_minutes,
            horizon_days=self.horizon_days.data,
            pause_minutes=self.pause_minutes.data,
            most_a_day=self.most_a_day.data,
            most_a_person=self.most_a_person.data,
            opens_at=self._opens_at(),
            platforms=sorted(self.platforms.data) if self.some_platforms.data == "yes" else None,
        )
