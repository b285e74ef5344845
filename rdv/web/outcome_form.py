"""« Qu’avez-vous fait ? » as a form: the same fields on the page of a request and on the one that a mail's link opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import wtforms
from wtforms import validators

from rdv import clock, french, inbox, outcomes
from rdv.models import CandidateRequest
from rdv.web.forms import tidy

NOT_IN_LIST = "Choisissez ce que vous avez fait dans la liste."
DAY_EXAMPLE = "Indiquez le jour, par exemple 01/12/2026."
TIME_EXAMPLE = "Indiquez l’heure, par exemple 14:00."
SKIPPED = "Cette heure n’existe pas ce jour-là\u00a0: l’heure change. Choisissez-en une autre."
LATER = "rappeler"  # the outcome whose hour the person chose


def _day(label: str) -> wtforms.DateField:
    return wtforms.DateField(
        label, [validators.Optional()], format=["%Y-%m-%d", "%d/%m/%Y"],
        invalid_value_message="Cette date n’est pas lisible. " + DAY_EXAMPLE,
    )  # fmt: skip


def _time(label: str) -> wtforms.TimeField:
    return wtforms.TimeField(
        label, [validators.Optional()], format=["%H:%M", "%H:%M:%S", "%Hh%M", "%Hh"],
        invalid_value_message="Cette heure n’est pas lisible. " + TIME_EXAMPLE,
    )  # fmt: skip


class OutcomeFields:
    """Fields to mix into a form; `prepare` it before anything else."""

    outcome = wtforms.RadioField(
        "Qu’avez-vous fait\u00a0?", [validators.InputRequired(NOT_IN_LIST)], invalid_choice_message=NOT_IN_LIST
    )
    again_day, again_time = _day("Jour"), _time("Heure")
    later_day, later_time = _day("Jour"), _time("Heure")
    text = wtforms.TextAreaField(
        "Ce qu’il faut retenir",
        [validators.Optional(), validators.Length(max=5000, message="Ce texte est trop long\u00a0: 5000 caractères au plus.")],
        filters=[tidy],
    )  # fmt: skip

    zone: str
    next_at: datetime | None = None  # of the next call, once valid

    def prepare(
        self, found: CandidateRequest, now: datetime, chosen: str | None = None, answered: bool = False
    ) -> None:
        """Offer what may be said of this request; `chosen` beforehand, and the hour at which the next call would be."""
        offered = outcomes.offered(found, answered)
        self.zone = inbox.calling.zone_of(found)
        self.outcome.choices = [(word, each.label) for word, each in offered.items()]
        if chosen in offered and not self.outcome.raw_data:
            self.outcome.data = chosen
        if offered and not self.again_day.raw_data:
            planned = clock.to_zone(inbox.calling.next_attempt(found, now), self.zone)
            self.again_day.data, self.again_time.data = planned.date(), planned.time().replace(second=0, microsecond=0)

    def validate(self, *arguments: Any, **options: Any) -> bool:
        """Check the hour that goes with what was chosen, and no other."""
        valid = bool(super().validate(*arguments, **options))  # type: ignore[misc]
        chosen = outcomes.OUTCOMES.get(self.outcome.data or "")
        if chosen is None:
            return valid
        if self.outcome.data == LATER:
            return self._read(self.later_day, self.later_time, required=True) and valid
        if chosen.reaches_nobody:
            return self._read(self.again_day, self.again_time, required=False) and valid
        # Hours of another choice, half typed, hold nothing back.
        unused = {"again_day", "again_time", "later_day", "later_time"}
        return not {name for name in self.errors if name not in unused}  # type: ignore[attr-defined]

    def _read(self, day: wtforms.DateField, at: wtforms.TimeField, required: bool) -> bool:
        """Set `next_at` from the wall time of the place."""
        if day.errors or at.errors:
            return False
        if not day.data and not at.data and not required:
            return True
        missing = [(day, DAY_EXAMPLE)] * (not day.data) + [(at, TIME_EXAMPLE)] * (not at.data)
        for field, sentence in missing:
            field.errors = [sentence]
        if missing or day.data is None or at.data is None:
            return False
        try:
            self.next_at = clock.from_wall(day.data, at.data, self.zone)
        except ValueError:
            at.errors = [SKIPPED]
        except OverflowError:
            day.errors = [DAY_EXAMPLE]
        return self.next_at is not None


@dataclass(frozen=True)
class Words:
    """What the component says around the fields."""

    planned: str  # « mardi 1er décembre à 14 h »
    zone: str  # « (heure de La Réunion) », or nothing
    offers_slots: bool  # the person can be written to: not reached, they are offered dates
    missed: tuple[str, ...]  # the choices that reach nobody


def words(found: CandidateRequest, now: datetime) -> Words:
    """Return what would follow from each choice, said before the button."""
    zone = inbox.calling.zone_of(found)
    planned = inbox.calling.next_attempt(found, now) if found.status != "closed" else now
    missed = tuple(word for word, each in outcomes.OUTCOMES.items() if each.reaches_nobody)
    return Words(french.moment(planned, zone), french.zone_suffix(zone).strip(), bool(found.email), missed)
