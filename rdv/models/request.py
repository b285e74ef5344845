"""What candidates ask, everything that happened to it, and the seats they hold."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rdv.db import Base, UTCDateTime
from rdv.identifiers import new_reference, new_uid
from rdv.models.cfa import Cfa, Site
from rdv.models.columns import CreatedAt, Instant, Key, PublicId, UpdatedAt, one_of
from rdv.models.platform import Platform
from rdv.models.slot import Slot
from rdv.models.training import Training
from rdv.models.user import User

MODES = ("callback", "message", "slot")
ASKERS = ("candidate", "parent", "helper")
REQUEST_STATUSES = ("new", "in_progress", "waiting_candidate", "closed")
OUTCOMES = (
    "meeting_set",
    "answered",
    "unreachable",
    "not_for_us",
    "cancelled_by_candidate",
    "cancelled_by_cfa",
    "no_follow_up",
    "waitlisted",
    "redirected",
)
EVENT_KINDS = (
    "created", "assigned", "answer", "call", "note", "closed", "reopened", "booked", "moved", "cancelled",
    "opened_by_cfa", "link_sent", "attendance", "waitlisted", "offered", "offer_ended", "left_waitlist", "presence",
    "late", "slot_changed", "answered_elsewhere", "candidate_note", "windows", "undone", "follow_up", "contact_check",
    "mail_failed", "redirect_asked", "redirected", "erased",
)  # fmt: skip
EMAIL_STATES = ("doubtful", "dead")
ACTORS = ("candidate", "staff", "cfa_link", "system")
CANCEL_CHOICES = ("company", "other_cfa", "not_available")  # the candidate's three buttons
BOOKING_STATUSES = ("booked", "cancelled", "attended", "no_show", "excused")


class CandidateRequest(Base):
    """One thing a candidate asked of a CFA, whatever the mode; it alone owns the answer's state."""

    __tablename__ = "candidate_request"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id", ondelete="SET NULL"))
    training_id: Mapped[int | None] = mapped_column(sa.ForeignKey("training.id", ondelete="SET NULL"))
    platform_id: Mapped[int | None] = mapped_column(sa.ForeignKey("platform.id"))
    source: Mapped[str | None] = mapped_column(sa.String(40))  # the tag of a poster (rdv.posters)
    mode: Mapped[str] = mapped_column(sa.String(10))
    asker: Mapped[str] = mapped_column(sa.String(10), default="candidate")
    first_name: Mapped[str] = mapped_column(sa.String(80))
    last_name: Mapped[str] = mapped_column(sa.String(80))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    phone: Mapped[str | None] = mapped_column(sa.String(20))  # E.164
    # A parent or a helper who asks for somebody and gives their own contact too; each is told what concerns them.
    asker_first_name: Mapped[str | None] = mapped_column(sa.String(80))
    asker_last_name: Mapped[str | None] = mapped_column(sa.String(80))
    asker_email: Mapped[str | None] = mapped_column(sa.String(254))
    asker_phone: Mapped[str | None] = mapped_column(sa.String(20))  # E.164
    reasons: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    text: Mapped[str | None] = mapped_column(sa.Text)
    callback_windows: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    status: Mapped[str] = mapped_column(sa.String(20), default="new")
    outcome: Mapped[str | None] = mapped_column(sa.String(30))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    first_answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    attempts: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # calls that reached nobody
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # the call that is planned
    rung: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # follow-ups already done since it was last due
    follow_up_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # when the ladder looks at it again
    email_state: Mapped[str | None] = mapped_column(sa.String(10))  # None: nothing against the candidate's address
    # The same keyed hash as Booking.person_key, and the folded name: « the same person again ».
    person_key: Mapped[str | None] = mapped_column(sa.String(64))
    name_key: Mapped[str] = mapped_column(sa.String(170), default="")
    # The request of another CFA that this one continues, with the person's agreement.
    redirected_from_id: Mapped[int | None] = mapped_column(sa.ForeignKey("candidate_request.id", ondelete="SET NULL"))
    # The CFA's address that received the request, frozen when it was sent; None is a legal state.
    recipient_email: Mapped[str | None] = mapped_column(sa.String(254))
    submission_id: Mapped[str | None] = mapped_column(sa.String(32), unique=True)  # one rendered form, one request
    submission_digest: Mapped[str | None] = mapped_column(sa.String(64))
    search_text: Mapped[str] = mapped_column(sa.String(400), default="")  # folded name, phone, reference
    link_version: Mapped[int] = mapped_column(sa.Integer, default=1)  # raising it revokes the links of this request
    version: Mapped[int] = mapped_column(sa.Integer, default=1)
    last_event_at: Mapped[Instant]
    # Since when nothing here says anything of a person (rdv.erasure): the row is a figure.
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    cfa: Mapped[Cfa] = relationship()
    site: Mapped[Site | None] = relationship()
    training: Mapped[Training | None] = relationship()
    platform: Mapped[Platform | None] = relationship()
    owner: Mapped[User | None] = relationship()
    events: Mapped[list[RequestEvent]] = relationship(order_by="RequestEvent.id", viewonly=True)
    booking: Mapped[Booking | None] = relationship(back_populates="request", viewonly=True)
    redirected_from: Mapped[CandidateRequest | None] = relationship(remote_side="CandidateRequest.id")

    __table_args__ = (
        one_of("mode", MODES, "mode"),
        one_of("asker", ASKERS, "asker"),
        one_of("status", REQUEST_STATUSES, "status"),
        one_of("email_state", EMAIL_STATES, "email_state"),
        sa.CheckConstraint("(status = 'closed') = (outcome IS NOT NULL)", name="outcome"),
        sa.CheckConstraint("email IS NOT NULL OR phone IS NOT NULL OR erased_at IS NOT NULL", name="contact"),
        sa.Index("ix_candidate_request_inbox", "cfa_id", "status", "due_at", "id"),
        sa.Index("ix_candidate_request_platform_id_created_at", "platform_id", "created_at"),
        # To treat, most urgent first: what every keyset page of the inbox walks.
        sa.Index(
            "ix_candidate_request_todo", "cfa_id", "due_at", "id",
            sqlite_where=sa.text("status IN ('new', 'in_progress')"),
            postgresql_where=sa.text("status IN ('new', 'in_progress')"),
        ),
        # The same of one person, or of nobody yet.
        sa.Index(
            "ix_candidate_request_owned", "cfa_id", "owner_id", "due_at", "id",
            sqlite_where=sa.text("status IN ('new', 'in_progress')"),
            postgresql_where=sa.text("status IN ('new', 'in_progress')"),
        ),
        # Calls that are planned, by their hour.
        sa.Index(
            "ix_candidate_request_calls", "cfa_id", "next_attempt_at", "id",
            sqlite_where=sa.text("next_attempt_at IS NOT NULL"), postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        ),
        sa.Index("ix_candidate_request_cfa_created", "cfa_id", "created_at", "id"),
        sa.Index("ix_candidate_request_email", "email"),
        sa.Index("ix_candidate_request_phone", "phone"),
        sa.Index("ix_candidate_request_asker_email", "asker_email"),
        sa.Index("ix_candidate_request_name", "cfa_id", "name_key"),
        sa.Index("ix_candidate_request_person", "person_key", "training_id"),
        sa.Index("ix_candidate_request_redirected_from_id", "redirected_from_id"),
        sa.Index(
            "ix_candidate_request_follow_up", "follow_up_at", "id",
            sqlite_where=sa.text("follow_up_at IS NOT NULL"), postgresql_where=sa.text("follow_up_at IS NOT NULL"),
        ),
    )  # fmt: skip

    @property
    def person_name(self) -> str:
        """First and last name of the candidate."""
        return f"{self.first_name} {self.last_name}"


