from __future__ import annotations

from rdv.web.staff.blueprint import bp


# TEMP
@bp.route("/equipe/changer-de-centre", methods=["GET", "POST"])
def switch_cfa() -> str:
    return ""
