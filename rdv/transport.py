"""How stored mails leave: an SMTP relay through Flask-Mail, or files of instance/outbox in development.

Flask-Mail alone knows neither a time-out nor certificate checks (reference/dependencies.md §0.8): `Relay` adds both.
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
from types import TracebackType
from typing import Any

from flask import current_app
from flask_mail import Connection, Message

from rdv import sending
from rdv.mailer import host
from rdv.settings import settings

_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")  # RFC 2034: the enhanced code begins the words
_CLOSING = 421  # RFC 5321 §4.2.3: the relay itself is going away, whatever the mail


class NotSent(sending.NotSent):
    """The mail was not accepted; `str()` is a class and a code, never an address."""

    def __init__(
        self, error: BaseException, code: int | None = None, about_mail: bool = False, words: bytes | str = b""
    ) -> None:
        super().__init__(f"{type(error).__name__} {code}" if code else type(error).__name__)
        self.code = code
        found = _STATUS.match(words.decode("ascii", "replace") if isinstance(words, bytes) else words)
        self.status = found[1] if found else None
        self.about_recipient = isinstance(error, smtplib.SMTPRecipientsRefused)
        # A 5xx about this recipient or this content never heals; one about us (sender, password) can be corrected.
        self.permanent = about_mail and code is not None and code >= 500
        self.relay_down = not about_mail or code == _CLOSING


class StoredMessage(Message):
    """A Flask-Mail message that is the stored bytes, unchanged."""

    def __init__(self, to_email: str, content: bytes) -> None:
        super().__init__(sender=settings().mail_from, recipients=[to_email])
        self.content = content

    def as_bytes(self) -> bytes:
        """Return the bytes as they were stored."""
        return self.content


class Relay(Connection):
    """One SMTP session: every step times out, and TLS refuses a certificate that it cannot verify."""

    def __enter__(self) -> Relay:
        self.host = self.configure_host()  # Flask-Mail stays silent under TESTING; here the setting decides
        self.num_emails = 0
        return self

    def configure_host(self) -> smtplib.SMTP:
        chosen = settings()
        options: dict[str, Any] = {"local_hostname": host(), "timeout": chosen.mail_timeout}
        if chosen.mail_tls == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                chosen.mail_server, chosen.mail_port, context=verified(), **options
            )
        else:
            session = smtplib.SMTP(chosen.mail_server, chosen.mail_port, **options)
        try:
            if chosen.mail_tls == "starttls":
                session.starttls(context=verified())
            if chosen.mail_username:
                session.login(chosen.mail_username, chosen.mail_password)
        except BaseException:
            session.close()
            raise
        return session

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self.host is None:
            return
        try:
            if exc_type is None:
                self.host.quit()
        except (smtplib.SMTPException, OSError):
            pass  # the mail was accepted: a relay that forgets its manners is no reason to send it twice
        finally:
            self.host.close()


def verified() -> ssl.SSLContext:
    """Return a context that checks name and chain, against the private authority of MAIL_CA_FILE when there is one."""
    return ssl.create_default_context(cafile=settings().mail_ca_file or None)


def send(public_id: str, to_email: str, content: bytes) -> None:
    """Hand a mail over, or raise NotSent; nothing else of these bytes is ever changed."""
    if settings().mail_backend == "folder":
        _keep(public_id, content)
        return
    try:
        with Relay(current_app.extensions["mail"]) as relay:
            relay.send(StoredMessage(to_email, content))
    except smtplib.SMTPRecipientsRefused as error:
        (code, words), *_ = error.recipients.values()
        raise NotSent(error, code, about_mail=True, words=words) from None
    except smtplib.SMTPDataError as error:
        raise NotSent(error, error.smtp_code, about_mail=True) from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(error, error.smtp_code) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(error) from None


def _keep(public_id: str, content: bytes) -> None:
    """Write the mail as a file, whole or not at all; a repeat replaces the same file."""
    folder = settings().instance_dir / "outbox"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{public_id}.{os.getpid()}"
    unfinished.write_bytes(content)
    unfinished.replace(folder / f"{public_id}.eml")
