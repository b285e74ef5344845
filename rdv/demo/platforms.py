"""Every state of a platform, for the three centres of the demonstration; no mail of it is written."""

from __future__ import annotations

from datetime import datetime, timedelta

from rdv import directory
from rdv.db import db
from rdv.demo.people import DEUX_RIVES, RAVINE, VERGER
from rdv.models import Cfa, CfaDomain, PlatformConsent, PlatformSite

# Of each centre, by platform: the state, who decided, and days since the invitation.
SAID: dict[str, dict[str, tuple[str, str | None, int]]] = {
    DEUX_RIVES: {
        "lba": ("active", "silence", 40), "jeune_1_solution": ("active", "silence", 40), "onisep": ("active", "silence", 40),
        "parcoursup": ("invited", None, 6), "affelnet": ("refused", "link", 4), "cfa": ("active", "manager", 12),
    },
    RAVINE: {
        "lba": ("invited", None, 5), "jeune_1_solution": ("invited", None, 5), "onisep": ("invited", None, 5),
        "parcoursup": ("active", "link", 60), "carif_oref": ("refused", "manager", 20),
    },
    VERGER: {
        "lba": ("refused", "link", 25), "jeune_1_solution": ("refused", "link", 25), "onisep": ("refused", "link", 25),
        "parcoursup": ("active", "team", 90),
    },
}  # fmt: skip


def answer(cfas: dict[str, Cfa], now: datetime) -> None:
    """Write what the centres answered, two trainings that Parcoursup lists, a place that hides itself, a site's name."""
    known = {platform.code: platform for platform in directory.platforms()}
    for siret, said in SAID.items():
        cfa = cfas[siret]
        for code, (state, by, days) in said.items():
            invited_at = now - timedelta(days=days)
            waits = state == "invited" and known[code].life_cycle == "opt_out"
            db.session.add(
                PlatformConsent(
                    cfa_id=cfa.id, platform_id=known[code].id, state=state, invited_at=invited_at,
                    activates_at=invited_at + timedelta(days=15) if waits else None, decided_by=by,
                    decided_at=None if state == "invited" else invited_at + timedelta(days=15 if by == "silence" else 2),
                )
            )  # fmt: skip
        for number, training in enumerate(directory.all_trainings_of(cfa)[:2]):
            training.parcoursup_id = training.parcoursup_id or f"99{cfa.id}{number}"
            training.parcoursup_visible = True
    two_banks = cfas[DEUX_RIVES]
    db.session.add(CfaDomain(cfa_id=two_banks.id, host="www.deux-rives.example"))
    db.session.add(
        PlatformSite(site_id=two_banks.sites[-1].id, platform_id=known["jeune_1_solution"].id, shown=False)
    )  # fmt: skip
