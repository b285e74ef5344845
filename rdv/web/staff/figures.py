"""« Chiffres »: how requests are answered and meetings held, for the centre and part by part."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, permissions, stats
from rdv.web.staff import figures_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_membership, current_person
from rdv.web.staff.figures_form import PARTS, PERIODS, of_address


@bp.get("/equipe/chiffres")
def figures() -> ResponseReturnValue:
    """Show the figures of the period and filters of the address; an adviser sees the centre, and their own line."""
    now, cfa = clock.now(), current_cfa()
    form = of_address(request.args, cfa)
    filters = form.filters
    total = stats.total(filters, now)
    months = stats.trend(form.trend, now)
    by = PARTS[form.par.data]
    arrived_words, delays_words = figures_lines.said(months)
    missing: dict[str, Any] = {"sans-suite": 1}
    return render_template(
        "staff/figures.html",
        form=form,
        periods=[
            (label, form.address(periode=word, du=None, au=None), word == form.periode.data)
            for word, label in PERIODS.items()
            if word != "dates"
        ],
        dates=form.dates(),
        answers=figures_lines.answers(total, url_for("staff.requests")),
        path=figures_lines.path(total),
        meetings=figures_lines.meetings(total, url_for("staff.day", **missing)),
        months=months,
        arrived=figures_lines.arrived(months),
        arrived_words=arrived_words,
        delays=figures_lines.delays(months),
        delays_words=delays_words,
        by=by,
        parts=[
            (stats.DIMENSION_LABELS[part], form.address(par=word, _anchor="repartition"), part == by)
            for word, part in PARTS.items()
        ],
        lines=stats.lines(filters, by, now, only_user_id()) if by == "adviser" else stats.lines(filters, by, now),
        longest=stats.LONGEST_LINES,
        sees_colleagues=sees_colleagues(),
        definitions=stats.DEFINITIONS,
        most=stats.MOST,
        listed=total.received.people,
        waited=figures_lines.waited,
        share=figures_lines.share,
    )


def sees_colleagues() -> bool:
    """Say whether this person reads the figures of each adviser."""
    return permissions.can_compare_advisers(current_membership())


def only_user_id() -> int | None:
    """Return whose line alone this person reads among the advisers'; None: everybody's."""
    return None if sees_colleagues() else current_person().id
