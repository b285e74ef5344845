"""What a CFA decides of online booking: notice, horizon, opening date, pause, most meetings, platforms (BookingRule).

A rule is read when slots are published or when it changes, and written on the slots as instants (`opens_at`,
`closes_at`) and `day_full`: lists and the guard of the public (`rdv.seats.bookable`) then read the slot alone.
The trainings that a slot is for are chosen when it is published: a rule adds nothing there.
"""

from rdv.rules.booking import PlatformClosed as PlatformClosed
from rdv.rules.booking import TooManyBookings as TooManyBookings
from rdv.rules.booking import before_booking as before_booking
from rdv.rules.booking import before_waiting as before_waiting
from rdv.rules.booking import coming_bookings as coming_bookings
from rdv.rules.booking import with_rules as with_rules
from rdv.rules.changing import Draft as Draft
from rdv.rules.changing import Saved as Saved
from rdv.rules.changing import coming_slots as coming_slots
from rdv.rules.changing import concerned as concerned
from rdv.rules.changing import get as get
from rdv.rules.changing import save as save
from rdv.rules.days import before_seat as before_seat
from rdv.rules.days import day_changed as day_changed
from rdv.rules.days import lock_advisers as lock_advisers
from rdv.rules.days import recount as recount
from rdv.rules.platforms import OWN_PAGE as OWN_PAGE
from rdv.rules.platforms import open_to as open_to
from rdv.rules.platforms import shown_by_any as shown_by_any
from rdv.rules.platforms import shown_on as shown_on
from rdv.rules.rulebook import NO_RULE as NO_RULE
from rdv.rules.rulebook import Effective as Effective
from rdv.rules.rulebook import Rulebook as Rulebook
from rdv.rules.rulebook import effective as effective
from rdv.rules.rulebook import pause as pause
from rdv.rules.rulebook import rulebook as rulebook
from rdv.rules.stamping import stamp as stamp
