"""What every way out of the house says when it could not send."""

from __future__ import annotations


class NotSent(Exception):
    """A message was not accepted; `str()` is a class and a code, never an address nor a number."""

    permanent = False  # the same message will never pass
    relay_down = False  # the other side takes nobody's message now: the others wait too
    about_recipient = False  # this address is refused, rather than the message or us
    code: int | None = None
    status: str | None = None  # RFC 3463: « 5.1.1 »
