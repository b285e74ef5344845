"""What every admin page has in common: closed by default, read-only by default, audited, in French.

Flask-Admin commits by itself: its POSTs run inside `admin_write()`, and the journal's line is added by its hooks, so
that both are in the same commit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, BaseView
from flask_admin.contrib.sqla import ModelView
from flask_admin.model.base import ViewArgs
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from rdv import audit, clock, french
from rdv.db import admin_write, db, note
from rdv.errors import NotFound
from rdv.models import AuditEntry, User

LAST_PAGE = 1_000_000


def current_person() -> User:
    """Return the signed-in person as a row."""
    person: User = current_user._get_current_object()
    return person


class ServiceTeamOnly:
    """Lets the service team in; sends who has not signed in to the door; shows nothing to the others."""

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated and current_user.is_service_team)

    def inaccessible_callback(self, _name: str, **_arguments: Any) -> ResponseReturnValue:
        if current_user.is_authenticated:
            raise NotFound
        came_for = request.full_path.rstrip("?") if request.method == "GET" else "/admin/"
        return redirect(url_for("staff.sign_in", next=came_for), 303)


class IndexView(ServiceTeamOnly, AdminIndexView):
    """The first page: what needs a person."""


class PageView(ServiceTeamOnly, BaseView):
    """A page of its own, beside the tables."""


def _moment(_view: Any, value: datetime, _name: str = "") -> str:
    return french.moment(value, year=True)


def _yes_no(_view: Any, value: bool, _name: str = "") -> str:
    return "Oui" if value else "Non"


def _nothing(_view: Any, _value: None, _name: str = "") -> str:
    return "–"


class ServiceView(ServiceTeamOnly, ModelView):
    """A table that the service team reads; nothing may be changed unless the view says so."""

    can_create = False
    can_edit = False
    can_delete = False
    can_export = False
    can_view_details = False
    can_set_page_size = False
    page_size = 50
    column_display_actions = True
    column_type_formatters = {datetime: _moment, bool: _yes_no, type(None): _nothing}
    column_type_formatters_detail = column_type_formatters
    action_disallowed_list = ["delete"]  # several at once, without looking at each

    # The column that stands in addresses instead of the sequential key.
    public_key = "public_id"
    # Searches offered as links instead of a field: code → words.
    shortcuts: dict[str, str] = {}
    # Name of the object in the journal.
    noun = ""
    audit_reading = False

    def get_pk_value(self, model: Any) -> str:
        return str(getattr(model, self.public_key, ""))

    def get_one(self, id: str) -> Any:
        column = getattr(self.model, self.public_key)
        return db.session.scalar(sa.select(self.model).where(column == id))

    def _get_list_extra_args(self) -> ViewArgs:
        """Read which page is shown; no database takes a negative or an endless number."""
        wanted = super()._get_list_extra_args()
        wanted.page = min(max(wanted.page, 0), LAST_PAGE)
        return wanted

    def _run_view(self, fn: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if request.method == "POST" and fn.__name__ != "action_view":  # actions open their own transaction
            with admin_write():
                return fn(self, *arguments, **options)
        if self.audit_reading and fn.__name__ in ("details_view", "edit_view"):
            self._note_reading(request.args.get("id"))
        return fn(self, *arguments, **options)

    def _note_reading(self, public_id: str | None) -> None:
        """Tell the journal whose data is opened; a busy database loses the line, never the page."""
        row = self.get_one(public_id) if public_id else None
        if row is None:
            return
        note(
            sa.insert(AuditEntry).values(
                at=clock.now(), user_id=current_person().id, cfa_id=_cfa_id(row), action=f"admin.{self.noun}.read",
                object_type=self.noun, object_id=public_id, data={},
            )
        )  # fmt: skip

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        self._record("created" if is_created else "changed", model, {"fields": _changed(model)})

    def on_model_delete(self, model: Any) -> None:
        self._record("deleted", model, {})

    def _record(self, what: str, model: Any, data: dict[str, Any]) -> None:
        audit.record(
            f"admin.{self.noun}.{what}", user=current_person(), cfa=model if self.noun == "cfa" else None, object_type=self.noun,
            object_id=self.get_pk_value(model), data=data,
        )  # fmt: skip

    def handle_view_exception(self, exc: Exception) -> bool:
        if isinstance(exc, IntegrityError):
            flash("Impossible\u00a0: cette valeur existe déjà, ou quelque chose s’en sert encore.", "error")
            return True
        return bool(super().handle_view_exception(exc))


def _changed(model: Any) -> list[str]:
    """Name what changed, without the values."""
    return sorted(attribute.key for attribute in sa.inspect(model).attrs if attribute.history.has_changes())


def _cfa_id(row: Any) -> int | None:
    return row.id if row.__tablename__ == "cfa" else getattr(row, "cfa_id", None)
