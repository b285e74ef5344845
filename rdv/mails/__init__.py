"""Every kind of mail: how it is written, and when it is no longer worth sending."""

from __future__ import annotations

from rdv.mails import (
    accounts,
    agenda,
    answers,
    calendars,
    candidate,
    candidate_news,
    catalogue,
    cfa,
    day,
    follow_up,
    platforms,
    platforms_heard,
    redirecting,
    reminders,
    rules,
    staff_invitations,
    undelivered,
    waitlist,
    webhooks,
)
from rdv.mails.message import Kind

KINDS: dict[str, Kind] = {
    **candidate.KINDS,
    **candidate_news.KINDS,
    **catalogue.KINDS,
    **agenda.KINDS,
    **cfa.KINDS,
    **accounts.KINDS,
    **answers.KINDS,
    **calendars.KINDS,
    **day.KINDS,
    **follow_up.KINDS,
    **platforms_heard.KINDS,
    **platforms.KINDS,
    **redirecting.KINDS,
    **rules.KINDS,
    **waitlist.KINDS,
    **reminders.KINDS,
    **staff_invitations.KINDS,
    **undelivered.KINDS,
    **webhooks.KINDS,
}
