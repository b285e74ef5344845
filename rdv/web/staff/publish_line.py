"""Slots typed in one line, as the form that they fill."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import wtforms

from rdv.series import quick
from rdv.web.forms import one_line
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.publish_form import PublishForm


class LineForm(StaffForm):
    """Slots in one line, for who types faster than they click."""

    line = wtforms.StringField("En une ligne", filters=[one_line], description=f"Par exemple\u00a0: {quick.EXAMPLE}")


def typed(entry: quick.Entry, begun: PublishForm, csrf_token: str) -> dict[str, Any]:
    """Return what a person would have typed to say what a line says; the rest is what the form began with."""
    values: dict[str, Any] = {
        name: begun[name].data
        for name in (
            "meeting_type",
            "duration",
            "adviser",
            "site",
            "place",
            "room",
            "video_url",
            "training_scope",
            "listed",
        )
    }
    if entry.meeting_type and entry.meeting_type != values["meeting_type"]:
        values |= {
            "meeting_type": entry.meeting_type,
            "duration": None,
            "place": begun.kinds[entry.meeting_type].default_place,
        }
    if entry.site and entry.site != values["site"]:
        values |= {"site": entry.site, "room": None}
    said = {
        "csrf_token": csrf_token, "day": entry.first_day, "weekdays": list(entry.weekdays), "until": entry.last_day,
        "count": entry.count, "every_weeks": entry.every_weeks if entry.every_weeks > 1 else None,
        "duration": entry.minutes, "pause": entry.pause, "capacity": entry.capacity, "adviser": entry.adviser,
        "place": entry.place, "room": entry.room,
    }  # fmt: skip
    for rank, one in enumerate(entry.ranges, 1):
        suffix = "" if rank == 1 else f"_{rank}"
        said |= {"start" + suffix: one.starts, "end" + suffix: one.ends}
    values |= {name: value for name, value in said.items() if value is not None}
    return {name: _as_typed(value) for name, value in values.items() if value is not None}


def _as_typed(value: Any) -> Any:
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return [str(one) for one in value] if isinstance(value, list) else str(value)
