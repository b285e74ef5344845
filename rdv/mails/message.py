"""What a mail says, before any format: data that the one text and the one HTML template show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rdv import ical
from rdv.models import OutgoingMail

Fact = tuple[str, str]  # label, value
Link = tuple[str, str]  # label, address
Row = TypeVar("Row")


@dataclass(frozen=True)
class Invitation:
    """A meeting for the calendar of a mail's reader; a cancelled one is taken out of it."""

    meeting: ical.Meeting
    organizer: ical.Organizer


@dataclass(frozen=True)
class Mail:
    """A mail as data; every text is final French, addresses are absolute."""

    subject: str
    paragraphs: tuple[str, ...]
    footer_reason: str  # why this person receives it
    greeting: str = "Bonjour,"
    preheader: str = ""  # shown by mailboxes beside the subject
    quote: str = ""  # words of a person, kept as they were written
    facts: tuple[Fact, ...] = ()
    choices: tuple[Link, ...] = ()  # equal buttons: dates to take
    button: Link | None = None
    outcomes: tuple[Link, ...] = ()  # what the reader may have done: a row of small buttons
    after: tuple[str, ...] = ()  # what happens next
    links: tuple[Link, ...] = ()
    reply_to: str | None = None  # None: the support address
    invitation: Invitation | None = None  # what the mailbox puts in the reader's calendar, or takes out of it


@dataclass(frozen=True)
class Kind:
    """How a kind of mail is written, and whether it still makes sense at the moment it would leave."""

    render: Callable[[OutgoingMail], Mail]
    still_due: Callable[[OutgoingMail, datetime], bool]
    call_instead: bool = False  # when it cannot be delivered, and nothing else can, somebody must call
    written: bool = False  # somebody's own words: the limit of automatic mails does not hold them back


def facts(*pairs: tuple[str, str | None]) -> tuple[Fact, ...]:
    """Return the pairs that have a value."""
    return tuple((label, value.strip()) for label, value in pairs if value and value.strip())


def named(row: Row | None) -> Row:
    """Return the row that a kind of mail is about, or raise LookupError: it was enqueued without it."""
    if row is None:
        raise LookupError("this kind of mail was enqueued without the row it tells about")
    return row


def always(_row: OutgoingMail, _now: datetime) -> bool:
    """Due whatever happens: what it tells stays true."""
    return True
