"""Changing what is published: review what a change would meet, decide of each booked slot, carry it out.

Above slots, closures and rules, which know nothing of it. Nobody booked is moved in silence: `review` shows, a person
decides, `apply` does exactly what was seen or raises EditedMeanwhile.
"""

from rdv.changes.apply import CHANGED_MEANWHILE as CHANGED_MEANWHILE
from rdv.changes.apply import Outcome as Outcome
from rdv.changes.apply import Undecided as Undecided
from rdv.changes.apply import apply as apply
from rdv.changes.cancelling import cancel as cancel
from rdv.changes.change import EDITABLE as EDITABLE
from rdv.changes.change import IMPOSSIBLE as IMPOSSIBLE
from rdv.changes.change import SCOPES as SCOPES
from rdv.changes.change import Change as Change
from rdv.changes.change import reached as reached
from rdv.changes.review import CANCEL as CANCEL
from rdv.changes.review import STAY as STAY
from rdv.changes.review import Decision as Decision
from rdv.changes.review import Line as Line
from rdv.changes.review import Person as Person
from rdv.changes.review import Review as Review
from rdv.changes.review import review as review
from rdv.changes.review import seen_of as seen_of
