"""The inbox: every request of the CFA, filtered by the address, searched by a post, page after page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, french, inbox, links
from rdv.models import CandidateRequest
from rdv.web import request_lines
from rdv.web.staff import list_left
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_membership
from rdv.web.staff.request_filters import FilterForm, SearchForm

NUMBERS = (
    ("late", "En retard"), ("due_today", "Attendues aujourd’hui"), ("calls", "Appels prévus aujourd’hui"),
    ("reachable", "Joignables maintenant"),
)  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """What a page of the list says above it, once something was refused or left out."""

    kind: str  # of an alert
    title: str
    text: str | None = None


def filters() -> FilterForm:
    """Return the filters of the address."""
    form = FilterForm(request.args)
    cfa = current_cfa()
    form.offer(cfa, inbox.colleagues(cfa.id), current_membership(), clock.now())
    return form


@bp.get("/equipe/demandes", endpoint="requests")
def request_list() -> ResponseReturnValue:
    """Show the requests, most urgent first; the filters stand in the address."""
    return show(filters(), checked=None if "tout" in request.args else ())


@bp.post("/equipe/demandes")
def search_requests() -> ResponseReturnValue:
    """Look for a person in every request of the CFA; nothing is written, and no address keeps the words."""
    search = SearchForm()
    if not search.validate():
        return show(filters(), search=search), 400
    return show(filters(), search=search, checked=None if "tout" in request.form else ())


def show(
    form: FilterForm,
    *,
    search: SearchForm | None = None,
    checked: Collection[str] | None = (),
    notices: Sequence[Notice] = (),
) -> str:
    """Return the page of the list, or of what was searched; `checked`: the boxes that are ticked, None for all."""
    cfa, now = current_cfa(), clock.now()
    searched = search.text.data if search is not None and not search.errors else None
    wanted = inbox.Filter(text=searched) if searched else form.wanted()
    cursors = {name: _cursor(request.values.get(name), now) for name in ("apres", "avant")}
    if search is not None and search.errors:
        found = inbox.Page([], None, None)
    else:
        found = inbox.page(cfa.id, wanted, now, cursors["apres"], before=cursors["avant"])
    counted = form.counted() if search is None else {}
    numbers = inbox.counts(cfa.id, counted, now) if counted else {}
    addresses = form.numbered()
    pages: dict[str, Any] = {name: request.args.get(name) for name in cursors}
    left = list_left.opened_from(form.address(**pages))
    return render_template(
        "staff/requests.html",
        form=search or SearchForm(formdata=None),
        filters=form,
        colleagues=form.suivi.choices,
        states=[
            (
                label,
                href,
                current,
                inbox.in_words(numbers[name]) if (name := STATE_NUMBERS.get(word, "")) in numbers else None,
            )
            for word, label, href, current in form.states()
        ],
        shortcuts=[
            (label, addresses[name], inbox.in_words(numbers[name], counted[name]), _shown(form, name))
            for name, label in NUMBERS
            if numbers.get(name) or _shown(form, name)
        ],
        searched=searched,
        is_search=search is not None,
        items=[
            request_lines.row(
                each,
                now,
                url_for("staff.request_detail", public_id=each.public_id, **left),
                current_membership().user_id,
            )
            for each in found.rows
        ],
        checked={row.public_id for row in found.rows} if checked is None else set(checked),
        previous=_opaque(found.previous),
        following=_opaque(found.following),
        paged=any(cursors.values()),
        acts_url=form.address("staff.act_on_requests", **{name: request.args.get(name) for name in ("apres", "avant")}),
        latest=latest(cfa.id, now) if not found.rows and search is None else None,
        notices=notices,
        public_url=links.cfa(cfa),
    )


STATE_NUMBERS = {"a-traiter": "todo", "en-attente": "waiting"}


def _shown(form: FilterForm, name: str) -> bool:
    chosen = {
        "late": form.retard.data, "due_today": form.jour.data, "calls": form.appels.data == "jour",
        "reachable": form.joignable.data,
    }  # fmt: skip
    return bool(chosen[name])


def latest(cfa_id: int, now: datetime) -> str | None:
    """« il y a 3 heures »: when the last request of the CFA arrived; None when none ever did."""
    at = inbox.latest(cfa_id)
    return f"il y a {french.elapsed(now - at)}" if at else None


def _opaque(cursor: inbox.Cursor | None) -> str | None:
    if cursor is None:
        return None
    at = cursor.at.isoformat() if cursor.at else "-"
    plain = f"{cursor.part} {at} {cursor.public_id} {cursor.as_of.isoformat()}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _cursor(text: str | None, now: datetime) -> inbox.Cursor | None:
    """Read where a page begins; an address that makes no sense shows the first page."""
    try:
        plain = base64.urlsafe_b64decode((text or "") + "=" * (-len(text or "") % 4)).decode()
        part, at, public_id, as_of = plain.split(" ")
        place = int(part)
        if not (0 <= place < 8 and public_id.isalnum()):
            return None
        return inbox.Cursor(place, None if at == "-" else _instant(at), public_id, _instant(as_of))
    except (binascii.Error, ValueError, OverflowError):
        return None


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None or not 2000 <= found.year <= 9000:
        raise ValueError("an instant of another age")
    return found.astimezone(UTC)


def of_posted(cfa_id: int, public_ids: Sequence[str]) -> dict[str, CandidateRequest]:
    """Return the requests of this CFA that a form names, by public identifier, in its order."""
    found = {each.public_id: each for each in inbox.chosen(cfa_id, public_ids)}
    return {public_id: found[public_id] for public_id in public_ids if public_id in found}
