"""Calendar applications: how they call themselves, and how long they take to see a change (reference/ical.md §1.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Application:
    """A family of applications; `patience`: how long its slowest polls may let one wait."""

    name: str
    marks: tuple[str, ...]  # what its user agent holds, in lower case
    delay: str
    patience: timedelta


APPLICATIONS = (
    Application(
        "Google Agenda", ("google-calendar", "google-ical"), "souvent 8 à 12 heures, parfois 24", timedelta(hours=24)
    ),
    Application("Nextcloud", ("nextcloud",), "une heure", timedelta(hours=2)),
    Application("Thunderbird", ("thunderbird",), "30 minutes", timedelta(hours=1)),
    Application("GNOME Agenda", ("evolution",), "30 minutes à une heure", timedelta(hours=2)),
    Application("ICSx⁵", ("icsx5",), "de 15 minutes à un jour, à votre choix", timedelta(hours=24)),
    Application(
        "Calendrier d’Apple", ("dataaccessd", "calendaragent", "ios/", "macos/"),
        "de 5 minutes à une semaine, à votre choix", timedelta(days=7),
    ),
    Application("Outlook", ("outlook", "microsoft", "exchange"), "3 heures environ, parfois 24", timedelta(hours=24)),
    Application("Navigateur", ("mozilla/",), "", timedelta(hours=24)),
)  # fmt: skip
OTHER = Application("Autre application", (), "", timedelta(hours=24))


def application_of(user_agent: str) -> Application:
    """Return the family that reads a feed; the first mark found names it."""
    said = user_agent.lower()
    return next((one for one in APPLICATIONS if any(mark in said for mark in one.marks)), OTHER)


def named(name: str | None) -> Application:
    """Return the family of this name."""
    return next((one for one in APPLICATIONS if one.name == name), OTHER)
