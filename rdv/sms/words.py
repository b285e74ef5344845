"""The alphabet of text messages: 160 characters of GSM 03.38 in one message, 70 as soon as one character is foreign to it.

One message is what we pay for and what old telephones show whole: what would force the long alphabet is transliterated.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime

from rdv import clock, french

LONGEST = 160  # septets of one message
_SHORT_WORD = 3  # letters: no name ends with « de », « des », « et »

# 3GPP TS 23.038 §6.2.1, default alphabet and its extension table (two septets each).
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
_PLAIN = {
    "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...", "œ": "oe", "Œ": "OE",
    "\u00a0": " ", "\u202f": " ", "\u2011": "-", "·": ".", "°": "o", "ł": "l", "Ł": "L", "đ": "d", "ð": "d", "ı": "i",
}  # fmt: skip


def septets(text: str) -> int:
    """Return how many septets a text takes; raises ValueError when a character is not of the alphabet."""
    foreign = set(text) - _BASIC - _EXTENDED
    if foreign:
        raise ValueError(f"not of the GSM alphabet: {sorted(foreign)}")
    return len(text) + sum(ch in _EXTENDED for ch in text)


def plain(text: str) -> str:
    """Return a text in the GSM alphabet, on one line: accents that it lacks fall (« forêt », « foret »), the rest is left out."""
    kept = []
    for ch in text:
        whole = _PLAIN.get(ch, ch)
        if not set(whole) <= _BASIC - set("\r\n"):
            base = unicodedata.normalize("NFKD", whole)
            whole = "".join(each for each in base if each in _BASIC and each not in "\r\n" and each.isprintable())
            whole = whole or (" " if ch.isspace() else "")
        kept.append(whole)
    return " ".join("".join(kept).split())


def fitted(written: Callable[[str, str], str], name: str, zone: str) -> str:
    """Return `written(name, zone)` in one message: the name loses its last words until it fits, then all, then the zone goes.

    Raises ValueError when even that is too long: a sentence of ours to shorten.
    """
    words = plain(name).split()
    for count in range(len(words), 0, -1):
        # « Centre de » says less than « Centre ».
        if count < len(words) and len(words[count - 1]) <= _SHORT_WORD:
            continue
        text = plain(written(", " + " ".join(words[:count]).rstrip(" -,.'\""), zone))
        if septets(text) <= LONGEST:
            return text
    for shorter in (zone, ""):
        text = plain(written("", shorter))
        if septets(text) <= LONGEST:
            return text
    raise ValueError(f"too long for one message: {septets(text)} septets")


def moment(instant: datetime, zone: str) -> str:
    """« mar. 01/12 à 14h30 », in the wall time of a zone."""
    local = clock.to_zone(instant, zone)
    return f"{french.short_day(local).split(chr(160))[0]} {local:%d/%m} à {hour(instant, zone)}"


def hour(instant: datetime, zone: str) -> str:
    """« 14h30 », « 9h »."""
    local = clock.to_zone(instant, zone)
    return f"{local.hour}h" + (f"{local.minute:02d}" if local.minute else "")
