from __future__ import annotations

from rdv.web.staff.blueprint import bp


# TEMP
@bp.get("/equipe/profil")
def profile() -> str:
    return ""
