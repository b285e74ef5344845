"""Slots that a personal page lets its person take for the request they already made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask import url_for

from rdv.web.public.reading import Reading
from rdv.web.public.shown import ShownSlot


def take_links(reading: Reading, shown: Sequence[ShownSlot]) -> list[ShownSlot]:
    """Return slots as links to the page where one button takes them for this request."""
    return [
        replace(slot, href=url_for("public.take_slot", token=reading.token, public_id=slot.public_id)) for slot in shown
    ]
