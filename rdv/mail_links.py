"""Who opens a request by the link of a mail to its CFA: the address that received it, or a member of the team, while they are.

A link is bound to one request and one of these recipients; it dies when the address changes, when the member leaves, when
the links of the request are revoked, and after sixty days.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from rdv import inbox, links, outbox
from rdv.errors import LinkInvalid, NotFound
from rdv.models import CandidateRequest, User
from rdv.tokens import Link, read_link, recipient_mark


@dataclass(frozen=True)
class Opened:
    """A request as the reader of a mail opens it."""

    request: CandidateRequest
    email: str
    user: User | None  # when the address is that of a member of the team


def open_link(token: str) -> Opened:
    """Return what a link opens, or raise LinkInvalid."""
    link = read_link("answer", token, max_age=links.ANSWER_LINK_SECONDS)
    opened = _recipient(link)
    if link.version != opened.request.link_version:
        raise LinkInvalid
    return opened


def sendable(token: str) -> Opened | None:
    """Return to whom a fresh link may be sent for one that is too old or was revoked: the same address, or nobody.

    Nothing for a request that is over, a member who left, an address that changed, or a link we did not sign.
    """
    try:
        opened = _recipient(read_link("answer", token))
    except LinkInvalid:
        return None
    return opened if opened.request.status != "closed" else None


def send_again(opened: Opened, now: datetime) -> None:
    """Mail a fresh link to the address that the old one was bound to, at most once an hour."""
    request = opened.request
    outbox.enqueue(
        "cfa_link_again", opened.email, f"cfa_link_again:{request.public_id}:{recipient_mark(opened.email)}:{now:%Y%m%d%H}",
        request_id=request.id, cfa_id=request.cfa_id, user_id=opened.user.id if opened.user else None,
    )  # fmt: skip


def _recipient(link: Link) -> Opened:
    try:
        found = inbox.get_by_public_id(link.object_id)
    except NotFound:
        raise LinkInvalid from None
    if found.cfa.closed_at is not None:
        raise LinkInvalid
    members = {user.email.lower(): user for user in inbox.colleagues(found.cfa_id)}
    for email in dict.fromkeys((*([found.recipient_email] if found.recipient_email else []), *members)):
        if hmac.compare_digest(link.recipient, recipient_mark(email)):
            return Opened(found, email, members.get(email.lower()))
    raise LinkInvalid
