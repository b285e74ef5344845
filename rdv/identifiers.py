"""Random public identifiers, spoken references, and the checks of French administrative numbers."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache

# No vowel (no accidental word), no 0/O, 1/I/L: what is spoken on the phone is heard once.
_SPOKEN = "BCDFGHJKMNPQRSTVWXZ23456789"
_PUBLIC = "abcdefghjkmnpqrstuvwxyz23456789"
_UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"

UID_DOMAIN = "rdv-apprentissage"  # constant for ever: a calendar UID never changes (reference/ical.md §1.2)


def new_public_id() -> str:
    """Return a random identifier for URLs, about 79 bits, never sequential."""
    return "".join(secrets.choice(_PUBLIC) for _ in range(16))


def new_reference() -> str:
    """Return a reference that can be spoken, such as « KTR-B48-26X » (about 43 bits)."""
    letters = [secrets.choice(_SPOKEN) for _ in range(9)]
    return "-".join("".join(letters[i : i + 3]) for i in (0, 3, 6))


def new_uid() -> str:
    """Return a calendar UID, kept through moves and cancellation."""
    return f"{secrets.token_hex(16)}@{UID_DOMAIN}"


def is_storable(text: str) -> bool:
    """Say whether a text may be kept or looked for: neither database takes NUL or half a character."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def normalise_reference(text: str) -> str:
    """Return a spoken or pasted reference in its stored form."""
    flat = re.sub(r"[^0-9A-Z]", "", text.upper())
    return "-".join(flat[i : i + 3] for i in range(0, len(flat), 3))


@lru_cache(maxsize=4096)  # a catalogue says that of one centre on each of its rows
def is_siret(text: str) -> bool:
    """Check 14 digits and the Luhn key; La Poste (SIREN 356000000) sums to a multiple of 5 instead."""
    if not re.fullmatch(r"[0-9]{14}", text) or set(text) == {"0"}:
        return False
    if text.startswith("356000000") and sum(map(int, text)) % 5 == 0:
        return True
    total = 0
    for index, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_uai(text: str) -> bool:
    """Check seven digits and their key letter (23 letters, no I, O, Q)."""
    match = re.fullmatch(r"([0-9]{7})([A-Z])", text)
    return bool(match) and _UAI_LETTERS[int(match[1]) % 23] == match[2]  # type: ignore[index]
