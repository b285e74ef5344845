"""« Santé des plateformes »: what each sends, week by week, and what its keys were refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_admin import expose

from rdv import api_keys, clock, french, platform_health
from rdv.models import ApiKey
from rdv.web import chart
from rdv.web.admin import base


@dataclass(frozen=True)
class _Line:
    """One platform as the page shows it."""

    health: platform_health.Health
    state: str
    is_late: bool
    picture: chart.Chart | None
    weeks: Sequence[tuple[str, int]]
    keys: Sequence[_KeyLine]


@dataclass(frozen=True)
class _KeyLine:
    """One key that works, with what it was refused in the last week."""

    key: ApiKey
    until: datetime | None  # ends soon
    refused: Sequence[platform_health.Refused]


class PlatformHealthPage(base.PageView):
    """The page."""

    @expose()
    def index(self) -> str:
        """Show every platform, those that fell silent first."""
        now = clock.now()
        days = platform_health.mondays(now)
        keys = _keys(now)
        lines = [_line(each, days, keys.get(each.platform.id, [])) for each in platform_health.every(now)]
        lines.sort(key=lambda line: not line.is_late)
        return str(self.render("admin/platform_health.html", lines=lines))


def _keys(now: datetime) -> dict[int, list[_KeyLine]]:
    refused = platform_health.refusals(now)
    found: dict[int, list[_KeyLine]] = {}
    for key in api_keys.every():
        if api_keys.state(key, now) in ("live", "replaced") or key.id in refused:
            until = key.expires_at if platform_health.expires_soon(key, now) else None
            found.setdefault(key.platform_id, []).append(_KeyLine(key, until, refused.get(key.id, [])))
    return found


def _line(health: platform_health.Health, days: Sequence[date], keys: Sequence[_KeyLine]) -> _Line:
    picture = None
    if any(health.weeks):
        # « 14/9 »: twelve of them fit under the bars; the table beside says the day in full.
        columns = [
            (f"{day.day}/{day.month}", [("solid", float(count))], str(count))
            for day, count in zip(days, health.weeks, strict=True)
        ]
        picture = chart.bars(columns)
    weeks = [(french.day_of_month(day, year=False), count) for day, count in zip(days, health.weeks, strict=True)]
    return _Line(health, _state(health), health.silence is not None, picture, weeks, keys)


def _state(health: platform_health.Health) -> str:
    if not health.platform.active:
        return "Arrêtée\u00a0: rien n’y est montré."
    if health.last_at is None:
        return "Aucune demande n’en est encore venue."
    last = french.moment(health.last_at, year=True)
    if health.silence is not None:
        return (
            f"Silencieuse depuis {last}\u00a0: environ {french.plural(health.silence.expected, 'demande attendue', 'demandes attendues')} "
            "quand l’équipe en a été prévenue."
        )
    return f"Dernière demande\u00a0: {last}."
