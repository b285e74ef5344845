"""The trainings bookable on a platform, all of them, now or as they were one day."""

from __future__ import annotations

from collections.abc import Iterator

from flask.typing import ResponseReturnValue

from rdv import bookable_lists, clock
from rdv.bookable_lists import Item
from rdv.models import ApiKey
from rdv.web.api.blueprint import bp
from rdv.web.api.v1 import answering, shape
from rdv.web.api.v1.keyed import keyed
from rdv.web.problems import ApiProblem

MOST = 10_000
FRESH = 300  # seconds
NEVER_CHANGES = 24 * 3600


@bp.get("/api/v1/bookable-trainings")
@keyed("trainings:read")
def v1_bookable_trainings(key: ApiKey) -> ResponseReturnValue:
    """The identifiers of the trainings bookable on the platform, a page at a time; `date`: as they were kept that day."""
    limit, after, day = shape.number("limit", 1000, MOST), shape.cursor(), shape.day("date")
    if day is None:
        found: Iterator[Item] | None = bookable_lists.now_on(key.platform, clock.now(), after, limit + 1)
    else:
        found = bookable_lists.of_day(key.platform, day, after, limit + 1)
    if found is None:
        raise ApiProblem("introuvable", "La liste de ce jour n’a pas été gardée.")
    page = list(found)
    following = page[limit - 1]["id"] if len(page) > limit else None
    data = {"date": day.isoformat() if day else None, "trainings": page[:limit], "next": following}
    return answering.read(data, NEVER_CHANGES if day else FRESH)
