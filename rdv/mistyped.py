"""Addresses that look mistyped: « zoe@gmial.com », « zoe@orange.fe », « zoe@gmail ». A correction is proposed, never imposed."""

from __future__ import annotations

from difflib import get_close_matches

from rdv.contacts import normalise_email

# Where candidates and their parents have their mail, most used first: what a near miss is compared with.
_USUAL = (
    "gmail.com", "hotmail.fr", "hotmail.com", "orange.fr", "outlook.fr", "outlook.com", "icloud.com", "free.fr", "sfr.fr",
    "laposte.net", "yahoo.fr", "yahoo.com", "wanadoo.fr", "live.fr", "bbox.fr", "neuf.fr", "numericable.fr", "aol.com",
    "protonmail.com",
)  # fmt: skip
# Real ones that look like a miss of those above.
_REAL = frozenset((
    "gmx.fr", "gmx.com", "gmx.net", "gmx.de", "mail.com", "email.com", "ymail.com", "rocketmail.com", "googlemail.com", "live.com", "live.be",
    "msn.com", "me.com", "mac.com", "aol.fr", "proton.me", "pm.me", "outlook.be", "outlook.de", "outlook.es", "outlook.it",
    "hotmail.be", "hotmail.ch", "hotmail.es", "hotmail.it", "hotmail.de", "hotmail.co.uk", "yahoo.be", "yahoo.es",
    "yahoo.it", "yahoo.de", "yahoo.co.uk", "yahoo.ca", "orange.com", "orange.re", "sfr.re", "free.com", "zoho.com", "caramail.fr", "caramail.com",
    "voila.fr", "club-internet.fr", "cegetel.net", "noos.fr", "9online.fr", "aliceadsl.fr", "tele2.fr", "dbmail.com",
    "mailo.com", "mailo.fr", "netcourrier.com", "tutanota.com", "hotmail.ca", "live.ca", "outlook.com.br",
))  # fmt: skip
# A well-known name under an end that it does not have.
_WRONG_END = {
    "gmail.fr": "gmail.com", "gmail.net": "gmail.com", "gmail.co": "gmail.com", "gmail.cm": "gmail.com", "gmail.om": "gmail.com",
    "icloud.fr": "icloud.com", "icloud.co": "icloud.com", "wanadoo.com": "wanadoo.fr", "laposte.com": "laposte.net",
    "laposte.fr": "laposte.net", "bbox.com": "bbox.fr", "sfr.com": "sfr.fr", "hotmail.co": "hotmail.com",
    "hotmail.net": "hotmail.com", "yahoo.co": "yahoo.com",
}  # fmt: skip
# Ends that no domain has, whatever stands before them.
_ENDS = {
    "con": "com", "cpm": "com", "cim": "com", "vom": "com", "xom": "com", "cmo": "com", "ocm": "com", "comm": "com",
    "coom": "com", "c0m": "com", "fe": "fr", "ft": "fr", "rf": "fr", "frr": "fr", "ffr": "fr", "fr0": "fr",
    "nte": "net", "ent": "net", "nett": "net", "orgg": "org", "ogr": "org",
}  # fmt: skip
_NEAR = 0.86  # of difflib: one letter wrong, missing, added or exchanged in a name of six or more
_LONGEST = 254


def correction(typed: str | None) -> str | None:
    """Return the address that was probably meant, in lower case; None when nothing is odd, or nothing better is known.

    Reads what no mail can reach too: « zoe@gmail », « zoe@gmail,com », « zoe @gmail.com ».
    """
    text = "".join((typed or "").split()).lower().strip(".,;<>")
    if not text or len(text) > _LONGEST or text.count("@") != 1:
        return None
    local, domain = text.split("@")
    meant = f"{local.removeprefix('www.')}@{_domain(domain.replace(',', '.').replace(';', '.'))}"
    found = normalise_email(meant)
    return found if found != normalise_email(typed) else None


def _domain(typed: str) -> str:
    """Return the domain that was probably meant, or the same."""
    if typed in _USUAL or typed in _REAL:
        return typed
    if typed in _WRONG_END:
        return _WRONG_END[typed]
    name, dot, end = typed.rpartition(".")
    if dot and end in _ENDS:
        return _domain(f"{name}.{_ENDS[end]}")
    whole = {usual.replace(".", ""): usual for usual in reversed(_USUAL)}  # « gmailcom »
    names = {usual.partition(".")[0]: usual for usual in reversed(_USUAL)}  # « gmail »
    if not dot:
        return whole.get(typed) or names.get(typed) or typed
    near = get_close_matches(typed, _USUAL, n=1, cutoff=_NEAR)
    return near[0] if near else typed
