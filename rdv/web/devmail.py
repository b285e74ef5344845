"""The outbox as pages, in development only: what people would receive, without a mailbox nor a telephone."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, make_response, render_template, url_for

from rdv import french
from rdv.db import db
from rdv.errors import NotFound
from rdv.models import OutgoingMail, OutgoingSms

SHOWN = 100
STATUSES = {
    "pending": ("En attente", "info"),
    "sent": ("Envoyé", "success"),
    "dropped": ("Sans objet", None),
    "failed": ("En échec", "error"),
}
_SANDBOX = "sandbox allow-popups allow-top-navigation-by-user-activation"
# The mail's own inline styles need it; nothing else is loaded, and no script runs.
_MAIL_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; {_SANDBOX}"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

bp = Blueprint("devmail", __name__, url_prefix="/boite-envoi")


@bp.get("")
def outbox() -> str:
    """List the last mails and text messages."""
    mails = db.session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(SHOWN))
    texts = db.session.scalars(sa.select(OutgoingSms).order_by(OutgoingSms.id.desc()).limit(SHOWN))
    return render_template(
        "development/outbox.html", mails=[_shown(row) for row in mails], texts=[_shown_text(row) for row in texts]
    )


@bp.get("/<public_id>")
def mail(public_id: str) -> Response:
    """Show one mail: headers, HTML part in a frame, text part."""
    row = _get(public_id)
    message = _message(row)
    page = make_response(
        render_template(
            "development/mail.html",
            mail=_shown(row),
            headers=[(name, str(message[name])) for name in ("From", "Reply-To", "Date", "Message-ID")]
            if message
            else [],
            text=_part(message, "plain") if message else "",
            frame=url_for("devmail.frame", public_id=public_id) if message else None,
        )
    )
    page.headers["Content-Security-Policy"] = _PAGE_POLICY
    return page


@bp.get("/<public_id>/html")
def frame(public_id: str) -> Response:
    """Answer the HTML part alone; its links open in the whole window."""
    message = _message(_get(public_id))
    if message is None:
        raise NotFound
    page = make_response(_part(message, "html").replace("<head>", '<head><base target="_top">', 1))
    page.headers["Content-Security-Policy"] = _MAIL_POLICY
    return page


def _get(public_id: str) -> OutgoingMail:
    found = db.session.scalar(sa.select(OutgoingMail).where(OutgoingMail.public_id == public_id))
    if found is None:
        raise NotFound
    return found


def _shown(row: OutgoingMail) -> dict[str, str | None]:
    label, colour = STATUSES[row.status]
    return {
        "subject": row.subject or "Pas encore rédigé",
        "kind": row.kind,
        "to": row.to_email,
        "state": label,
        "colour": colour,
        "when": french.moment(row.sent_at or row.created_at),
        "error": row.last_error,
        "href": url_for("devmail.mail", public_id=row.public_id),
    }


def _shown_text(row: OutgoingSms) -> dict[str, str | None]:
    label, colour = STATUSES[row.status]
    return {
        "text": row.text or "Pas encore rédigé",
        "kind": row.kind,
        "to": french.phone(row.to_phone),
        "state": label,
        "colour": colour,
        "when": french.moment(row.sent_at or row.created_at),
    }


def _message(row: OutgoingMail) -> EmailMessage | None:
    if row.message_bytes is None:
        return None
    message = message_from_bytes(row.message_bytes, policy=SMTP)
    return message if isinstance(message, EmailMessage) else None


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body else ""


def register(app: Flask) -> None:
    """Bind the pages, in development and in tests; production does not even have their addresses."""
    if app.config["RDV"].env in ("development", "test"):
        app.register_blueprint(bp)
