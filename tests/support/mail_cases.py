"""One outbox row for every kind of mail and every variant that reads otherwise, on fixed invented data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rdv import directory, feeds, seats
from rdv.db import db, transaction
from rdv.models import (
    CalendarFeed,
    OutgoingMail,
    PlatformConsent,
    PlatformQuestion,
    PlatformSilence,
    RequestEvent,
    SeatHold,
    WaitlistEntry,
    WebhookEndpoint,
)
from tests import make

NOW = "2026-11-20T08:00Z"  # a Friday
CANDIDATE = "zoe@courriel.example"
PARENT = "marie@courriel.example"
ASKED = {  # by a mother who gave her own address
    "asker": "parent", "asker_first_name": "Marie", "asker_last_name": "Démonstration", "asker_email": PARENT,
}  # fmt: skip


class House:
    """A CFA in Lille, one in La Réunion, their people and agenda, « Démonstration » everywhere."""

    def __init__(self) -> None:
        self.cfa = make.cfa(
            public_id="cfa-demo", siret="90000000000015", name="CFA Démonstration des Tilleuls",
            email="accueil@cfa-tilleuls.example", phone="+33199000001",
        )  # fmt: skip
        self.site = make.site(
            self.cfa, name="Site Démonstration", address="12 rue des Tilleuls", email=None, phone="+33199000002"
        )
        self.island = make.site(
            self.cfa, name="Site Démonstration Saint-Denis", address="3 rue du Volcan", postal_code="97400",
            city="Saint-Denis", timezone="Indian/Reunion", territory="RE", phone="+262262610001",
        )  # fmt: skip
        self.bare = make.cfa(
            public_id="cfa-demo-2", siret="90000000000023", name="CFA Démonstration sans compte",
            email="contact@cfa-sans-compte.example", phone="+33199000003", activated_at=None,
        )  # fmt: skip
        self.training = make.training(self.cfa, self.site, public_id="formation-demo", title="CAP Pâtissier")
        self.manager = make.manager(
            self.cfa, public_id="responsable", email="alice@cfa-tilleuls.example", last_name="Démonstration"
        )
        self.adviser = make.adviser(
            self.cfa, public_id="conseiller", email="bob@cfa-tilleuls.example", last_name="Démonstration"
        )
        self.colleague = make.adviser(
            self.cfa, public_id="collegue", email="carla@cfa-tilleuls.example", first_name="Carla",
            last_name="Démonstration",
        )  # fmt: skip
        self.interview = make.meeting_type(
            self.cfa, title="Entretien d’orientation", what_to_bring="Votre dernier bulletin et un CV.",
            instructions="Présentez-vous à l’accueil,\npuis demandez le bureau des admissions.",
        )  # fmt: skip
        self.meeting = make.meeting_type(self.cfa, title="Découverte des métiers de bouche")

    def slot(self, **columns: Any) -> Any:
        values: dict[str, Any] = {"public_id": "creneau-demo", "starts_at": "2026-12-01T14:00", "minutes": 30}
        values |= columns
        adviser = values.pop("adviser", self.adviser)
        return make.slot(adviser, values.pop("site", self.site), values.pop("kind", self.interview), **values)

    def booking(self, slot: Any, **columns: Any) -> Any:
        request = {
            "public_id": "demande-rdv", "reference": "KTR-B48-26X", "first_name": "Zoé", "last_name": "Démonstration",
            "email": CANDIDATE, "phone": "+33199005678", "training_id": self.training.id, "reasons": ["place", "frais"],
            **columns.pop("request", {}),
        }  # fmt: skip
        return make.booking(slot, public_id="rdv-demo", request=request, **columns)

    def request(self, cfa: Any = None, site: Any = None, **columns: Any) -> Any:
        values = {
            "public_id": "demande-demo", "reference": "MWP-3C7-V9D", "first_name": "Zoé", "last_name": "Démonstration",
            "email": CANDIDATE, "phone": "+33199005678", "reasons": ["modalite", "debouche"],
            "text": "Bonjour, voyez https://piege.example et rappelez-moi.",
            "due_at": datetime.fromisoformat("2026-11-24T16:00+00:00"), "site_id": site.id if site else None, **columns,
        }  # fmt: skip
        return make.candidate_request(cfa or self.cfa, **values)


def mail(kind: str, to: str, about: Any = None, **ids: Any) -> OutgoingMail:
    """Save an outbox row; `about` is a booking or a request."""
    if about is not None and hasattr(about, "slot_id"):
        ids |= {"booking_id": about.id, "request_id": about.request_id}
    elif about is not None:
        ids["request_id"] = about.id
    row = make.saved(
        OutgoingMail(
            public_id="courriel-demo", kind=kind, dedup_key=kind, to_email=to,
            not_before=datetime.fromisoformat(NOW), **ids,
        )
    )  # fmt: skip
    assert isinstance(row, OutgoingMail)
    return row


def event(request: Any, kind: str, actor: str, **columns: Any) -> RequestEvent:
    """Append an event of the thread."""
    row = make.saved(
        RequestEvent(request_id=request.id, kind=kind, actor=actor, at=datetime.fromisoformat(NOW), **columns)
    )
    assert isinstance(row, RequestEvent)
    return row


def booking_confirmed(house: House) -> OutgoingMail:
    return mail("booking_confirmed", CANDIDATE, house.booking(house.slot(place_detail="Salle 12")))


def booking_confirmed_overseas_by_phone(house: House) -> OutgoingMail:
    return mail("booking_confirmed", CANDIDATE, house.booking(house.slot(site=house.island, place="phone")))


def booking_confirmed_video(house: House) -> OutgoingMail:
    slot = house.slot(place="video", place_detail="https://visio.example/salle-demo")
    return mail("booking_confirmed", CANDIDATE, house.booking(slot, request={"asker": "parent"}))


def booking_confirmed_group(house: House) -> OutgoingMail:
    slot = house.slot(kind=house.meeting, capacity=20, place_detail="Amphithéâtre")
    hostile = {"first_name": "www.piege.example", "training_id": None}
    return mail("booking_confirmed", CANDIDATE, house.booking(slot, request=hostile))


def booking_moved(house: House) -> OutgoingMail:
    before = house.slot(public_id="creneau-avant", starts_at="2026-11-30T09:20")
    booking = house.booking(house.slot(), sequence=1)
    moved = event(booking.request, "moved", "staff", data={"from": before.public_id, "slot": "creneau-demo"})
    return mail("booking_moved", CANDIDATE, booking, event_id=moved.id)


def booking_moved_with_a_message(house: House) -> OutgoingMail:
    before = house.slot(public_id="creneau-avant", starts_at="2026-11-30T09:20")
    booking = house.booking(house.slot(), sequence=1)
    said = "Bonjour, je serai en jury ce jour-là. Ce moment vous convient-il ?"
    moved = event(booking.request, "moved", "staff", text=said, data={"from": before.public_id, "slot": "creneau-demo"})
    return mail("booking_moved", CANDIDATE, booking, event_id=moved.id)


def booking_cancelled_by_cfa(house: House) -> OutgoingMail:
    booking = house.booking(
        house.slot(), status="cancelled", cancelled_by="staff", cancel_reason="Le conseiller est en formation."
    )
    return mail("booking_cancelled", CANDIDATE, booking)


def booking_cancelled_by_candidate(house: House) -> OutgoingMail:
    booking = house.booking(
        house.slot(), status="cancelled", cancelled_by="candidate", cancel_reason="voyez https://piege.example"
    )
    return mail("booking_cancelled", CANDIDATE, booking)


def request_received_callback(house: House) -> OutgoingMail:
    request = house.request(site=house.site, training_id=house.training.id, callback_windows=["matin", "soir"])
    return mail("request_received", CANDIDATE, request)


def request_received_message_overseas(house: House) -> OutgoingMail:
    return mail("request_received", CANDIDATE, house.request(site=house.island, mode="message"))


def request_received_where_answers_are_measured(house: House) -> OutgoingMail:
    with make.writing():
        house.site.answer_median = 300  # working minutes
    return mail("request_received", CANDIDATE, house.request(site=house.site, mode="message"))


def request_answered_by_adviser(house: House) -> OutgoingMail:
    request = house.request(mode="message", training_id=house.training.id)
    text = (
        "Bonjour Zoé,\n\nIl reste trois places pour septembre.\nVenez nous voir le 12 décembre : la porte est ouverte."
    )
    answer = event(request, "answer", "staff", user_id=house.adviser.id, text=text)
    return mail("request_answered", CANDIDATE, request, event_id=answer.id)


def request_answered_without_account(house: House) -> OutgoingMail:
    request = house.request(house.bare, mode="message")
    answer = event(request, "answer", "cfa_link", text="Oui, avec plaisir. Appelez-nous quand vous voulez.")
    return mail("request_answered", CANDIDATE, request, event_id=answer.id)


def request_answered_with_slots_kept(house: House) -> OutgoingMail:
    request = house.request(mode="message", training_id=house.training.id, status="waiting_candidate")
    slots = [house.slot(public_id=f"creneau-{day}", starts_at=f"2026-11-{day}T10:20") for day in (24, 25)]
    now = datetime.fromisoformat(NOW)
    with transaction():
        for slot in slots:
            seats.hold(slot.id, request.id, "proposal", now + timedelta(days=1), now)
    data = {"slots": [slot.public_id for slot in slots], "kept": "2026-11-21T08:00:00+00:00", "free_choice": True}
    said = "Bonjour Zoé,\n\nVoici quand nous pouvons vous recevoir."
    answer = event(request, "answer", "staff", user_id=house.adviser.id, text=said, data=data)
    return mail("request_answered", CANDIDATE, request, event_id=answer.id)


def candidate_replied_to_who_follows(house: House) -> OutgoingMail:
    request = house.request(status="in_progress", training_id=house.training.id, owner_id=house.adviser.id)
    wrote = event(request, "candidate_note", "candidate", text="Voyez https://piege.example et rappelez-moi.")
    return mail("candidate_replied", house.adviser.email, request, event_id=wrote.id, user_id=house.adviser.id)


def candidate_replied_with_other_hours(house: House) -> OutgoingMail:
    request = house.request(house.bare, status="in_progress")
    told = event(request, "windows", "candidate", data={"windows": ["matin"]})
    return mail("candidate_replied", "contact@cfa-sans-compte.example", request, event_id=told.id, cfa_id=house.bare.id)


def call_missed(house: House) -> OutgoingMail:
    request = house.request(status="in_progress", attempts=1, training_id=house.training.id)
    for day, place in ((24, "on_site"), (25, "phone"), (26, "video"), (27, "on_site")):
        house.slot(public_id=f"creneau-{day}", starts_at=f"2026-11-{day}T10:20", place=place)
    missed = event(request, "call", "staff", user_id=house.adviser.id, data={"result": "voicemail"}, internal=True)
    return mail("call_missed", CANDIDATE, request, event_id=missed.id)


def _elsewhere(house: House, actor: str) -> OutgoingMail:
    request = house.request(house.bare, training_id=house.training.id)
    came = event(request, "created", actor, data={"from": "autre", "name": "CFA Démonstration des Tilleuls"})
    return mail("request_redirected", CANDIDATE, request, event_id=came.id)


def request_redirected_by_the_centre(house: House) -> OutgoingMail:
    return _elsewhere(house, "staff")


def request_redirected_by_choice(house: House) -> OutgoingMail:
    return _elsewhere(house, "candidate")


def redirect_asked(house: House) -> OutgoingMail:
    request = house.request(training_id=house.training.id)
    data = {"cfa": house.bare.public_id, "name": house.bare.shown_name}
    asked = event(request, "redirect_asked", "staff", user_id=house.adviser.id, data=data, text="Très motivée.")
    return mail("redirect_asked", CANDIDATE, request, event_id=asked.id)


def redirect_refused(house: House) -> OutgoingMail:
    request = house.request(site=house.site)
    said = event(
        request, "candidate_note", "candidate", data={"refused": 1, "name": house.bare.shown_name}, text="Non."
    )
    return mail("redirect_refused", house.adviser.email, request, event_id=said.id, user_id=house.adviser.id)


def cfa_new_request_of_another_centre(house: House) -> OutgoingMail:
    first = house.request(public_id="demande-avant", reference="BDF-247-GHJ")
    request = house.request(house.bare, mode="message", redirected_from_id=first.id)
    return mail("cfa_new_request", "contact@cfa-sans-compte.example", request, cfa_id=house.bare.id)


def cfa_link_again(house: House) -> OutgoingMail:
    request = house.request(house.bare, callback_windows=["midi"])
    return mail("cfa_link_again", "contact@cfa-sans-compte.example", request, cfa_id=house.bare.id)


def _closed(house: House, outcome: str) -> OutgoingMail:
    request = house.request(status="closed", outcome=outcome, training_id=house.training.id)
    ended = event(request, "closed", "staff", user_id=house.adviser.id, data={"outcome": outcome}, internal=True)
    return mail("request_closed", CANDIDATE, request, event_id=ended.id)


def request_closed_not_for_us(house: House) -> OutgoingMail:
    return _closed(house, "not_for_us")


def request_closed_unreachable(house: House) -> OutgoingMail:
    return _closed(house, "unreachable")


def request_closed_no_follow_up(house: House) -> OutgoingMail:
    return _closed(house, "no_follow_up")


def personal_link(house: House) -> OutgoingMail:
    return mail("personal_link", CANDIDATE, house.request())


def _unreached(house: House, next_way: str, **columns: Any) -> OutgoingMail:
    request = house.request(**columns)
    failed = event(request, "mail_failed", "system", data={"why": "hard_bounce", "to": "centre", "next": next_way})
    return mail("centre_unreached", CANDIDATE, request, event_id=failed.id)


def centre_unreached(house: House) -> OutgoingMail:
    return _unreached(house, "address", site=house.site, training_id=house.training.id)


def centre_unreached_but_managers_told(house: House) -> OutgoingMail:
    return _unreached(house, "managers")


def centre_unreached_without_anybody_nor_number(house: House) -> OutgoingMail:
    with transaction():
        house.bare.phone = None
    return _unreached(house, "nobody", cfa=house.bare)


def training_closed(house: House) -> OutgoingMail:
    with transaction():
        house.training.closed_at = datetime.fromisoformat("2026-11-19T03:00+00:00")
    request = house.request(site=house.site, training_id=house.training.id)
    return mail("training_closed", CANDIDATE, request)


def cfa_new_request_without_account(house: House) -> OutgoingMail:
    request = house.request(house.bare, callback_windows=["midi"], asker="helper")
    return mail("cfa_new_request", "contact@cfa-sans-compte.example", request, cfa_id=house.bare.id)


def cfa_new_request_to_a_manager(house: House) -> OutgoingMail:
    request = house.request(
        site=house.site,
        mode="message",
        training_id=house.training.id,
        recipient_email=None,
        last_name="www.piege.example",
    )
    return mail("cfa_new_request", house.manager.email, request, cfa_id=house.cfa.id)


def adviser_new_booking(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(place="phone"))
    return mail("adviser_new_booking", house.adviser.email, booking, user_id=house.adviser.id)


def adviser_new_booking_group(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(kind=house.meeting, capacity=20), request={"asker": "parent"})
    return mail("adviser_new_booking", house.adviser.email, booking, user_id=house.adviser.id)


def adviser_new_booking_to_who_followed(house: House) -> OutgoingMail:
    booking = house.booking(house.slot())
    booked = event(booking.request, "booked", "candidate", data={"followed_by": house.colleague.public_id})
    return mail("adviser_new_booking", house.colleague.email, booking, user_id=house.colleague.id, event_id=booked.id)


def adviser_invitation(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(site=house.island), uid="uid-demo@rdv-apprentissage")
    return mail(
        "adviser_invitation", house.adviser.email, user_id=house.adviser.id, data=_invited(booking, "REQUEST", 0)
    )


def adviser_invitation_taken_back(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(adviser=house.colleague), uid="uid-demo@rdv-apprentissage")
    return mail(
        "adviser_invitation", house.adviser.email, user_id=house.adviser.id, data=_invited(booking, "CANCEL", 2)
    )


def calendar_forgotten(house: House) -> OutgoingMail:
    with transaction():
        feeds.create(house.adviser, house.cfa, feeds.Choice(), "Téléphone de Bob Démonstration")
        feed = db.session.scalars(sa.select(CalendarFeed)).one()
        feed.public_id, feed.created_at = "calendrier-demo", datetime.fromisoformat("2025-11-10T08:00+00:00")
    return mail("calendar_forgotten", house.adviser.email, user_id=house.adviser.id, data={"feed": "calendrier-demo"})


SILENT_SINCE = "2026-11-17T15:20:00+00:00"


def platform_silent(house: House) -> OutgoingMail:
    lba = directory.get_platform("lba")
    assert lba is not None
    since = datetime.fromisoformat(SILENT_SINCE)
    make.saved(PlatformSilence(platform_id=lba.id, since=since, expected=14, told_at=since))
    return _of_platform("platform_silent", {"expected": 14})


def platform_heard(house: House) -> OutgoingMail:
    return _of_platform("platform_heard", {})


def _of_platform(kind: str, data: dict[str, Any]) -> OutgoingMail:
    member = make.service_member(email="equipe@service.example", first_name="Dominique")
    return mail(kind, member.email, user_id=member.id, data={"platform": "lba", "since": SILENT_SINCE, **data})


def webhook_dead(house: House) -> OutgoingMail:
    member = make.service_member(email="equipe@rdv-apprentissage.example", first_name="Éva")
    platform = make.platform("lba")
    make.saved(
        WebhookEndpoint(
            public_id="adresse-demo", platform_id=platform.id, url="https://lba.example/rdv/evenements",
            events=["created"], disabled_at=datetime.fromisoformat("2026-11-20T07:00+00:00"),
        )
    )  # fmt: skip
    return mail("webhook_dead", member.email, user_id=member.id, data={"endpoint": "adresse-demo"})


def _invited(booking: Any, method: str, sequence: int) -> dict[str, Any]:
    starts_at, ends_at = (each.isoformat() for each in (booking.slot.starts_at, booking.slot.ends_at))
    return {"method": method, "uid": booking.uid, "sequence": sequence, "starts_at": starts_at, "ends_at": ends_at}


def booking_confirmed_to_who_asks(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(place="phone"), request=ASKED)
    return mail("booking_confirmed", PARENT, booking)


def booking_confirmed_to_whom_it_is_for(house: House) -> OutgoingMail:
    called = {"phone": "+33199001122", "asker_phone": "+33199001122"}  # the parent's number stands for both
    booking = house.booking(house.slot(place="phone"), request={**ASKED, **called})
    return mail("booking_confirmed", CANDIDATE, booking)


def booking_confirmed_to_an_odd_name(house: House) -> OutgoingMail:
    odd = {"first_name": "www.piege.example", "asker_first_name": "Voyez piege.example", "asker": "helper"}
    booking = house.booking(house.slot(), request={**ASKED, **odd})
    return mail("booking_confirmed", PARENT, booking)


def booking_moved_by_who_asks(house: House) -> OutgoingMail:
    before = house.slot(public_id="creneau-avant", starts_at="2026-11-30T09:20")
    booking = house.booking(house.slot(), sequence=1, request=ASKED)
    data = {"from": before.public_id, "slot": "creneau-demo", "by": "asker"}
    moved = event(booking.request, "moved", "candidate", data=data)
    return mail("booking_moved", CANDIDATE, booking, event_id=moved.id)


def booking_cancelled_for_who_asks(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(), status="cancelled", cancelled_by="candidate", request=ASKED)
    cancelled = event(booking.request, "cancelled", "candidate", data={"slot": "creneau-demo"})
    return mail("booking_cancelled", PARENT, booking, event_id=cancelled.id)


def request_received_to_who_asks(house: House) -> OutgoingMail:
    return mail("request_received", PARENT, house.request(site=house.site, callback_windows=["matin"], **ASKED))


def adviser_booking_cancelled_by_who_asks(house: House) -> OutgoingMail:
    booking = house.booking(
        house.slot(), status="cancelled", cancelled_by="candidate", cancel_choice="other_cfa", request=ASKED
    )
    cancelled = event(booking.request, "cancelled", "candidate", data={"slot": "creneau-demo", "by": "asker"})
    return mail(
        "adviser_booking_cancelled", house.adviser.email, booking, event_id=cancelled.id, user_id=house.adviser.id
    )


def adviser_candidate_late(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(site=house.island), late_minutes=10)
    late = event(booking.request, "late", "candidate", data={"minutes": 10})
    return mail("adviser_candidate_late", house.adviser.email, booking, event_id=late.id, user_id=house.adviser.id)


def adviser_booking_cancelled(house: House) -> OutgoingMail:
    booking = house.booking(
        house.slot(), status="cancelled", cancelled_by="candidate", cancel_reason="voyez https://piege.example",
        cancel_choice="company",
    )  # fmt: skip
    return mail("adviser_booking_cancelled", house.adviser.email, booking, user_id=house.adviser.id)


def adviser_booking_cancelled_by_a_colleague(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(), status="cancelled", cancelled_by="staff", cancel_reason="Salle inondée")
    cancelled = event(booking.request, "cancelled", "staff", user_id=house.colleague.id, data={"slot": "creneau-demo"})
    return mail(
        "adviser_booking_cancelled", house.adviser.email, booking, event_id=cancelled.id, user_id=house.adviser.id
    )


def _moved_to_a_colleague(house: House) -> Any:
    before = house.slot(public_id="creneau-avant", starts_at="2026-11-30T09:20")
    booking = house.booking(house.slot(adviser=house.colleague), sequence=1)
    data = {"from": before.public_id, "slot": "creneau-demo"}
    return booking, event(booking.request, "moved", "staff", data=data)


def adviser_booking_moved_away(house: House) -> OutgoingMail:
    booking, moved = _moved_to_a_colleague(house)
    adviser = house.adviser
    return mail("adviser_booking_moved", adviser.email, booking, event_id=moved.id, user_id=adviser.id)


def adviser_booking_moved_here(house: House) -> OutgoingMail:
    booking, moved = _moved_to_a_colleague(house)
    adviser = house.colleague
    return mail("adviser_booking_moved", adviser.email, booking, event_id=moved.id, user_id=adviser.id)


def missed_you(house: House) -> OutgoingMail:
    missed = house.booking(house.slot(starts_at="2026-11-19T14:00"), status="no_show")
    for day, place in ((24, "on_site"), (25, "phone"), (26, "video"), (27, "on_site")):
        house.slot(public_id=f"creneau-{day}", starts_at=f"2026-11-{day}T10:20", place=place)
    return mail("missed_you", CANDIDATE, missed)


def missed_you_without_any_slot(house: House) -> OutgoingMail:
    slot = house.slot(site=house.island, starts_at="2026-11-19T14:00")
    return mail("missed_you", CANDIDATE, house.booking(slot, status="no_show", request={"training_id": None}))


def outcomes_missing(house: House) -> OutgoingMail:
    house.booking(house.slot(starts_at="2026-11-19T14:00"))
    return mail("outcomes_missing", house.adviser.email, user_id=house.adviser.id)


def outcomes_missing_of_a_long_week(house: House) -> OutgoingMail:
    for hour in range(8, 18):
        slot = make.slot(house.adviser, house.site, house.interview, starts_at=f"2026-11-18T{hour:02d}:00")
        make.booking(slot, request={"last_name": "Démonstration"})
    return mail("outcomes_missing", house.adviser.email, user_id=house.adviser.id)


def _former(house: House, **facts: Any) -> dict[str, Any]:
    return {
        "starts_at": "2026-11-30T08:20:00+00:00", "ends_at": "2026-11-30T08:50:00+00:00", "adviser": house.adviser.public_id,
        "site": house.site.public_id, "place": "on_site", "detail": "Salle 12",
        "meeting_type": house.interview.public_id, **facts,
    }  # fmt: skip


def booking_changed_hour_and_room(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(place_detail="Salle 14"), sequence=1)
    data = {"slot": "creneau-demo", "former": _former(house)}
    told = event(booking.request, "slot_changed", "staff", data=data, text="La salle 12 est en travaux.")
    return mail("booking_changed", CANDIDATE, booking, event_id=told.id)


def booking_changed_person_and_way(house: House) -> OutgoingMail:
    booking = house.booking(house.slot(adviser=house.colleague, place="phone"), sequence=1)
    same = {"starts_at": booking.slot.starts_at.isoformat(), "ends_at": booking.slot.ends_at.isoformat()}
    data = {"slot": "creneau-demo", "former": _former(house, **same)}
    told = event(booking.request, "slot_changed", "staff", data=data)
    return mail("booking_changed", CANDIDATE, booking, event_id=told.id)


def booking_cancelled_with_other_dates(house: House) -> OutgoingMail:
    for day, hour in ((1, "15:00"), (2, "09:40"), (3, "14:00"), (20, "14:00")):
        house.slot(public_id=f"libre-{day}", starts_at=f"2026-12-{day:02d}T{hour}")
    booking = house.booking(
        house.slot(status="cancelled"),
        status="cancelled",
        cancelled_by="staff",
        cancel_reason="Le conseiller est absent.",
    )
    return mail("booking_cancelled", CANDIDATE, booking)


def _of_slots(house: House, to: Any, requests: int = 0, **lists: int) -> OutgoingMail:
    made = {
        name: [house.slot(public_id=f"{name}-{number}", starts_at=f"2026-12-{number + 1:02d}T14:00").public_id for number in range(count)]
        for name, count in lists.items()
    }  # fmt: skip
    data = {"by": house.manager.public_id, "other": house.adviser.public_id, "requests": requests, **made}
    return mail("adviser_slots_changed", to.email, user_id=to.id, cfa_id=house.cfa.id, data=data)


def adviser_slots_changed_received(house: House) -> OutgoingMail:
    return _of_slots(house, house.colleague, requests=2, received=7)


def adviser_slots_changed_and_cancelled(house: House) -> OutgoingMail:
    return _of_slots(house, house.adviser, changed=2, cancelled=1)


def move_instead(house: House) -> OutgoingMail:
    booking = house.booking(house.slot())
    return mail("move_instead", CANDIDATE, booking)


def no_slot_left(house: House) -> OutgoingMail:
    house.slot(starts_at="2026-11-19T14:00")
    data = {"sites": [house.site.public_id]}
    return mail("no_slot_left", house.adviser.email, user_id=house.adviser.id, cfa_id=house.cfa.id, data=data)


def no_slot_left_in_two_places(house: House) -> OutgoingMail:
    house.slot(starts_at="2026-11-19T14:00")
    house.slot(public_id="creneau-ile", starts_at="2026-11-19T14:00", site=house.island)
    with transaction():
        house.cfa.callback_open = house.cfa.message_open = False
    data = {"sites": [house.site.public_id, house.island.public_id]}
    return mail("no_slot_left", house.manager.email, user_id=house.manager.id, cfa_id=house.cfa.id, data=data)


def _newcomer(house: House) -> Any:
    return make.adviser(
        house.cfa, public_id="nouvelle", email="dina@cfa-tilleuls.example", first_name="Dina", password_hash=None
    )


def _reminder(house: House, kind: str, to: str, booking: Any) -> OutgoingMail:
    return mail(kind, to, booking, data={"starts_at": booking.starts_at.isoformat()})


def booking_confirmed_for_today(house: House) -> OutgoingMail:
    return mail("booking_confirmed", CANDIDATE, house.booking(house.slot(starts_at="2026-11-20T17:00")))


def reminder_week(house: House) -> OutgoingMail:
    return _reminder(house, "reminder_week", CANDIDATE, house.booking(house.slot(place_detail="Salle 12")))


def reminder_day_of_a_session(house: House) -> OutgoingMail:
    slot = house.slot(
        starts_at="2026-11-21T14:00", kind=house.meeting, capacity=20, place_detail="Amphithéâtre",
        programme="Visite de l’atelier, puis questions aux apprentis.", what_to_bring="Une tenue qui ne craint rien.",
    )  # fmt: skip
    return _reminder(house, "reminder_day", CANDIDATE, house.booking(slot))


def reminder_day_to_who_said_yes(house: House) -> OutgoingMail:
    slot = house.slot(starts_at="2026-11-21T14:00", site=house.island, place="phone")
    booking = house.booking(slot, presence_at=datetime.fromisoformat(NOW))
    return _reminder(house, "reminder_day", CANDIDATE, booking)


def reminder_day_to_a_parent(house: House) -> OutgoingMail:
    parent = {"asker": "parent", "asker_first_name": "Nora", "asker_email": "nora@courriel.example"}
    booking = house.booking(house.slot(starts_at="2026-11-21T14:00"), request=parent)
    return _reminder(house, "reminder_day", "nora@courriel.example", booking)


def invitation(house: House) -> OutgoingMail:
    user = _newcomer(house)
    return mail("invitation", user.email, user_id=user.id, cfa_id=house.cfa.id)


def invitation_to_one_more_cfa(house: House) -> OutgoingMail:
    return mail("invitation", house.adviser.email, user_id=house.adviser.id, cfa_id=house.cfa.id)


def password_reset(house: House) -> OutgoingMail:
    return mail("password_reset", house.adviser.email, user_id=house.adviser.id)


def password_changed(house: House) -> OutgoingMail:
    return mail("password_changed", house.adviser.email, user_id=house.adviser.id)


def cfa_activation(house: House) -> OutgoingMail:
    return mail("cfa_activation", "contact@cfa-sans-compte.example", cfa_id=house.bare.id)


def cfa_activated_notice(house: House) -> OutgoingMail:
    return mail("cfa_activated_notice", "direction@cfa-tilleuls.example", cfa_id=house.cfa.id, user_id=house.manager.id)


def _waits(house: House, **columns: Any) -> tuple[Any, Any]:
    """Return a full session and the request of somebody who waits for a seat of it."""
    slot = house.slot(kind=house.meeting, capacity=2, place_detail="Amphithéâtre", programme="Visite de l’atelier.")
    request = house.request(
        mode="slot", status="closed", outcome="waitlisted", due_at=None, text=None, training_id=house.training.id,
        site_id=house.site.id, **columns,
    )  # fmt: skip
    return slot, request


def _listed(slot: Any, request: Any, status: str = "waiting") -> None:
    make.saved(WaitlistEntry(kind="full", cfa_id=slot.cfa_id, request_id=request.id, slot_id=slot.id, status=status))


def _held(slot: Any, request: Any, kind: str = "waitlist", seats: int = 1) -> None:
    make.saved(
        SeatHold(
            public_id="place-demo", slot_id=slot.id, request_id=request.id, kind=kind, seats=seats,
            until=datetime.fromisoformat("2026-11-20T10:00+00:00"),
        )
    )  # fmt: skip


def waitlist_joined(house: House) -> OutgoingMail:
    slot, request = _waits(house)
    for number in range(2):
        _listed(slot, house.request(public_id=f"autre-{number}", reference=f"AAA-AAA-00{number}", mode="slot"))
    _listed(slot, request)
    joined = event(request, "waitlisted", "candidate", data={"slot": slot.public_id})
    return mail("waitlist_joined", CANDIDATE, request, event_id=joined.id)


def waitlist_joined_by_who_asks(house: House) -> OutgoingMail:
    slot, request = _waits(house, asker="parent", asker_first_name="Nadia", asker_email="nadia@courriel.example")
    _listed(slot, request)
    joined = event(request, "waitlisted", "candidate", data={"slot": slot.public_id})
    return mail("waitlist_joined", "nadia@courriel.example", request, event_id=joined.id)


def seat_offered(house: House) -> OutgoingMail:
    slot, request = _waits(house)
    _held(slot, request, seats=2)
    offered = event(request, "offered", "system", data={"slot": slot.public_id, "hold": "place-demo"})
    return mail("seat_offered", CANDIDATE, request, event_id=offered.id)


def seat_offered_earlier_to_who_asks(house: House) -> OutgoingMail:
    asker = {"asker": "parent", "asker_first_name": "Nadia", "asker_email": "nadia@courriel.example"}
    booking = house.booking(house.slot(), request=asker)
    slot = house.slot(public_id="creneau-plus-tot", starts_at="2026-11-24T10:00")
    _held(slot, booking.request, "earlier")
    offered = event(booking.request, "offered", "system", data={"slot": slot.public_id, "hold": "place-demo"})
    return mail("seat_offered", "nadia@courriel.example", booking.request, event_id=offered.id)


def offer_ended(house: House) -> OutgoingMail:
    slot, request = _waits(house)
    ended = event(request, "offer_ended", "system", data={"slot": slot.public_id, "why": "lapsed"})
    return mail("offer_ended", CANDIDATE, request, event_id=ended.id)


def offer_ended_with_its_slot(house: House) -> OutgoingMail:
    booking = house.booking(house.slot())
    slot = house.slot(public_id="creneau-plus-tot", starts_at="2026-11-24T10:00", status="cancelled")
    ended = event(booking.request, "offer_ended", "system", data={"slot": slot.public_id, "why": "cancelled"})
    return mail("offer_ended", CANDIDATE, booking.request, event_id=ended.id)


def waitlist_closed_with_the_session(house: House) -> OutgoingMail:
    slot, request = _waits(house)
    with transaction():
        slot.status = "cancelled"
    house.slot(public_id="creneau-libre", starts_at="2026-12-08T10:00")
    ended = event(request, "left_waitlist", "system", data={"slot": slot.public_id, "why": "cancelled"})
    return mail("waitlist_closed", CANDIDATE, request, event_id=ended.id)


def waitlist_closed_when_it_begins(house: House) -> OutgoingMail:
    slot, request = _waits(house)
    with transaction():
        slot.status = "closed"
    ended = event(request, "left_waitlist", "system", data={"slot": slot.public_id, "why": "begun"})
    return mail("waitlist_closed", CANDIDATE, request, event_id=ended.id)


def _late_request(house: House, **columns: Any) -> Any:
    """Asked on Tuesday 17 November, promised for Thursday, still waiting on Friday 20."""
    asked = datetime.fromisoformat("2026-11-17T09:00+00:00")
    values = {
        "training_id": house.training.id, "due_at": datetime.fromisoformat("2026-11-19T16:00+00:00"), "rung": 3,
        "created_at": asked, "site_id": house.site.id, "recipient_email": house.cfa.email, **columns,
    }  # fmt: skip
    return house.request(**values)


def _to_member(house: House, kind: str, request: Any, user: Any, **ids: Any) -> OutgoingMail:
    return mail(kind, user.email, request, user_id=user.id, cfa_id=house.cfa.id, **ids)


def follow_up_owner(house: House) -> OutgoingMail:
    request = house.request(training_id=house.training.id, owner_id=house.adviser.id, site_id=house.site.id)
    return _to_member(house, "follow_up_owner", request, house.adviser)


def follow_up_owner_at_an_address(house: House) -> OutgoingMail:
    request = house.request(house.bare)
    return mail(
        "follow_up_owner", "contact@cfa-sans-compte.example", request, cfa_id=house.bare.id, data={"last": True}
    )


def follow_up_team(house: House) -> OutgoingMail:
    request = _late_request(house, owner_id=house.adviser.id, attempts=1, status="in_progress")
    event(request, "call", "staff", user_id=house.adviser.id, data={"result": "voicemail"}, internal=True)
    return _to_member(house, "follow_up_team", request, house.manager)


def follow_up_team_about_a_person_without_address(house: House) -> OutgoingMail:
    return _to_member(house, "follow_up_team", _late_request(house, email=None), house.manager)


def follow_up_candidate(house: House) -> OutgoingMail:
    """A centre nearby with free slots, another that answers fast, one too far away."""
    with transaction():
        house.site.latitude, house.site.longitude = 50.63, 3.06
    for number, (name, city, latitude, median, free) in enumerate(
        (("CFA Démonstration de la Lys", "Armentières", 50.69, 300, False),
         ("CFA Démonstration du Hainaut", "Douai", 50.37, None, True),
         ("CFA Démonstration de la Côte", "Dunkerque", 51.2, 60, True))
    ):  # fmt: skip
        cfa = make.cfa(name=name, answer_median=median)
        site = make.site(cfa, city=city, latitude=latitude, longitude=3.06)
        training = make.training(cfa, site, public_id=f"formation-{number}")
        if free:
            adviser = make.adviser(cfa, email=f"conseil{number}@cfa-voisin.example")
            make.slot(
                adviser, site, public_id=f"creneau-voisin-{number}", starts_at="2026-11-25T10:00", trainings=[training]
            )
    house.slot(public_id="creneau-libre", starts_at="2026-11-24T10:20")
    return mail("follow_up_candidate", CANDIDATE, _late_request(house))


def follow_up_candidate_called_in_vain(house: House) -> OutgoingMail:
    request = _late_request(house, status="in_progress", attempts=2, training_id=None, **ASKED)
    for _ in range(2):
        event(request, "call", "staff", user_id=house.adviser.id, data={"result": "no_answer"}, internal=True)
    return mail("follow_up_candidate", PARENT, request)


def contact_check(house: House) -> OutgoingMail:
    return mail("contact_check", CANDIDATE, _late_request(house, status="waiting_candidate", rung=0))


def not_contacted(house: House) -> OutgoingMail:
    request = house.request(training_id=house.training.id, site_id=house.site.id, status="in_progress")
    return _to_member(house, "not_contacted", request, house.adviser)


def digest(house: House) -> OutgoingMail:
    _late_request(house, public_id="demande-tard", reference="MWP-3C7-V9F")
    at = datetime.fromisoformat("2026-11-20T07:00+00:00")
    house.request(
        public_id="demande-jour", reference="MWP-3C7-V9G", mode="message", site_id=house.site.id,
        due_at=datetime.fromisoformat("2026-11-20T16:00+00:00"), created_at=at,
    )  # fmt: skip
    house.request(
        public_id="demande-appel", reference="MWP-3C7-V9H", site_id=house.site.id, status="in_progress",
        next_attempt_at=datetime.fromisoformat("2026-11-20T13:30+00:00"), first_name="www.piege.example",
    )  # fmt: skip
    house.request(site_id=house.site.id, training_id=house.training.id, created_at=at)
    return mail("digest", house.adviser.email, user_id=house.adviser.id, cfa_id=house.cfa.id)


def digest_at_an_address(house: House) -> OutgoingMail:
    for number in range(12):
        house.request(
            house.bare, public_id=f"demande-{number}", reference=f"MWP-3C7-{number:03d}",
            due_at=datetime.fromisoformat("2026-11-19T16:00+00:00"),
        )  # fmt: skip
    return mail("digest", "contact@cfa-sans-compte.example", cfa_id=house.bare.id)


def _consent(house: House, kind: str, code: str, state: str, **columns: Any) -> OutgoingMail:
    to = "site@cfa-tilleuls.example" if kind.endswith("_contact") else house.cfa.email
    consent = make.saved(
        PlatformConsent(
            public_id="reponse-demo", cfa_id=house.cfa.id, platform_id=make.platform(code).id, state=state, **columns
        )
    )  # fmt: skip
    return mail(kind, to, cfa_id=house.cfa.id, data={"consent": consent.public_id})


def optout_invited(house: House) -> OutgoingMail:
    opening = datetime.fromisoformat("2026-12-05T08:00+00:00")
    row = _consent(house, "optout_invited", "lba", "invited", activates_at=opening)
    for code in ("onisep", "jeune_1_solution"):
        platform_id = make.platform(code).id
        make.saved(PlatformConsent(cfa_id=house.cfa.id, platform_id=platform_id, state="invited", activates_at=opening))
    return row


def optout_active(house: House) -> OutgoingMail:
    return _consent(house, "optout_active", "lba", "active")


def optout_active_contact(house: House) -> OutgoingMail:
    return _consent(house, "optout_active_contact", "lba", "active")


def optout_refused(house: House) -> OutgoingMail:
    return _consent(house, "optout_refused", "lba", "refused")


def premium_invited(house: House) -> OutgoingMail:
    return _consent(house, "premium_invited", "parcoursup", "invited")


def premium_followed_up(house: House) -> OutgoingMail:
    return _consent(house, "premium_followed_up", "affelnet", "invited")


def premium_active(house: House) -> OutgoingMail:
    return _consent(house, "premium_active", "parcoursup", "active")


def premium_active_contact(house: House) -> OutgoingMail:
    return _consent(house, "premium_active_contact", "parcoursup", "active")


def premium_refused(house: House) -> OutgoingMail:
    return _consent(house, "premium_refused", "affelnet", "refused")


def premium_reminder(house: House) -> OutgoingMail:
    return _consent(house, "premium_reminder", "parcoursup", "active")


def platform_question(house: House) -> OutgoingMail:
    consent = make.saved(
        PlatformConsent(cfa_id=house.cfa.id, platform_id=make.platform("parcoursup").id, state="invited")
    )
    question = make.saved(
        PlatformQuestion(consent_id=consent.id, text="Est-ce gratuit\u00a0?\nMerci.", email="direction@cfa.example")
    )
    return mail("platform_question", "aide@rdv-apprentissage.example", data={"question": question.public_id})


CASES: dict[str, Callable[[House], OutgoingMail]] = {
    case.__name__: case
    for case in (
        platform_silent, platform_heard, adviser_invitation, adviser_invitation_taken_back, calendar_forgotten, webhook_dead, booking_confirmed_to_who_asks, booking_confirmed_to_whom_it_is_for, booking_confirmed_to_an_odd_name,
        booking_moved_by_who_asks, booking_cancelled_for_who_asks, request_received_to_who_asks,
        adviser_booking_cancelled_by_who_asks, adviser_booking_cancelled_by_a_colleague, adviser_candidate_late,
        booking_confirmed, booking_confirmed_overseas_by_phone, booking_confirmed_video, booking_confirmed_group,
        booking_moved, booking_moved_with_a_message, missed_you, missed_you_without_any_slot, outcomes_missing,
        outcomes_missing_of_a_long_week, booking_cancelled_by_cfa, booking_cancelled_by_candidate, request_received_callback,
        request_received_message_overseas, request_received_where_answers_are_measured, request_answered_by_adviser, request_answered_without_account, request_answered_with_slots_kept, candidate_replied_to_who_follows,
        candidate_replied_with_other_hours, call_missed, personal_link,
        training_closed, centre_unreached, centre_unreached_but_managers_told, centre_unreached_without_anybody_nor_number,
        cfa_new_request_without_account, cfa_new_request_to_a_manager, adviser_new_booking, adviser_new_booking_group,
        adviser_new_booking_to_who_followed,
        adviser_booking_cancelled, adviser_booking_moved_away, adviser_booking_moved_here, invitation, invitation_to_one_more_cfa,
        move_instead, no_slot_left, no_slot_left_in_two_places, password_reset, password_changed, cfa_activation, cfa_activated_notice, booking_changed_hour_and_room,
        booking_changed_person_and_way, booking_cancelled_with_other_dates, adviser_slots_changed_received,
        adviser_slots_changed_and_cancelled, booking_confirmed_for_today, reminder_week, reminder_day_of_a_session,
        waitlist_joined, waitlist_joined_by_who_asks, seat_offered, seat_offered_earlier_to_who_asks, offer_ended,
        offer_ended_with_its_slot, waitlist_closed_with_the_session, waitlist_closed_when_it_begins,
        reminder_day_to_who_said_yes, reminder_day_to_a_parent, request_redirected_by_the_centre, request_redirected_by_choice,
        cfa_link_again, request_closed_not_for_us, request_closed_unreachable, request_closed_no_follow_up,
        redirect_asked, redirect_refused, cfa_new_request_of_another_centre,
        follow_up_owner, follow_up_owner_at_an_address, follow_up_team,
        follow_up_team_about_a_person_without_address, follow_up_candidate, follow_up_candidate_called_in_vain, contact_check,
        not_contacted, digest, digest_at_an_address,
        optout_invited, optout_active, optout_active_contact, optout_refused, premium_invited, premium_followed_up,
        premium_active, premium_active_contact, premium_refused, premium_reminder, platform_question,
    )
}  # fmt: skip
