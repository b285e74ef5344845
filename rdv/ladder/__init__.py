"""No candidate left without an answer: reminders, then the truth, then other centres; each rung decided when it is due.

`candidate_request.follow_up_at` says when to look at a request again, nothing more: what is due then is read from its
thread, the hours and closures of its place, and its people, as they are at that instant.
"""

from __future__ import annotations

from rdv.ladder import digest as digest
from rdv.ladder import history as history
from rdv.ladder.contact import TOLD as TOLD
from rdv.ladder.contact import may_say as may_say
from rdv.ladder.contact import reachable as reachable
from rdv.ladder.contact import say as say
from rdv.ladder.elsewhere import can_send as can_send
from rdv.ladder.elsewhere import send as send
from rdv.ladder.looking import TEAM as TEAM
from rdv.ladder.looking import look as look
from rdv.ladder.looking import to_look as to_look
from rdv.ladder.quiet import QUIET as QUIET
from rdv.ladder.times import Pace as Pace
from rdv.ladder.times import pace_of as pace_of
from rdv.ladder.truth import calls as calls
from rdv.ladder.truth import promised as promised
from rdv.ladder.truth import what_happened as what_happened