class RequestEvent(Base):
    """One line of a request's thread; never changed, so that state and dates can be rebuilt from them."""

    __tablename__ = "request_event"

    id: Mapped[Key]
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("candidate_request.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    actor: Mapped[str] = mapped_column(sa.String(10))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    at: Mapped[Instant]
    text: Mapped[str | None] = mapped_column(sa.Text)
    data: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    internal: Mapped[bool] = mapped_column(default=False)  # seen by staff only
    # Whether platforms were told (rdv.webhooks). The database writes the default: no writer of events can forget it.
    relayed: Mapped[bool] = mapped_column(server_default=sa.false())

    user: Mapped[User | None] = relationship()

    __table_args__ = (
        one_of("kind", EVENT_KINDS, "kind"),
        one_of("actor", ACTORS, "actor"),
        sa.Index(
            "ix_request_event_to_relay",
            "at",
            "id",
            sqlite_where=sa.text("relayed = 0"),
            postgresql_where=sa.text("NOT relayed"),
        ),
    )


class FirstAnswer(Base):
    """How long a request waited for its first human answer, written with it: what medians are read from."""

    __tablename__ = "first_answer"

    request_id: Mapped[int] = mapped_column(
        sa.ForeignKey("candidate_request.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id", ondelete="SET NULL"))
    training_id: Mapped[int | None] = mapped_column(sa.ForeignKey("training.id", ondelete="SET NULL"))
    platform_id: Mapped[int | None] = mapped_column(sa.ForeignKey("platform.id"))
    user_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("user_account.id")
    )  # who answered; None: by a mail's link
    mode: Mapped[str] = mapped_column(sa.String(10))
    month: Mapped[date]  # first day of the month of arrival, in the site's calendar
    minutes: Mapped[int] = mapped_column(sa.Integer)  # of working time of the site
    on_time: Mapped[bool]
    answered_at: Mapped[Instant]

    __table_args__ = (
        one_of("mode", MODES, "mode"),
        sa.CheckConstraint("minutes >= 0", name="minutes"),
        sa.Index("ix_first_answer_cfa", "cfa_id", "month", "minutes"),
        sa.Index("ix_first_answer_site", "site_id", "month", "minutes"),
        sa.Index("ix_first_answer_month", "month", "minutes"),
    )


