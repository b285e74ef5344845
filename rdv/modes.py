"""Which ways of contact a CFA keeps open: for a training, else for its place, else for the whole centre."""

from __future__ import annotations

from rdv.models import Cfa, Site, Training

MODES = ("callback", "message")  # a slot is open as soon as it is published


def is_open(mode: str, cfa: Cfa, site: Site | None = None, training: Training | None = None) -> bool:
    """Say whether « callback » or « message » is open there; never in a centre that was closed.

    The nearest choice wins: a training's, else its place's, else the centre's. None means no choice at that level.
    """
    if cfa.closed_at is not None:
        return False
    for place in (training, site):
        chosen = choice(mode, place) if place is not None else None
        if chosen is not None:
            return chosen
    return bool(choice(mode, cfa))


def choice(mode: str, place: Cfa | Site | Training) -> bool | None:
    """Return what was chosen at one level for a mode."""
    chosen: bool | None = place.callback_open if mode == "callback" else place.message_open
    return chosen
