"""Advisers and managers of CFAs: their account, their requests, their agenda."""

from __future__ import annotations

from flask import Flask

from rdv import extensions
from rdv.web.staff import (  # noqa: F401  each attaches its views to the blueprint
    activation,
    agenda,
    auth,
    book_for,
    bookings,
    change_slots,
    choose_slot,
    closure_meetings,
    closures,
    copy_week,
    dashboard,
    day,
    diagnosis,
    erased,
    feeds,
    figures,
    figures_files,
    hand_over,
    meeting_types,
    member_notices,
    platforms,
    posters,
    profile,
    publish,
    redirecting,
    replies,
    request_bulk,
    request_list,
    request_presence,
    requests,
    rules,
    series,
    setting_up,
    settings,
    slots,
    switch,
    team,
    training_settings,
)
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import load_user

__all__ = ["bp", "register"]


def register(app: Flask) -> None:
    """Bind the blueprint and the reading of sessions."""
    extensions.login_manager.user_loader(load_user)
    app.register_blueprint(bp)
