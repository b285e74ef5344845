"""What of the inbox is shown, read from the address: filters that combine freely, each removed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
import wtforms
from flask import url_for
from wtforms import validators

from rdv import agenda, clock, french, inbox
from rdv.candidate import REASONS
from rdv.db import db
from rdv.models import Cfa, Membership, Platform, Training, User
from rdv.web.forms import Required, one_line
from rdv.web.staff.forms import StaffForm

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
OWN_PAGE = "cfa"  # the platform of who came by the centre's own page or link
# What only makes sense of requests that wait for the CFA.
URGENT = ("retard", "jour", "appels", "joignable")


class FilterForm(wtforms.Form):
    """Filters of the inbox; a value that makes no sense means « any »."""

    etat = wtforms.SelectField("État", choices=STATE_LABELS, default="a-traiter")
    mode = wtforms.SelectField(
        "Type", choices={"": "Tous"} | {word: inbox.MODE_LABELS[mode] for word, mode in MODES.items()}, default=""
    )
    site = wtforms.SelectField("Lieu")
    suivi = wtforms.SelectField("Suivie par", default="")
    formation = wtforms.SelectField("Formation", default="")
    origine = wtforms.SelectField("Venue de", default="")
    sujet = wtforms.SelectField("Sujet", choices={"": "Tous"} | REASONS, default="")
    du = wtforms.DateField("Reçue à partir du", [validators.Optional()])
    au = wtforms.DateField("Reçue jusqu’au", [validators.Optional()])
    appels = wtforms.SelectField(
        "Appel prévu", choices={"": "Indifférent", "jour": "Aujourd’hui", "prevus": "À une date quelconque"}, default=""
    )
    retard = wtforms.BooleanField("En retard")
    jour = wtforms.BooleanField("Attendues aujourd’hui")
    joignable = wtforms.BooleanField("Joignables maintenant")
    tri = wtforms.SelectField(
        "Ordre",
        choices={"": "La plus urgente d’abord", "joignable": "Joignables maintenant d’abord"},
        default="",
    )

    def offer(
        self, cfa: Cfa, colleagues: Sequence[User], membership: Membership, now: datetime, *, whole: bool = True
    ) -> None:
        """Fill the lists of this CFA; whoever has places of their own begins with those.

        `whole`: trainings and platforms too, which cost two reads.
        """
        self.cfa, self.now, self.person_id = cfa, now, membership.user_id
        self.zone = agenda.home_zone(cfa)
        self.mine = tuple(site.id for site in membership.sites)
        of_cfa = (
            db.session.execute(
                sa.select(Training.public_id, Training.id, Training.title, Training.diploma_code)
                .where(Training.cfa_id == cfa.id)
                .order_by(Training.title, Training.id)
            ).all()
            if whole
            else []
        )
        platforms = (
            db.session.execute(sa.select(Platform.code, Platform.id, Platform.name).order_by(Platform.name)).all()
            if whole
            else []
        )
        self._ids: dict[str, dict[str, int]] = {
            "suivi": {user.public_id: user.id for user in colleagues} | {"moi": self.person_id, "personne": 0},
            "site": {site.public_id: site.id for site in cfa.sites},
            "formation": {row.public_id: row.id for row in of_cfa},
            "origine": {row.code: row.id for row in platforms} | {OWN_PAGE: 0},
        }
        mine = {"miens": "Mes lieux"} if self.mine else {}
        self.site.choices = {"tous": "Tous"} | mine | {site.public_id: site.shown_name for site in cfa.sites}
        self.site.default = "miens" if self.mine else "tous"
        others = {user.public_id: user.shown_name for user in colleagues if user.id != self.person_id}
        self.suivi.choices = {"": "Tout le monde", "moi": "Moi", "personne": "Personne"} | others
        self.formation.choices = {"": "Toutes"} | {
            row.public_id: row.title or row.diploma_code or "Sans titre" for row in of_cfa
        }
        self.origine.choices = {"": "Toutes"} | {row.code: row.name for row in platforms} | {OWN_PAGE: "Votre page"}
        for field in self._selects():
            if field.data not in field.choices:
                field.data = field.default
        for day in (self.du, self.au):
            if day.process_errors or (day.data is not None and not 2000 <= day.data.year <= 2100):
                day.data, day.raw_data, day.process_errors = None, None, []

    def _selects(self) -> list[wtforms.SelectField]:
        return [field for field in self if isinstance(field, wtforms.SelectField)]

    def wanted(self) -> inbox.Filter:
        """Return what the domain reads."""
        return inbox.Filter(
            status=STATES[self.etat.data],
            mode=MODES.get(self.mode.data),
            site_id=self._ids["site"].get(self.site.data),
            team_site_ids=self.mine if self.site.data == "miens" else (),
            owner_id=self._ids["suivi"].get(self.suivi.data),
            training_id=self._ids["formation"].get(self.formation.data),
            platform_id=self._ids["origine"].get(self.origine.data),
            reason=self.sujet.data or None,
            late=self.retard.data,
            due_until=self.tonight if self.jour.data else None,
            planned=self.appels.data == "prevus",
            call_until=self.tonight if self.appels.data == "jour" else None,
            reachable=self.joignable.data,
            received_from=self._bounds(self.du.data)[0],
            received_until=self._bounds(self.au.data)[1],
            reachable_first=self.tri.data == "joignable",
        )

    @property
    def tonight(self) -> datetime:
        """The end of the day at the centre."""
        return clock.day_bounds(clock.to_zone(self.now, self.zone).date(), self.zone)[1]

    def _bounds(self, day: date | None) -> tuple[datetime | None, datetime | None]:
        return clock.day_bounds(day, self.zone) if day is not None else (None, None)

    def counted(self) -> dict[str, inbox.Filter]:
        """Return the filter behind each number above the list: what waits, in the filters in force."""
        plain = replace(
            self.wanted(), status=None, late=False, due_until=None, planned=False, call_until=None, reachable=False
        )  # fmt: skip
        return inbox.named(plain, self.tonight)

    # -- addresses ----------------------------------------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        """Return what the address says: everything but what goes without saying."""
        said: dict[str, Any] = {
            field.name: field.data for field in self._selects() if field.data and field.data != field.default
        }
        said |= {field.name: field.data.isoformat() for field in (self.du, self.au) if field.data}
        return said | {field.name: 1 for field in self if isinstance(field, wtforms.BooleanField) and field.data}

    def address(self, endpoint: str = "staff.requests", **changes: Any) -> str:
        """Return the address of the list with the filters in force; a change to None removes one."""
        return url_for(endpoint, **{**self.values(), **changes})

    def tabs(self, endpoint: str = "staff.requests", **more: Any) -> list[tuple[str, str, bool]]:
        """Return whose requests may be shown: a label, an address, and whether it is the one shown."""
        here = self._tab()
        whose: list[tuple[str, str, dict[str, str | None]]] = [("moi", "À moi", {"suivi": "moi", "site": "tous"})]
        if self.mine:
            whose.append(("equipe", "Mon équipe", {"suivi": None, "site": "miens"}))
        whose += [
            ("personne", "Sans personne", {"suivi": "personne"}),
            ("tous", "Tout le centre", {"suivi": None, "site": "tous"}),
        ]
        return [
            (label, self.address(endpoint, **self._saying(changes), **more), word == here)
            for word, label, changes in whose
        ]

    def _saying(self, changes: dict[str, str | None]) -> dict[str, str | None]:
        return {name: self._said(name, value) for name, value in changes.items()}

    def _said(self, name: str, value: str | None) -> str | None:
        return None if value == self._fields[name].default else value

    def _tab(self) -> str | None:
        if self.suivi.data in ("moi", "personne"):
            return str(self.suivi.data)
        if self.suivi.data:
            return None
        return {"miens": "equipe", "tous": "tous"}.get(self.site.data)

    def states(self) -> list[tuple[str, str, str, bool]]:
        """Return each state: its word, its label, the address of the same list in it, and whether it is shown."""
        return [
            (word, label, self.in_state(word), word == self.etat.data and not self.urgent)
            for word, label in STATE_LABELS.items()
        ]

    def numbered(self) -> dict[str, str]:
        """Return the address of the list that each number of `counted` counts."""
        return {
            "todo": self.in_state("a-traiter"),
            "late": self.in_state("a-traiter", retard=1),
            "due_today": self.in_state("a-traiter", jour=1),
            "calls": self.in_state("a-traiter", appels="jour"),
            "reachable": self.in_state("a-traiter", joignable=1),
            "waiting": self.in_state("en-attente"),
            "unowned": self.in_state("a-traiter", suivi="personne"),
        }

    def in_state(self, word: str, **more: Any) -> str:
        """Return the address of the same list in a state, without what makes sense of another alone."""
        plain: dict[str, Any] = dict.fromkeys(URGENT) | ({} if word == "a-traiter" else {"tri": None})
        return self.address(**{**plain, "etat": None if word == self.etat.default else word, **more})

    @property
    def urgent(self) -> bool:
        """True when one of the shortcuts of what waits is in force."""
        return any(self._fields[name].data for name in URGENT)

    def chips(self) -> list[tuple[str, str]]:
        """Return the filters in force, in words, each with the address of the list without it; tabs say the rest."""
        tab = self._tab()
        chosen: list[tuple[str, dict[str, Any]]] = [
            (field.choices[field.data], {field.name: None})
            for field in (self.mode, self.formation, self.origine, self.sujet)
            if field.data
        ]
        if self.suivi.data and tab is None:
            chosen.append((self.suivi.choices[self.suivi.data], {"suivi": None}))
        narrowed = self.site.data not in ("tous", "miens") or (self.site.data == "miens" and tab != "equipe")
        if narrowed:
            chosen.append((self.site.choices[self.site.data], {"site": self._said("site", "tous")}))
        chosen += [
            (field.label.text, {field.name: None}) for field in (self.retard, self.jour, self.joignable) if field.data
        ]
        if self.appels.data:
            chosen.append(
                ({"jour": "Appels prévus aujourd’hui", "prevus": "Appels prévus"}[self.appels.data], {"appels": None})
            )
        for field, words in ((self.du, "Reçues à partir du"), (self.au, "Reçues jusqu’au")):
            if field.data:
                chosen.append((f"{words} {french.day_of_month(field.data)}", {field.name: None}))
        return [(words, self.address(**changes)) for words, changes in chosen]


class SearchForm(StaffForm):
    """Words to look for: posted, because an address would keep the name or the phone of a person."""

    text = wtforms.StringField(
        "Nom, téléphone ou référence",
        [Required("Indiquez un nom, un téléphone ou une référence, par exemple KTR-B48-26X."), validators.Length(max=80, message="Ce texte est trop long\u00a0: %(max)d caractères au plus.")],
        filters=[one_line],
    )  # fmt: skip
