"""What the figures are about, read from the address: a period, and a part of what the centre receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import wtforms
from flask import url_for
from wtforms.validators import Optional as MayBeEmpty

from rdv import clock, directory, inbox, stats
from rdv.agenda import home_zone
from rdv.french import NBSP, day_of_month
from rdv.models import Cfa, Platform, Training
from rdv.web.staff.request_filters import MODES

PERIODS = {
    "30-jours": "30 derniers jours",
    "3-mois": "3 derniers mois",
    "12-mois": "12 derniers mois",
    "dates": "Dates choisies",
}
# Words of the address ↔ parts of the domain.
PARTS = {
    "conseiller": "adviser",
    "lieu": "site",
    "formation": "training",
    "origine": "platform",
    "affiche": "source",
    "type": "mode",
}
_MONTHS = {"3-mois": 3, "12-mois": 12}
_BAD_DATE = "Indiquez une date, par exemple 24/11/2026."


class FiguresForm(wtforms.Form):
    """Filters of the figures; a value that makes no sense means « any », dates that make none are told."""

    periode = wtforms.SelectField("Période", choices=PERIODS, default="30-jours")
    du = wtforms.DateField("Du", [MayBeEmpty()])
    au = wtforms.DateField("Au", [MayBeEmpty()])
    lieu = wtforms.SelectField("Lieu", default="")
    formation = wtforms.SelectField("Formation", default="")
    origine = wtforms.SelectField("Origine", default="")
    type = wtforms.SelectField(
        "Type", choices={"": "Tous"} | {word: inbox.MODE_LABELS[mode] for word, mode in MODES.items()}, default=""
    )
    par = wtforms.SelectField("Répartir par", choices=PARTS, default="conseiller")

    def __init__(self, address: Any, cfa: Cfa, trainings: list[Training], platforms: list[Platform]) -> None:
        super().__init__(address)
        self.cfa = cfa
        self.today = clock.today(home_zone(cfa))
        self.sites = {site.public_id: site for site in cfa.sites}
        self.trainings = {training.public_id: training for training in trainings}
        self.platforms = {platform.code: platform for platform in platforms}
        self.lieu.choices = {"": "Tous"} | {key: site.shown_name for key, site in self.sites.items()}
        self.formation.choices = {"": "Toutes"} | {key: _label(each, trainings) for key, each in self.trainings.items()}
        self.origine.choices = {"": "Toutes"} | {key: each.name for key, each in self.platforms.items()}
        for field in self._choices():
            if field.data not in field.choices:
                field.data = field.default
        self._check_dates()

    def _choices(self) -> tuple[wtforms.SelectField, ...]:
        return self.periode, self.lieu, self.formation, self.origine, self.type, self.par

    def _check_dates(self) -> None:
        """Say what is wrong of chosen dates; the last thirty days are shown meanwhile."""
        if self.periode.data != "dates":
            return
        for field in (self.du, self.au):
            if field.data is None or not 2000 <= field.data.year <= 2100:
                field.errors = [_BAD_DATE]
        if self.du.errors or self.au.errors:
            return
        if self.au.data < self.du.data:
            self.au.errors = ["La fin précède le début. Choisissez une date de fin plus tardive."]
        elif self.au.data - self.du.data >= stats.LONGEST_PERIOD:
            self.au.errors = [f"Choisissez une période de deux ans au plus{NBSP}: par exemple une année, puis l’autre."]

    @property
    def period(self) -> stats.Period:
        """The days asked for."""
        zone = home_zone(self.cfa)
        if self.periode.data == "dates" and not (self.du.errors or self.au.errors):
            return stats.Period(self.du.data, self.au.data, self.today, zone)
        months = _MONTHS.get(self.periode.data)
        first = (
            stats.months_before(self.today.replace(day=1), months - 1) if months else self.today - timedelta(days=29)
        )
        return stats.Period(first, self.today, self.today, zone)

    @property
    def filters(self) -> stats.Filters:
        """What the domain counts."""
        chosen: Mapping[str, Any] = {
            "site_id": self.sites.get(self.lieu.data), "training_id": self.trainings.get(self.formation.data),
            "platform_id": self.platforms.get(self.origine.data),
        }  # fmt: skip
        ids = {name: row.id if row else None for name, row in chosen.items()}
        return stats.Filters(self.cfa.id, self.period, mode=MODES.get(self.type.data), **ids)

    @property
    def trend(self) -> stats.Filters:
        """The same, over the months that lead to the end of the period."""
        filters = self.filters
        return replace(filters, period=filters.period.trend)

    def words(self) -> list[str]:
        """The filters in force, in words, the period aside."""
        fields = (self.lieu, self.formation, self.origine, self.type)
        return [field.choices[field.data] for field in fields if field.data]

    def dates(self) -> str:
        """« du 26 octobre au 24 novembre 2026 »."""
        first, last = self.period.first, self.period.last
        if first == last:
            return f"le {day_of_month(first)}"
        return f"du {day_of_month(first, year=first.year != last.year)} au {day_of_month(last)}"

    def values(self) -> dict[str, Any]:
        """What an address holds of these filters."""
        found: dict[str, Any] = {
            field.name: field.data for field in self._choices() if field.data and field.data != field.default
        }
        if self.periode.data == "dates":
            found |= {
                field.name: field.data.isoformat() for field in (self.du, self.au) if isinstance(field.data, date)
            }
        return found

    def address(self, endpoint: str = "staff.figures", **more: Any) -> str:
        """The address of a page or a file with the filters in force."""
        return url_for(endpoint, **{**self.values(), **more})


def _label(training: Training, among: list[Training]) -> str:
    """The title of a training, with its town when the centre has two of that title."""
    twins = sum(each.shown_title == training.shown_title for each in among) > 1
    city = next((site.city for site in training.sites if site.city), None)
    return f"{training.shown_title} ({city})" if twins and city else training.shown_title


def of_address(address: Any, cfa: Cfa) -> FiguresForm:
    """Return the filters that an address holds, of what this centre has."""
    return FiguresForm(address, cfa, directory.all_trainings_of(cfa), directory.platforms())
