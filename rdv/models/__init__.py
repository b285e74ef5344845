"""Tables by noun; importing this package knows them all."""

from rdv.models.cfa import Cfa, OpeningHours, Site
from rdv.models.platform import Platform
from rdv.models.request import Booking, CandidateRequest, RequestEvent
from rdv.models.slot import MeetingType, Slot, SlotTraining
from rdv.models.system import AuditEntry, CalendarFeed, JobRun, OutgoingMail, ThrottleCount
from rdv.models.training import Training, TrainingAlias, training_site
from rdv.models.user import Membership, User, membership_site

__all__ = [
    "AuditEntry",
    "Booking",
    "CalendarFeed",
    "CandidateRequest",
    "Cfa",
    "JobRun",
    "MeetingType",
    "Membership",
    "OpeningHours",
    "OutgoingMail",
    "Platform",
    "RequestEvent",
    "Site",
    "Slot",
    "SlotTraining",
    "ThrottleCount",
    "Training",
    "TrainingAlias",
    "User",
    "membership_site",
    "training_site",
]
