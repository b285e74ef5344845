from __future__ import annotations

from rdv.web.staff.blueprint import bp


# TEMP: the owner of this module replaces it; the staff layout links to it.
@bp.get("/equipe/reglages")
def settings() -> str:
    return ""
