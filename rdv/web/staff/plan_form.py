"""What a page posts of a preview: which slots are ticked, what it had shown, an overlap accepted or not."""

from __future__ import annotations

from collections.abc import Sequence

import wtforms

from rdv import series
from rdv.web.forms import MultiCheckbox
from rdv.web.staff.forms import StaffForm

# Buttons that tick again: the kinds of conflict that each leaves out.
TICKS: dict[str, tuple[str, ...]] = {
    "tick-all": (),
    "tick-no-holiday": ("holiday",),
    "tick-clear": ("holiday", "closure", "overlap", "twin", "near"),
}


class PlanForm(StaffForm):
    """Base of the forms that publish what they have shown."""

    seen = wtforms.HiddenField()
    keep = MultiCheckbox("Créneaux", validate_choice=False)
    allow_overlap = wtforms.BooleanField("Publier quand même, malgré le chevauchement")

    def ticked(self, found: Sequence[series.Occurrence], action: str | None) -> set[str]:
        """Return the keys to tick: those of a button, those posted while the slots are the same, else those advised."""
        if action in TICKS:
            return series.without(found, *TICKS[action])
        if series.same_slots(self.seen.data or "", found):
            return set(self.keep.data or [])
        return series.advised(found)
