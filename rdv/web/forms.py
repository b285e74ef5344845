"""Forms of pages without account: a signed token and an origin check instead of a cookie (design.md §6).

View: `token = check_post("book", slot.public_id)`; on FormExpired or FormRefused the form is shown again, as typed.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import wtforms
import wtforms.i18n
from flask import current_app, request
from sqlalchemy.exc import OperationalError
from wtforms import validators

from rdv.candidate import Submission
from rdv.contacts import PHONE_HINT, normalise_email, normalise_phone
from rdv.errors import FormRefused
from rdv.settings import settings
from rdv.throttle import Limit, count
from rdv.tokens import FormToken, keyed_hash, read_form
from rdv.web.access import address_prefix

HONEYPOT = "site_web"
_NOT_CONTENT = ("form_token", HONEYPOT)


def check_origin() -> None:
    """Raise FormRefused when the browser says that the form was posted from another site."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise FormRefused
        return
    origin = request.headers.get("Origin")
    if origin and origin != "null":
        own = {urlsplit(settings().public_url).netloc, request.host}
        if urlsplit(origin).netloc not in own:
            raise FormRefused


def check_post(purpose: str, object_id: str) -> FormToken:
    """Return the rendering a posted form comes from; raise FormRefused or FormExpired: show it again as typed."""
    check_origin()
    if request.form.get(HONEYPOT):
        raise FormRefused
    return read_form(purpose, object_id, request.form.get("form_token"))


def check_button(purpose: str, object_id: str) -> FormToken:
    """Return the same of a page that a personal link opens: one click may be all it asks, so no time is needed."""
    check_origin()
    return read_form(purpose, object_id, request.form.get("form_token"), typed=False)


def submission(token: FormToken) -> Submission:
    """Return the identity of this post: a replay is the same rendering sent to the same address with the same content."""
    content = sorted((key, value) for key, value in request.form.items(multi=True) if key not in _NOT_CONTENT)
    return Submission(token.submission_id, keyed_hash("submission", repr((request.full_path, content))))


def count_post(cfa_public_id: str | None, *contacts: str | None) -> None:
    """Count a valid post against the limits of its address, its contacts and its CFA; raise TooManyRequests."""
    address = Limit("post.address", address_prefix(), settings().limit_posts_per_address)
    count([address, *post_limits(cfa_public_id, *contacts)])


def post_limits(cfa_public_id: str | None, *contacts: str | None) -> list[Limit]:
    """Return the limits of what is sent to a centre by or for these contacts, wherever it comes from."""
    config = settings()
    limits = [Limit("post.cfa", cfa_public_id, config.limit_posts_per_cfa)] if cfa_public_id else []
    return limits + [Limit("post.contact", each, config.limit_posts_per_contact) for each in contacts if each]


def count_failed_secret() -> None:
    """Count a wrong link or feed address against its network; raise TooManyRequests. A busy database loses the count."""
    try:
        count([Limit("secret.address", address_prefix(), settings().limit_failed_secrets)])
    except OperationalError as error:
        current_app.logger.warning("failed secret not counted: %s", type(error.orig).__name__)


def tidy(text: str | None) -> str | None:
    """Filter of text fields: no control character, no space around, one line ending."""
    if text is None:
        return None
    kept = "".join(ch for ch in text.replace("\r\n", "\n").replace("\r", "\n") if ch == "\n" or ch >= " ")
    return kept.replace("\x7f", "").strip()


def one_line(text: str | None) -> str | None:
    """Filter of names and titles: `tidy`, on one line."""
    tidied = tidy(text)
    return " ".join(tidied.split()) if tidied is not None else None


class Required(validators.DataRequired):
    """A field that must be filled, with its own sentence."""


class EmailField(wtforms.EmailField):
    """An e-mail address; `normalised` after validation."""

    normalised: str | None = None

    def pre_validate(self, form: Any) -> None:
        self.normalised = normalise_email(self.data) if self.data and self.data.strip() else None
        if self.data and self.data.strip() and self.normalised is None:
            raise validators.StopValidation(
                "Cette adresse électronique semble incorrecte. Exemple : prenom.nom@exemple.fr"
            )


class PhoneField(wtforms.TelField):
    """A phone number that can be called; `normalised` (E.164) after validation."""

    normalised: str | None = None

    def pre_validate(self, form: Any) -> None:
        self.normalised = normalise_phone(self.data) if self.data and self.data.strip() else None
        if self.data and self.data.strip() and self.normalised is None:
            raise validators.StopValidation(f"Ce numéro ne peut pas être appelé. Exemples : {PHONE_HINT}")


class MultiCheckbox(wtforms.SelectMultipleField):
    """Several boxes of which any may be ticked."""

    widget = wtforms.widgets.ListWidget(prefix_label=False)
    option_widget = wtforms.widgets.CheckboxInput()


# What WTForms says by itself of a choice: no next step, and what was posted repeated.
_OF_A_CHOICE = (
    "Not a valid choice.",
    "Invalid Choice: could not coerce.",
    "Invalid choice(s): one or more data inputs could not be coerced.",
    "'%(value)s' is not a valid choice for this field.",
)
CHOOSE = "Choisissez une valeur de la liste."


class Sentences:
    """What the library says by itself: ours for a choice, else its French with our apostrophe."""

    def __init__(self) -> None:
        self._library = wtforms.i18n.get_translations(["fr"])

    def gettext(self, text: str) -> str:
        return CHOOSE if text in _OF_A_CHOICE else str(self._library.gettext(text)).replace("'", "’")

    def ngettext(self, one: str, many: str, count: int) -> str:
        return CHOOSE if one in _OF_A_CHOICE else str(self._library.ngettext(one, many, count)).replace("'", "’")


SENTENCES = Sentences()


class PublicForm(wtforms.Form):
    """Base of forms without account: WTForms alone, its messages in French."""

    class Meta:
        def get_translations(self, form: Any) -> Sentences:
            return SENTENCES
