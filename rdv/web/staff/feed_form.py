"""The form of a calendar: on which device, whose meetings, what is said of candidates, what is shown beside."""

from __future__ import annotations

from typing import Any

from wtforms import RadioField, SelectField, StringField
from wtforms.validators import Length

from rdv import feeds
from rdv.models import CalendarFeed, Cfa, Site, User
from rdv.web.forms import MultiCheckbox, Required, one_line
from rdv.web.staff.forms import StaffForm

BESIDE = {
    "due": "Les demandes à traiter, le jour où la réponse est attendue",
    "free": "Les créneaux libres, sans occuper mon agenda",
    "closures": "Les fermetures et les absences",
    "cancelled": "Les rendez-vous annulés, marqués «\u00a0Annulé\u00a0» pendant quatorze jours au plus",
}


class FeedForm(StaffForm):
    """What a calendar shows, and on which device."""

    name = StringField(
        "Nom de l’appareil ou de l’application",
        [Required("Donnez un nom à ce calendrier, par exemple «\u00a0Téléphone\u00a0»."),
         Length(max=80, message="80\u00a0caractères au plus.")],
        filters=[one_line],
        description="Pour le reconnaître plus tard. Exemples\u00a0: Téléphone, Agenda du bureau",
    )  # fmt: skip
    scope = SelectField("Rendez-vous à montrer", [Required("Choisissez ce qui est montré.")], default="me")
    detail = RadioField(
        "Ce qui est dit des candidats", [Required("Choisissez ce qui est dit.")],
        choices=feeds.DETAILS, default="minimal",
    )  # fmt: skip
    beside = MultiCheckbox("Montrer aussi", choices=BESIDE, default=["cancelled"])

    def offer(self, person: User, cfa: Cfa) -> None:
        """Offer whose meetings this person may follow."""
        self._sites = {site.public_id: site for site in cfa.sites if site.closed_at is None}
        self.scope.choices = scopes(person, cfa)

    def show(self, feed: CalendarFeed) -> None:
        """Begin with what a calendar shows now."""
        self.name.data, self.detail.data = feed.name, feed.detail
        self.scope.data = _word(feed)
        self.beside.data = [word for word in BESIDE if getattr(feed, f"shows_{word}")]

    @property
    def choice(self) -> feeds.Choice:
        """What was chosen."""
        beside: dict[str, Any] = {f"shows_{word}": word in (self.beside.data or []) for word in BESIDE}
        site: Site | None = self._sites.get(self.scope.data.removeprefix("site:"))
        return feeds.Choice(
            site=site, whole_cfa=self.scope.data == "cfa", everywhere=self.scope.data == "everywhere",
            detail=self.detail.data, **beside,
        )  # fmt: skip


def scopes(person: User, cfa: Cfa) -> dict[str, str]:
    """Return whose meetings a person may follow from this CFA: what the form holds, and its words."""
    several = sum(each.ended_at is None for each in person.memberships) > 1
    places = [site for site in cfa.sites if site.closed_at is None]
    found = {"me": "Les miens, dans ce centre" if several else "Les miens"}
    if several:
        found["everywhere"] = "Les miens, dans tous mes centres"
    if len(places) > 1:
        found |= {f"site:{site.public_id}": f"Tous ceux de {site.shown_name}" for site in places}
    return {**found, "cfa": "Tous ceux du centre"}


def scope_label(feed: CalendarFeed, person: User, cfa: Cfa) -> str:
    """Say whose meetings a calendar shows."""
    if feed.site is not None:
        return f"Tous ceux de {feed.site.shown_name}"
    return scopes(person, cfa).get(_word(feed), "Les miens, dans tous mes centres")


def _word(feed: CalendarFeed) -> str:
    if feed.site is not None:
        return f"site:{feed.site.public_id}"
    if feed.scope == "cfa":
        return "cfa"
    return "me" if feed.cfa_id is not None else "everywhere"
