"""Calendars as bytes (RFC 5545): given data, queries nothing, and the same data always gives the same bytes."""

from rdv.ical.events import MEDIA_TYPE as MEDIA_TYPE
from rdv.ical.events import RENDERING_VERSION as RENDERING_VERSION
from rdv.ical.events import AllDay as AllDay
from rdv.ical.events import Meeting as Meeting
from rdv.ical.events import video as video
from rdv.ical.events import where as where
from rdv.ical.files import booking_file as booking_file
from rdv.ical.files import calendar as calendar
from rdv.ical.files import event as event
from rdv.ical.files import file as file
from rdv.ical.files import joined as joined
from rdv.ical.invitations import Organizer as Organizer
from rdv.ical.invitations import invitation as invitation
from rdv.ical.invitations import method_of as method_of
from rdv.ical.invitations import of_booking as of_booking
