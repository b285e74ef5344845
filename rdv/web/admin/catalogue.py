"""« Catalogue »: each reading of the national catalogue, what it changed, and the closings that wait for a person's word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from rdv import clock, french
from rdv.catalogue import runs
from rdv.db import db, transaction
from rdv.models import CatalogueChange, CatalogueRun
from rdv.web.admin import words
from rdv.web.admin.base import LAST_PAGE, PageView, current_person

_RUNS = 25  # a page
_CHANGES = 50


@dataclass(frozen=True)
class _Page:
    """Where one is in a long list."""

    number: int
    count: int

    @property
    def is_first(self) -> bool:
        return self.number <= 1

    @property
    def is_last(self) -> bool:
        return self.number >= self.count


@dataclass(frozen=True)
class _Change:
    """One difference as the page shows it."""

    label: str
    key: str | None
    fields: Sequence[tuple[str, str, str]]  # column, before, after


class CataloguePage(PageView):
    """The runs, and one run."""

    @expose()
    def index(self) -> str:
        """Show the runs, the latest first."""
        total = db.session.scalar(sa.select(sa.func.count(CatalogueRun.id))) or 0
        page = _page(total, _RUNS)
        query = sa.select(CatalogueRun).order_by(CatalogueRun.id.desc())
        found = db.session.scalars(query.offset((page.number - 1) * _RUNS).limit(_RUNS)).all()
        return str(self.render("admin/catalogue.html", runs=found, page=page, states=words.CATALOGUE_STATES, told=told))

    @expose("/passage/<public_id>")
    def run(self, public_id: str) -> str:
        """Show one run: where it is, and its differences by kind."""
        found = runs.get(public_id)
        kinds = [
            (kind, words.CATALOGUE_KINDS[kind], found.counts[kind])
            for kind in words.CATALOGUE_KINDS
            if found.counts.get(kind)
        ]
        kind = request.args.get("nature", "")
        if kind not in found.counts:
            kind = kinds[0][0] if kinds else ""
        count = min(found.counts.get(kind, 0), runs.CHANGES_KEPT)
        page = _page(count, _CHANGES)
        query = (
            sa.select(CatalogueChange)
            .where(CatalogueChange.run_id == found.id, CatalogueChange.kind == kind)
            .order_by(CatalogueChange.id)
            .offset((page.number - 1) * _CHANGES)
            .limit(_CHANGES)
        )
        return str(
            self.render(
                "admin/catalogue_run.html", run=found, state=words.CATALOGUE_STATES[found.state], kinds=kinds, kind=kind, page=page,
                changes=[_change(each) for each in db.session.scalars(query)], kept=runs.CHANGES_KEPT,
                steps=words.CATALOGUE_STEPS, may_allow=found.state == "waiting" and found.allowed_at is None,
            )
        )  # fmt: skip

    @expose("/passage/<public_id>/autoriser", methods=("POST",))
    def allow(self, public_id: str) -> ResponseReturnValue:
        """Allow the closings of this run, and no other; the worker does them."""
        try:
            with transaction():
                runs.allow(runs.get(public_id), clock.now(), current_person())
            flash("Retrait autorisé\u00a0: il commence dans la minute, si la source est toujours la même.", "success")
        except runs.NotAllowedAnyMore as refusal:
            flash(refusal.message, "error")
        return redirect(self.get_url(".run", public_id=public_id), 303)


def told(run: CatalogueRun) -> str:
    """« 12 ajoutées, 3 fermées » for what a run did."""
    said = [
        french.plural(run.counts[kind], *forms)
        for kind, forms in words.CATALOGUE_COUNTED.items()
        if run.counts.get(kind)
    ]
    return ", ".join(said) or ("Rien n’a changé" if run.state == "done" else "–")


def _page(total: int, size: int) -> _Page:
    wanted = request.args.get("page", 1, type=int)
    count = max(-(-total // size), 1)
    return _Page(min(max(wanted, 1), count, LAST_PAGE), count)


def _change(change: CatalogueChange) -> _Change:
    return _Change(change.label, change.key, list(_fields(change.fields)))


def _fields(fields: dict[str, list[Any]]) -> Iterator[tuple[str, str, str]]:
    for name, (before, after) in fields.items():
        yield words.catalogue_column(name), _said(before), _said(after)


def _said(value: Any) -> str:
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return "oui" if value else "non"
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)
