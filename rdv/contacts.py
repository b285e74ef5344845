"""How a person is reached: addresses and numbers in one form, and the key that recognises the same person."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email

# Overseas prefixes first: the library takes 0596… and 0508… for metropolitan numbers
# (reference/french-public-service.md §3.7).
_OVERSEAS = {
    "0590": "GP", "0690": "GP", "0691": "GP", "0594": "GF", "0694": "GF", "0596": "MQ", "0696": "MQ", "0697": "MQ",
    "0262": "RE", "0263": "RE", "0692": "RE", "0693": "RE", "0269": "YT", "0639": "YT", "0508": "PM",
}  # fmt: skip
# Premium and special numbers cannot be called back.
_NOT_CALLABLE = (
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.UAN,
    phonenumbers.PhoneNumberType.PAGER,
)
# Metropolitan mobiles that Arcep keeps for fiction: the library refuses them, the demonstration and the tests live there.
_FICTION = "063998"
# French mobiles, metropolitan and overseas. Abroad a text message costs several times more, and premium ranges are a
# known fraud: whoever has a foreign number is called.
_TEXTED = (33, 262, 508, 590, 594, 596, 681, 687, 689)
PHONE_HINT = "06 12 34 56 78, 0692 12 34 56 ou +687 12 34 56"


def normalise_phone(text: str | None) -> str | None:
    """Return the number in E.164, or None when it cannot be called: French, overseas and foreign forms are read."""
    # The library reads letters as the keys of a telephone: « 7O » would become « 76 ».
    if not text or any(ch.isalpha() for ch in text):
        return None
    digits = "".join(ch for ch in text if ch.isdigit())
    national = "0" + digits.removeprefix("0033").removeprefix("33") if digits.startswith(("33", "0033")) else digits
    if national.startswith(_FICTION) and len(national) == 10:
        return "+33" + national[1:]
    region = _OVERSEAS.get(digits[:4], "FR") if digits.startswith("0") and len(digits) == 10 else "FR"
    if region == "PM":
        text = digits[4:]  # six digits there, dialled with 0508 from elsewhere in France
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) in _NOT_CALLABLE:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_mobile(e164: str | None) -> bool:
    """Say whether a text message may be sent to this number: a French mobile, metropolitan or overseas."""
    if not e164:
        return False
    if e164.startswith("+33" + _FICTION[1:]):
        return True
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False  # not in E.164: what somebody typed
    return number.country_code in _TEXTED and phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE


def normalise_email(text: str | None) -> str | None:
    """Return the address in lower case, or None when no mail can reach it; the domain is not looked up."""
    if not text or len(text.strip()) > 254:
        return None
    local, _, domain = text.strip().rpartition("@")
    # The library refuses the reserved name `.example`, where the demonstration lives: its shape is checked as another.
    checked = domain[: -len(".example")] + ".fr" if domain.lower().endswith(".example") else domain
    try:
        found = validate_email(f"{local}@{checked}", check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    ascii_domain = str(found.ascii_domain)
    if checked != domain:
        ascii_domain = ascii_domain.removesuffix(".fr") + ".example"
    return f"{found.local_part}@{ascii_domain}".lower()


def fold(text: str) -> str:
    """Return a text without accents, case or punctuation, for search and comparison."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(ch if ch.isalnum() else " " for ch in flat if not unicodedata.combining(ch))
    return " ".join(kept.split())


def person_key(secret: str, first_name: str, last_name: str, email: str | None, phone: str | None) -> str:
    """Return the keyed hash that says « same person »: folded names with the e-mail, else the E.164 phone."""
    contact = (email or "").lower() or phone or ""
    text = "\n".join((fold(first_name), fold(last_name), contact))
    return hmac.new(secret.encode(), b"person\n" + text.encode(), hashlib.sha256).hexdigest()


def masked_email(email: str) -> str:
    """« z…@exemple.fr »: enough for its owner to recognise it, too little for anybody else."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain}"
