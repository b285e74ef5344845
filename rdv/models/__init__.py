"""Tables by noun; importing this package knows them all."""

from rdv.models.api import ApiAnswer, ApiKey, ApiRefusal, BookableSnapshot
from rdv.models.catalogue import CatalogueCentre, CatalogueChange, CatalogueRun
from rdv.models.cfa import Cfa, OpeningHours, Site
from rdv.models.closure import Closure
from rdv.models.feed import CalendarFeed, RenderedEvent, SentInvitation
from rdv.models.platform import (
    CfaDomain,
    Platform,
    PlatformConsent,
    PlatformQuestion,
    PlatformSilence,
    PlatformSite,
)
from rdv.models.reply import SavedReply
from rdv.models.request import Booking, CandidateRequest, FirstAnswer, RequestEvent, RequestViewer
from rdv.models.rule import BookingRule
from rdv.models.series import SlotSeries
from rdv.models.slot import MeetingType, Slot, SlotTraining
from rdv.models.system import (
    AuditEntry,
    DeadAddress,
    JobRun,
    MailEvent,
    OutgoingMail,
    OutgoingSms,
    ThrottleCount,
)
from rdv.models.training import Training, TrainingAlias, training_site
from rdv.models.user import Membership, User, membership_site
from rdv.models.waitlist import SeatHold, WaitlistEntry
from rdv.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "ApiAnswer",
    "ApiKey",
    "ApiRefusal",
    "AuditEntry",
    "BookableSnapshot",
    "Booking",
    "BookingRule",
    "CalendarFeed",
    "CandidateRequest",
    "CatalogueCentre",
    "CatalogueChange",
    "CatalogueRun",
    "Cfa",
    "CfaDomain",
    "Closure",
    "DeadAddress",
    "FirstAnswer",
    "JobRun",
    "MailEvent",
    "MeetingType",
    "Membership",
    "OpeningHours",
    "OutgoingMail",
    "OutgoingSms",
    "Platform",
    "PlatformConsent",
    "PlatformQuestion",
    "PlatformSilence",
    "PlatformSite",
    "RenderedEvent",
    "RequestEvent",
    "RequestViewer",
    "SavedReply",
    "SeatHold",
    "SentInvitation",
    "Site",
    "Slot",
    "SlotSeries",
    "SlotTraining",
    "ThrottleCount",
    "Training",
    "TrainingAlias",
    "User",
    "WaitlistEntry",
    "WebhookDelivery",
    "WebhookEndpoint",
    "membership_site",
    "training_site",
]