class RequestViewer(Base):
    """Who of the staff has a request open: two people on one request see each other."""

    __tablename__ = "request_viewer"

    request_id: Mapped[int] = mapped_column(
        sa.ForeignKey("candidate_request.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    seen_at: Mapped[Instant]
    writing_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # last key typed in the composer

    user: Mapped[User] = relationship()


class Booking(Base):
    """A request's seat in a slot; moving keeps the row, its UID and the request's reference."""

    __tablename__ = "booking"

    id: Mapped[Key]
    public_id: Mapped[PublicId]
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("candidate_request.id", ondelete="CASCADE"), unique=True)
    slot_id: Mapped[int] = mapped_column(sa.ForeignKey("slot.id"))
    # Of the slot, repeated for the constraint below.
    cfa_id: Mapped[int] = mapped_column(sa.ForeignKey("cfa.id", ondelete="CASCADE"))
    starts_at: Mapped[Instant]
    uid: Mapped[str] = mapped_column(sa.String(80), unique=True, default=new_uid)
    sequence: Mapped[int] = mapped_column(sa.Integer, default=0)  # RFC 5546 §2.1.4
    status: Mapped[str] = mapped_column(sa.String(10), default="booked")
    # Keyed hash of the normalised name and contact; erased with the person.
    person_key: Mapped[str | None] = mapped_column(sa.String(64))
    guests: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # people who come along
    seats: Mapped[int] = mapped_column(sa.SmallInteger, default=1)  # taken in the slot: one, and the guests if counted
    presence_at: Mapped[datetime | None] = mapped_column(UTCDateTime())  # « oui, je viens »
    late_minutes: Mapped[int | None] = mapped_column(sa.SmallInteger)  # « j’aurai 10 minutes de retard »
    walk_in: Mapped[bool] = mapped_column(default=False)  # came without a booking
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    cancelled_by: Mapped[str | None] = mapped_column(sa.String(10))
    cancel_choice: Mapped[str | None] = mapped_column(sa.String(15))
    cancel_reason: Mapped[str | None] = mapped_column(sa.String(300))
    # The closure that covers it and in spite of which the CFA keeps it: decided.
    kept_closure_id: Mapped[int | None] = mapped_column(sa.ForeignKey("closure.id", ondelete="SET NULL"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    request: Mapped[CandidateRequest] = relationship(back_populates="booking")
    slot: Mapped[Slot] = relationship()

    __table_args__ = (
        one_of("status", BOOKING_STATUSES, "status"),
        sa.CheckConstraint("guests BETWEEN 0 AND 20 AND seats BETWEEN 1 AND 21", name="seats"),
        sa.CheckConstraint("late_minutes BETWEEN 1 AND 120", name="late"),
        # Nobody is booked twice at one hour in one CFA, whoever the adviser.
        sa.Index(
            "uq_booking_cfa_id_starts_at_person_key", "cfa_id", "starts_at", "person_key", unique=True,
            sqlite_where=sa.text("status <> 'cancelled'"), postgresql_where=sa.text("status <> 'cancelled'"),
        ),
        sa.Index("ix_booking_slot_id_status", "slot_id", "status"),
        sa.Index("ix_booking_person_key", "person_key"),
        sa.Index(
            "ix_booking_starts_at", "starts_at", "id",
            sqlite_where=sa.text("status = 'booked'"), postgresql_where=sa.text("status = 'booked'"),
        ),
        sa.Index(
            "ix_booking_kept_closure_id", "kept_closure_id",
            sqlite_where=sa.text("kept_closure_id IS NOT NULL"), postgresql_where=sa.text("kept_closure_id IS NOT NULL"),
        ),
    )  # fmt: skip

    @property
    def is_live(self) -> bool:
        """True while the seat is held."""
        return self.status != "cancelled"
