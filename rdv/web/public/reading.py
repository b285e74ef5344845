"""A personal link that somebody opened: whose request it is, and which of its two people reads."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from rdv import asker, clock, inbox, redirecting
from rdv.errors import LinkInvalid, NotFound
from rdv.models import Booking, CandidateRequest, RequestEvent
from rdv.tokens import check_recipient, read_link
from rdv.web.public import frame


@dataclass(frozen=True)
class Reading:
    """What a valid link opens."""

    request: CandidateRequest
    token: str
    is_asker: bool  # read by the parent or helper who gave their own contact

    @property
    def held(self) -> Booking:
        """The booking of this request, or raise LinkInvalid: it has none."""
        if self.request.booking is None:
            raise LinkInvalid
        return self.request.booking

    @property
    def can_change(self) -> bool:
        """True while the meeting can be moved, cancelled or confirmed: booked, and not begun."""
        held = self.request.booking
        return held is not None and held.status == "booked" and held.slot.starts_at > clock.now()

    @property
    def other(self) -> str:
        """The other of the two people, within a sentence."""
        if self.is_asker:
            return self.request.first_name
        return self.request.asker_first_name or "la personne qui a fait la demande"

    def acted(self, event: RequestEvent) -> bool:
        """Say whether this reader did what an event tells."""
        return event.actor == "candidate" and asker.acted(event) == self.is_asker

    def back(self) -> ResponseReturnValue:
        """Lead to the personal page (303: a reload posts nothing)."""
        return redirect(url_for("public.personal", token=self.token), 303)


def open_link(token: str) -> Reading:
    """Return what a personal link opens, or raise LinkInvalid: forged, of another purpose, revoked, or erased.

    The link of a request that was passed on opens the one that continues it.
    """
    link = read_link("personal", token)
    try:
        found = inbox.get_by_public_id(link.object_id)
    except NotFound:
        raise LinkInvalid from None
    recipient = check_recipient(link, asker.contacts(found), found.link_version)
    found = redirecting.followed(found, recipient)
    frame.belongs_to(found.cfa)
    return Reading(found, token, asker.reads(found, recipient))
