"""Commands of `flask --app wsgi …`, one file a noun."""

from __future__ import annotations

from flask import Flask

from rdv.cli import accounts, api_keys, catalogue, demo, integrity, mails, requests, worker


def register(app: Flask) -> None:
    """Add every command."""
    for module in (accounts, api_keys, catalogue, demo, integrity, mails, requests, worker):
        module.register(app)
