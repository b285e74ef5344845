"""Dates, times, numbers and phones as French text: pure functions, also used as Jinja filters.

Babel gives the names; the typography (no-break spaces, « 1er », « 14 h 30 ») is ours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import phonenumbers
from babel.dates import format_date

from rdv.clock import PARIS, to_zone

NBSP = "\u00a0"

ZONE_NAMES = {
    "America/Guadeloupe": "heure de la Guadeloupe",
    "America/Martinique": "heure de la Martinique",
    "America/Cayenne": "heure de la Guyane",
    "America/Miquelon": "heure de Saint-Pierre-et-Miquelon",
    "America/St_Barthelemy": "heure de Saint-Barthélemy",
    "America/Marigot": "heure de Saint-Martin",
    "Indian/Reunion": "heure de La Réunion",
    "Indian/Mayotte": "heure de Mayotte",
    "Pacific/Noumea": "heure de Nouvelle-Calédonie",
    "Pacific/Tahiti": "heure de Tahiti",
    "Pacific/Marquesas": "heure des Marquises",
    "Pacific/Gambier": "heure des Gambier",
    "Pacific/Wallis": "heure de Wallis-et-Futuna",
}


def day(value: date, year: bool = False) -> str:
    """« mardi 1er décembre » (with the year on request); a datetime is read as it stands, local."""
    return _day(date(value.year, value.month, value.day), year)


@lru_cache(maxsize=1024)  # a page of slots names the same few days fifty times
def _day(value: date, year: bool) -> str:
    text = format_date(value, "EEEE d MMMM yyyy" if year else "EEEE d MMMM", locale="fr")
    return text.replace(" 1 ", " 1er ", 1).replace(" ", NBSP)


def short_day(value: date) -> str:
    """« mar. 1er déc. »."""
    return format_date(value, "EEE d MMM", locale="fr").replace(" 1 ", " 1er ", 1).replace(" ", NBSP)


def day_of_month(value: date, year: bool = True) -> str:
    """« 1er décembre 2026 », or without the year."""
    text = format_date(value, "d MMMM yyyy" if year else "d MMMM", locale="fr")
    return (text.replace("1 ", "1er ", 1) if value.day == 1 else text).replace(" ", NBSP)


def month(value: date) -> str:
    """« décembre 2026 »."""
    return format_date(value, "LLLL yyyy", locale="fr").replace(" ", NBSP)


def clock_time(value: datetime | time) -> str:
    """« 14 h 30 », « 9 h », from a local datetime or a wall time."""
    return f"{value.hour}{NBSP}h" + (f"{NBSP}{value.minute:02d}" if value.minute else "")


def zone_suffix(zone: str) -> str:
    """« (heure de La Réunion) » when the zone is not that of Paris, else nothing."""
    return "" if zone == PARIS else f" ({ZONE_NAMES.get(zone, zone)})"


def moment(instant: datetime, zone: str = PARIS, year: bool = False) -> str:
    """« mardi 1er décembre à 14 h 30 (heure de La Réunion) » from an instant."""
    local = to_zone(instant, zone)
    return f"{day(local, year)} à {clock_time(local)}{zone_suffix(zone)}"


def time_range(start: datetime, end: datetime, zone: str = PARIS) -> str:
    """« de 14 h à 14 h 30 » from two instants."""
    return f"de {clock_time(to_zone(start, zone))} à {clock_time(to_zone(end, zone))}{zone_suffix(zone)}"


def duration(minutes: int) -> str:
    """« 20 min », « 1 h », « 1 h 30 »."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}{NBSP}min"
    return f"{hours}{NBSP}h" + (f"{NBSP}{rest:02d}" if rest else "")


def phone(e164: str | None) -> str:
    """« 06 12 34 56 78 » for French numbers, international form for the others."""
    if not e164:
        return ""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    overseas_with_zero = number.country_code in (33, 262, 590, 594, 596)
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL if overseas_with_zero else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    text = phonenumbers.format_number(number, style)
    digits = "".join(ch for ch in text if ch.isdigit())
    if overseas_with_zero and len(digits) == 10:
        text = " ".join(digits[i : i + 2] for i in range(0, 10, 2))
    return text.replace(" ", NBSP)


def enumeration(words: Sequence[str]) -> str:
    """« lundi », « lundi et mardi », « lundi, mardi et jeudi »."""
    *first, last = words
    return f"{', '.join(first)} et {last}" if first else last


def plural(count: int, one: str, many: str | None = None) -> str:
    """« 1 place », « 3 places »; zero is singular in French."""
    word = one if abs(count) < 2 else (many or one + "s")
    return f"{count}{NBSP}{word}"


def number(count: int) -> str:
    """« 46 000 »: thousands apart, as French writes them."""
    return f"{count:,}".replace(",", NBSP)


def of_name(name: str) -> str:
    """« de Zoé », « d’Anna », « d’Hugo »."""
    first = unicodedata.normalize("NFD", name[:1].lower())[:1]
    return f"d’{name}" if first in ("a", "e", "i", "o", "u", "h", "œ", "æ") else f"de {name}"


def elapsed(length: timedelta) -> str:
    """« 3 jours », « 2 h », « 5 min »: how long, in its largest unit, never less than a minute."""
    minutes = max(int(abs(length).total_seconds()) // 60, 1)
    if minutes >= 24 * 60:
        return plural(minutes // (24 * 60), "jour")
    return f"{minutes // 60}{NBSP}h" if minutes >= 60 else f"{minutes}{NBSP}min"


_RANKS = (
    "première", "deuxième", "troisième", "quatrième", "cinquième", "sixième", "septième", "huitième", "neuvième", "dixième",
)  # fmt: skip


def rank(number: int) -> str:
    """« première », « dixième », then « 11e »: the rank of a person in a list."""
    return _RANKS[number - 1] if number <= len(_RANKS) else f"{number}e"


def soon(instant: datetime, now: datetime, zone: str) -> str | None:
    """« aujourd’hui » or « demain » when an instant falls then in a zone, else None."""
    days = (to_zone(instant, zone).date() - to_zone(now, zone).date()).days
    return {0: "aujourd’hui", 1: "demain"}.get(days)
