"""The closures of the demonstration, further ahead than its slots so that they hide none."""

from __future__ import annotations

from datetime import datetime, timedelta

from rdv import clock, closing
from rdv.closures import Draft
from rdv.demo.people import COLLEAGUE, DEUX_RIVES, MANAGER
from rdv.models import Cfa, User

HOLIDAYS_IN = timedelta(weeks=6)
TRAINING_IN = timedelta(weeks=4)


def plan(cfas: dict[str, Cfa], users: dict[str, User], now: datetime) -> None:
    """Close a centre for a week, and note the absence of one adviser."""
    cfa, manager, colleague = cfas[DEUX_RIVES], users[MANAGER.email], users[COLLEAGUE.email]
    today = clock.to_zone(now, cfa.sites[0].timezone).date()
    monday = today + HOLIDAYS_IN - timedelta(days=today.weekday())
    closing.create(cfa, Draft(monday, monday + timedelta(days=6), label="Fermeture annuelle"), now, by=manager)
    away = monday - HOLIDAYS_IN + TRAINING_IN + timedelta(days=3)
    closing.create(cfa, Draft(away, away, user=colleague, label="Formation interne"), now, by=colleague)
