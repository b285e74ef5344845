"""Candidates: pages of trainings and CFAs, booking, callback, message, and each request's own page."""

from __future__ import annotations

from flask import Flask

from rdv.web.public.blueprint import bp

__all__ = ["bp", "register"]


def register(app: Flask) -> None:
    """Bind the blueprint with its views."""
    from rdv.web.public import (  # noqa: F401
        arriving,
        booking,
        cancelling,
        coming,
        contact,
        contacted,
        elsewhere,
        erasing,
        frame,
        information,
        integrating,
        moving,
        origin,
        pages,
        personal,
        redirecting,
        replying,
        resend,
        script,
        short,
        taking,
        waiting,
    )

    app.jinja_env.globals["in_frame"] = origin.in_frame
    app.jinja_env.globals["told_to_frame"] = frame.told
    app.register_blueprint(bp)
