"""What a password must be, and how it is kept.

Rules: deliberation 2022-100 of the CNIL, case « with limited attempts » (50 bits, reached here with a margin): 12
characters of 3 kinds, or 20 of any; nothing common, nothing about the person. Kept by Werkzeug's scrypt, about 0.1 s a
hash: compute it outside `transaction()`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from werkzeug.security import check_password_hash, generate_password_hash

from rdv.contacts import fold
from rdv.errors import WeakPassword

SHORTEST = 12
SHORTEST_OF_ONE_KIND = 20
LONGEST = 256  # characters; more would only cost time
HINT = (
    "Au moins 12 caractères avec trois sortes parmi minuscules, majuscules, chiffres et signes ; "
    "ou une phrase d’au moins 20 caractères. Exemple de phrase : trois tournesols bleus dansent"
)
SERVICE_WORDS = ("rdvapprentissage", "rdvapprenti", "apprentissage")

_COMMON = Path(__file__).parent / "data" / "common_passwords.txt"
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm")
_LOOKALIKES = str.maketrans("013457@$€", "oieastase")
# A hash of nothing anybody knows: checking it takes as long as checking a person's.
_NOBODY = (
    "scrypt:32768:8:1$BKXjyjLqMCwTJq48$30ad91621b8740bce8b59963ade130a0f8f285f9f72eb5050c6b2bbcdc504b01"
    "8104753801f0376e23342612313e44474d0d6ddf53f4e6d4726914dbb362b6d5"
)


def hash_new(password: str, own_words: Iterable[str | None] = ()) -> str:
    """Return what is kept of a password just chosen; raise WeakPassword, which says what to change.

    `own_words`: the person's e-mail and names, which the password may not hold.
    """
    check(password, own_words)
    return generate_password_hash(_composed(password))


def matches(password: str, kept: str | None) -> bool:
    """Say whether a password is the one kept; takes as long when there is none."""
    same = check_password_hash(kept or _NOBODY, _composed(password[:LONGEST]))
    return same and kept is not None


def check(password: str, own_words: Iterable[str | None] = ()) -> None:
    """Raise WeakPassword unless a password follows the rules."""
    if len(password) > LONGEST:
        raise WeakPassword(f"Choisissez un mot de passe d’au plus {LONGEST} caractères.")
    if len(password) < SHORTEST or (len(password) < SHORTEST_OF_ONE_KIND and _kinds(password) < 3):
        raise WeakPassword
    flat = _flat(password)
    if _is_sequence(flat) or len(_unit(password.casefold())) < SHORTEST // 2 or len(set(password)) < 5:
        raise WeakPassword("Ce mot de passe est une suite ou une répétition. Choisissez des mots sans lien entre eux.")
    for word in _forbidden(own_words):
        if word in flat:
            raise WeakPassword(
                "Votre mot de passe ne doit contenir ni votre nom, ni votre adresse électronique, ni le nom du service."
            )
    if _is_common(password):
        raise WeakPassword("Ce mot de passe est trop courant. Choisissez trois ou quatre mots sans lien entre eux.")


def _composed(password: str) -> str:
    """The same accents, whichever keyboard typed them."""
    return unicodedata.normalize("NFC", password)


def _flat(password: str) -> str:
    """Letters and digits alone, without accent or case."""
    return fold(password).replace(" ", "")


def _kinds(password: str) -> int:
    return sum(
        (
            any(ch.islower() for ch in password),
            any(ch.isupper() for ch in password),
            any(ch.isdigit() for ch in password),
            any(not ch.isalnum() for ch in password),
        )
    )


def _unit(text: str) -> str:
    """The shortest piece whose repetition makes the text: « soleil » for « soleilsoleil »."""
    return text[: (text + text).find(text, 1)] if text else ""


def _is_sequence(flat: str) -> bool:
    """Say whether most neighbours follow each other on the keyboard, in the alphabet or among digits."""
    if len(flat) < 2:
        return True
    pairs = [flat[i : i + 2] for i in range(len(flat) - 1)]
    followed = sum(any(pair in row or pair[::-1] in row or pair[0] == pair[1] for row in _ROWS) for pair in pairs)
    return followed > 0.6 * len(pairs)


def _forbidden(own_words: Iterable[str | None]) -> set[str]:
    """Folded pieces of at least four characters: of the names, and of what precedes the @."""
    words = set(SERVICE_WORDS)
    for own in own_words:
        local = (own or "").partition("@")[0]
        words |= {piece for piece in (*fold(local).split(), _flat(local)) if len(piece) >= 4}
    return words


def _is_common(password: str) -> bool:
    """Say whether nothing is left but a common word, once its surroundings, signs and look-alikes are undone."""
    common = _common_words()
    start = next((i for i, ch in enumerate(password) if ch.isalpha() or ch in "@$€"), 0)
    end = next((i for i, ch in enumerate(reversed(password)) if ch.isalpha()), 0)
    core = password[start : len(password) - end].casefold()
    for variant in (_flat(password), _flat(core.translate(_LOOKALIKES))):
        letters = "".join(ch for ch in variant if ch.isalpha())
        if any(piece in common or _unit(piece) in common for piece in (variant, letters)):
            return True
    return False


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
