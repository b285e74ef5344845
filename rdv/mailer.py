"""From an outbox row to the bytes that travel: headers, one text part, one HTML part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import urlsplit

from flask import current_app

from rdv import clock, ical, links
from rdv.contacts import normalise_email
from rdv.mails import KINDS
from rdv.mails.message import Invitation, Mail
from rdv.models import OutgoingMail
from rdv.settings import settings

SENDER_NAME = "RDV Apprentissage"
_LONGEST_SUBJECT = 200  # characters


@dataclass(frozen=True)
class Rendered:
    """A mail ready to be stored: these bytes are sent, whatever the number of tries."""

    subject: str
    message_id: str
    content: bytes


def render(row: OutgoingMail) -> Rendered:
    """Return the bytes of a mail. Call it once a row: the date, the links and the boundary are of this moment."""
    mail = KINDS[row.kind].render(row)
    subject = re.sub(r"[\r\n\t]+", " ", mail.subject)[:_LONGEST_SUBJECT]
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(SENDER_NAME, addr_spec=settings().mail_from)
    message["To"] = Address(addr_spec=row.to_email)
    # A catalogue's address may hold anything; an odd one must not hold back the candidate's mail.
    message["Reply-To"] = Address(addr_spec=normalise_email(mail.reply_to) or settings().support_email)
    message["Date"] = clock.now()
    message["Message-ID"] = f"<{row.public_id}@{host()}>"
    message["Content-Language"] = "fr"
    # Away messages stay at home (RFC 3834, and Exchange's own header).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text(mail), cte="quoted-printable")
    message.add_alternative(html(mail), subtype="html", cte="quoted-printable")
    if mail.invitation is not None and row.to_email.lower() != settings().mail_from.lower():
        _invite(message, mail.invitation, row.to_email)
    # EmailMessage loses a space between two folded encoded words (« 1er décembreà 14 h »); Header does not.
    first_line = Header(subject, header_name="Subject").encode(linesep="\r\n")
    content = f"Subject: {first_line}\r\n".encode("ascii") + message.as_bytes()
    return Rendered(subject, str(message["Message-ID"]), content)


def _invite(message: EmailMessage, invitation: Invitation, to: str) -> None:
    """Add the invitation as mailboxes look for it (reference/ical.md §2.2): the last alternative, then the same as a file.

    Base64, since relays change the ends of lines of anything else; as `application/ics`, since a second calendar part
    would show it twice.
    """
    content = ical.invitation(invitation.meeting, invitation.organizer, to, clock.now())
    method = ical.method_of(content)
    message.add_alternative(content.decode(), subtype="calendar", cte="base64", params={"method": method})
    message.add_attachment(content, "application", "ics", filename="invitation.ics", params={"name": "invitation.ics"})


def host() -> str:
    """Return the name this service has on the network: right-hand side of message ids, and what SMTP greets with."""
    return urlsplit(settings().public_url).hostname or "localhost"


def text(mail: Mail) -> str:
    """Return the text part."""
    return _filled("mail/message.txt", mail)


def html(mail: Mail) -> str:
    """Return the HTML part."""
    return _filled("mail/message.html", mail)


def _filled(template: str, mail: Mail) -> str:
    # Without Flask's context processors: a mail knows no request, no session, no signed-in person.
    found = current_app.jinja_env.get_template(template)
    return found.render(mail=mail, home_url=links.home(), privacy_url=links.privacy())
