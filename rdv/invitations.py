"""Invitations to put a meeting in one's own calendar, that follow it when it moves and when it is cancelled.

To candidates: a part of the mails that tell of it anyway. To the members of the staff who asked for them: mails of their
own, written by comparing what they were sent with what their calendar would show, so that nothing that changes a meeting
has to know of them.
"""

from __future__ import annotations

from rdv import ical
from rdv.models import Cfa
from rdv.settings import settings


def organizer(cfa: Cfa) -> ical.Organizer:
    """Return who invites: the address our mails come from, in the name of a CFA. It never changes, nor is a person's."""
    return ical.Organizer(settings().mail_from, f"{cfa.shown_name} via RDV Apprentissage")
