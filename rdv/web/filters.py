"""French formats offered to every template."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask

from rdv import french


def mailto(address: str) -> str:
    """Return the link that writes to this address alone: « zoe?bcc=… » is a legal one."""
    return "mailto:" + quote(address, safe="@+")


def register(app: Flask) -> None:
    """Add the filters of rdv.french by their names."""
    for name in (
        "day",
        "short_day",
        "day_of_month",
        "month",
        "clock_time",
        "moment",
        "time_range",
        "duration",
        "number",
        "phone",
        "plural",
    ):
        app.jinja_env.filters[name] = getattr(french, name)
    app.jinja_env.filters["phone_fr"] = french.phone
    app.jinja_env.filters["mailto"] = mailto
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
