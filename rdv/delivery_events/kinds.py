"""What relays call the same thing: one table from every spelling met to the kinds of MAIL_EVENTS."""

from __future__ import annotations

import re

# An address of which one of these is told takes nothing more from us.
DEADLY = ("hard_bounce", "blocked", "complaint", "unsubscribed")

# Spellings without case, dashes, underscores and spaces: « hard_bounce », « hardBounce », « Hard-Bounce » are one.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "delivered": ("delivered", "delivery"),
    "deferred": ("deferred", "deferral", "delayed", "delay", "deliverydelay", "deliverydelayed"),
    "soft_bounce": ("softbounce", "softbounced", "bouncesoft", "transientbounce", "temporaryfail", "temporaryfailure"),
    "hard_bounce": (
        "hardbounce", "hardbounced", "bouncehard", "bounce", "bounced", "permanentbounce", "permanentfail",
        "permanentfailure", "invalid", "invalidemail",
    ),
    "blocked": ("blocked", "block", "blocklisted", "blacklisted", "rejected", "reject"),
    "complaint": ("complaint", "complained", "spam", "spamreport", "spamcomplaint", "abuse"),
    "unsubscribed": ("unsubscribed", "unsubscribe", "listunsubscribe", "groupunsubscribe", "optout"),
}  # fmt: skip
_KINDS = {spelling: kind for kind, spellings in _SPELLINGS.items() for spelling in spellings}

# RFC 3463: the address itself is wrong (5.1), or its mailbox is closed (5.2.1). 5.1.7 and 5.1.8 are about the sender.
_OF_THE_ADDRESS = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")
_FULL = ("5.2.2",)


def kind_of(spelling: str) -> str | None:
    """Return the kind that a relay's word stands for; None for one that we do not follow (opened, clicked…) or know."""
    return _KINDS.get(re.sub(r"[-_\s]+", "", spelling).lower())


def of_refusal(code: int | None, status: str | None) -> str | None:
    """Return what a permanent SMTP refusal of the recipient says of their address; None when it says nothing of it.

    `status`: the enhanced code of RFC 3463, where the server gives one: « 550 5.7.1 » refuses us, not the address.
    """
    if status is not None:
        return "hard_bounce" if status in _OF_THE_ADDRESS else "soft_bounce" if status in _FULL else None
    return {550: "hard_bounce", 551: "hard_bounce", 553: "hard_bounce", 552: "soft_bounce"}.get(code or 0)
