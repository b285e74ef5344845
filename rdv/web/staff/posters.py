"""The poster of a place or of a meeting: an A4 page with a QR code, and the code alone as a file."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import cfa_settings, clock, french, posters, slots
from rdv.errors import NotFound
from rdv.models import Site, Slot
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@bp.get("/equipe/lieux/<public_id>/affiche")
def site_poster(public_id: str) -> ResponseReturnValue:
    """The poster of a place: every way to reach its centre."""
    return _poster(cfa_settings.get_site(current_cfa(), public_id), "staff.site_poster")


@bp.get("/equipe/creneaux/<public_id>/affiche")
def slot_poster(public_id: str) -> ResponseReturnValue:
    """The poster of a meeting: its date, its programme, and its page."""
    return _poster(slots.get_for_cfa(current_cfa().id, public_id), "staff.slot_poster")


def _poster(thing: Site | Slot, endpoint: str) -> ResponseReturnValue:
    typed = request.args.get("nom", "").strip().lower()
    name = posters.tag(typed) if typed else None
    code = segno.make(posters.address(thing, name), error="q", micro=False)
    if wanted := request.args.get("fichier"):
        return _file(code, wanted)
    is_slot = isinstance(thing, Slot)
    query: dict[str, Any] = {"public_id": thing.public_id} | ({"nom": name} if name else {})
    return render_template(
        "staff/poster.html", thing=thing, cfa=current_cfa(), is_slot=is_slot, name=name, typed=typed,
        refused=bool(typed) and name is None, code=code.svg_inline(scale=8, border=4, light="#fff", omitsize=True),
        when=french.moment(thing.starts_at, thing.site.timezone) if isinstance(thing, Slot) else None,
        where=slot_lines.where(thing) if isinstance(thing, Slot) else thing.shown_address,
        address=posters.address(thing, name), came=posters.came(current_cfa(), name or posters.own_tag(thing)),
        svg=url_for(endpoint, fichier="svg", **query), png=url_for(endpoint, fichier="png", **query),
        over=isinstance(thing, Slot) and thing.starts_at <= clock.now(),
        back=url_for("staff.slot", public_id=thing.public_id) if is_slot else url_for("staff.settings"),
    )  # fmt: skip


def _file(code: segno.QRCode, wanted: str) -> ResponseReturnValue:
    """Return the code alone, for a leaflet of one's own; a wide margin and dark on white, as telephones want it."""
    if wanted not in _TYPES:
        raise NotFound("Ce fichier n’existe pas\u00a0: choisissez SVG ou PNG.")
    out = io.BytesIO()
    code.save(out, kind=wanted, scale=20 if wanted == "png" else 10, border=4, light="#fff")
    response = Response(out.getvalue(), mimetype=_TYPES[wanted])
    response.headers["Content-Disposition"] = f'attachment; filename="qr-rendez-vous.{wanted}"'
    return response
