"""What answers HTTP, one folder an audience."""

from __future__ import annotations

from flask import Flask

from rdv import extensions
from rdv.web import (
    access,
    admin,
    api,
    assets,
    cfa_link,
    devmail,
    error_pages,
    feeds,
    filters,
    headers,
    health,
    public,
    staff,
)


def register(app: Flask) -> None:
    """Bind blueprints, headers, error pages and template filters."""
    for module in (
        assets,
        filters,
        access,
        headers,
        error_pages,
        health,
        public,
        cfa_link,
        staff,
        feeds,
        api,
        admin,
        devmail,
    ):
        module.register(app)
    for cookieless in (public.bp, cfa_link.bp, feeds.bp, api.bp):
        # Their forms carry a signed token (rdv.web.forms): CSRFProtect's would set a cookie.
        extensions.csrf.exempt(cookieless)
