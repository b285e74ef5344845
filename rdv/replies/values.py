"""What variables stand for about one request: of the person, the training, the place; fees, rhythm and open days are typed."""

from __future__ import annotations

from rdv import audit, french
from rdv.models import CandidateRequest, Cfa, Training, User
from rdv.replies.variables import SLOTS

# Keys of `reply_values` and the variable of each.
KEPT: dict[str, str] = {"fees": "frais", "rhythm": "rythme", "open_days": "portes ouvertes"}


def values_of(request: CandidateRequest, slots: str | None = None) -> dict[str, str | None]:
    """Return the value of each variable for a request; None or empty: there is none. `slots`: what {créneaux} stands for."""
    site, training, cfa = request.site, request.training, request.cfa
    phone = (site.phone if site else None) or cfa.phone
    place = " – ".join(filter(None, (site.shown_name, site.shown_address))) if site else None
    return {
        "prénom": request.first_name,
        "formation": training.shown_title if training else None,
        "centre": cfa.shown_name,
        "lieu": place,
        "téléphone": french.phone(phone) if phone else None,
        SLOTS: slots,
        **{variable: _typed(key, cfa, training) for key, variable in KEPT.items()},
    }


def _typed(key: str, cfa: Cfa, training: Training | None) -> str | None:
    """A training says otherwise than its centre."""
    own = (training.reply_values or {}).get(key) if training else None
    return own or (cfa.reply_values or {}).get(key)


def set_values(of: Cfa | Training, typed: dict[str, str | None], by: User) -> bool:
    """Keep what the staff typed of a centre, or of one training; an empty value is none. Return whether anything changed."""
    wanted = {key: text for key in KEPT if (text := (typed.get(key) or "").strip())}
    if wanted == (of.reply_values or {}):
        return False
    of.reply_values = wanted
    cfa = of if isinstance(of, Cfa) else of.cfa
    kind = "cfa" if isinstance(of, Cfa) else "training"
    audit.record("reply.values_changed", user=by, cfa=cfa, object_type=kind, object_id=of.public_id)
    return True
