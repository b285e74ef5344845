"""Rules in words: what is decided, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rdv import french, rules
from rdv.models import BookingRule

OWN_PAGE_LABEL = "Votre page publique et le site de votre centre"
_UNITS = ((24 * 60, "jour"), (60, "heure"), (1, "minute"))


def facts(
    rule: rules.Effective | BookingRule | None, zone: str, platforms: Mapping[str, str]
) -> list[tuple[str, str | None]]:
    """Return what a rule decides, as pairs; nothing for what it leaves to the wider one."""
    if rule is None:
        return []
    pairs = (
        ("Délai minimum", None if rule.notice_minutes is None else notice(rule.notice_minutes)),
        ("Visible", None if rule.horizon_days is None else horizon(rule.horizon_days)),
        ("Ouverture", opening(rule.opens_at, zone) if rule.opens_at else None),
        ("Pause", None if rule.pause_minutes is None else pause(rule.pause_minutes)),
        ("Par jour", None if rule.most_a_day is None else f"{rule.most_a_day} rendez-vous au plus par conseiller"),
        ("Par personne", None if rule.most_a_person is None else f"{rule.most_a_person} rendez-vous à venir au plus"),
        ("Plateformes", None if rule.platforms is None else named(rule.platforms, platforms)),
    )
    return [(label, said) for label, said in pairs if said is not None]


def in_unit(minutes: int) -> tuple[int, str]:
    """Return a length in its largest exact unit: (2, « jour ») for 2880 minutes."""
    size, unit = next(((size, unit) for size, unit in _UNITS if minutes and minutes % size == 0), (60, "heure"))
    return minutes // size, unit


def notice(minutes: int) -> str:
    """« Réservable jusqu’à 2 heures avant »."""
    return f"réservable jusqu’à {french.plural(*in_unit(minutes))} avant" if minutes else "réservable jusqu’au début"


def horizon(days: int) -> str:
    """« 30 jours à l’avance »."""
    return f"{french.plural(days, 'jour')} à l’avance au plus"


def opening(opens_at: datetime, zone: str) -> str:
    """« réservations en ligne à partir du mardi 1er décembre 2026 à 9 h »."""
    return f"réservations en ligne à partir du {french.moment(opens_at, zone, year=True)}"


def pause(minutes: int) -> str:
    """« 10 minutes entre deux rendez-vous »."""
    return f"{french.plural(minutes, 'minute')} entre deux rendez-vous" if minutes else "aucune"


def named(codes: list[str], platforms: Mapping[str, str]) -> str:
    """Name platforms."""
    return ", ".join(label for code, label in platforms.items() if code in codes) or "aucune"
