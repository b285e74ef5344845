"""The figures of a platform, by week or by month."""

from __future__ import annotations

from datetime import timedelta

from flask.typing import ResponseReturnValue

from rdv import clock, platform_figures
from rdv.models import ApiKey
from rdv.web.api.blueprint import bp
from rdv.web.api.v1 import answering, shape
from rdv.web.api.v1.keyed import keyed


@bp.get("/api/v1/statistics")
@keyed("statistics:read")
def v1_statistics(key: ApiKey) -> ResponseReturnValue:
    """What the platform sent and how it was answered; how often its pages were seen is not known here: null."""
    by = shape.word("by", ("week", "month"), "week")
    last = shape.day_or("to", clock.to_zone(clock.now(), clock.PARIS).date())
    first = shape.day_or("from", last - timedelta(weeks=12))
    if not first <= last <= first + platform_figures.LONGEST:
        raise shape.wrong(
            "from",
            f"un jour avant «\u00a0to\u00a0», {platform_figures.LONGEST.days} jours au plus, est attendu",
        )
    found = platform_figures.periods(key.platform, first, last, by)
    return answering.read(
        {
            "by": by,
            "periods": [
                {
                    "from": each.first.isoformat(), "views": None, "requests": each.requests, "bookings": each.bookings,
                    "answered": each.answered, "median_answer_minutes": each.median,
                }
                for each in found
            ],
        },
        300,
    )  # fmt: skip
