"""The configuration of the running application, typed."""

from __future__ import annotations

from flask import current_app

from config import Config


def settings() -> Config:
    """Return the configuration of the current application."""
    config: Config = current_app.config["RDV"]
    return config
