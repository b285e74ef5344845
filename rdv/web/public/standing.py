"""Where a request stands, in the words of its candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rdv import clock, french
from rdv.candidate import CALLBACK_WINDOWS, REASONS
from rdv.contacts import masked_email
from rdv.models import Booking, CandidateRequest, RequestEvent
from rdv.web.public.shown import PLACES

OUTCOMES = {
    "meeting_set": "Un rendez-vous est fixé avec le centre",
    "answered": "Le centre vous a répondu",
    "unreachable": "Le centre n’a pas réussi à vous joindre",
    "not_for_us": "Le centre indique que cette demande ne le concerne pas",
    "cancelled_by_candidate": "Vous avez annulé",
    "cancelled_by_cfa": "Le centre a annulé",
    "no_follow_up": "Votre demande est terminée",
}
BOOKINGS = {
    "attended": "Vous avez rencontré le centre",
    "no_show": "Ce rendez-vous n’a pas eu lieu",
    "excused": "Ce rendez-vous n’a pas eu lieu",
}
TITLES = {
    "created": "Demande envoyée",
    "booked": "Rendez-vous réservé",
    "moved": "Rendez-vous déplacé",
    "cancelled": "Rendez-vous annulé",
    "answer": "Réponse du centre",
    "opened_by_cfa": "Demande lue par le centre",
}


@dataclass(frozen=True)
class Standing:
    """The head of a personal page: a state, a moment when there is one, what to know."""

    kind: str  # of components/ui.html alert()
    title: str
    text: str
    when: str | None = None
    who: str | None = None
    facts: list[tuple[str, str | None]] = field(default_factory=list)
    video_href: str | None = None
    bring: str | None = None
    instructions: str | None = None


@dataclass(frozen=True)
class Line:
    """An event of components/thread.html."""

    when_label: str
    who_label: str
    title: str
    text: str | None
    kind: str
    internal: bool = False


def zone_of(found: CandidateRequest) -> str:
    """Return the zone that dates a request: that of its place."""
    if found.booking:
        return found.booking.slot.site.timezone
    return found.site.timezone if found.site else clock.PARIS


def standing_of(found: CandidateRequest, now: datetime) -> Standing:
    """Say where a request stands."""
    held = found.booking
    if held is None:
        return _of_request(found, now)
    if held.status == "cancelled" and found.status != "closed":
        # The centre cancelled and nobody could be mailed: it must call.
        return Standing("warning", "Le centre a annulé ce rendez-vous", _expected(found, now), _when(held))
    return _of_booking(found, held, now)


def _of_booking(found: CandidateRequest, held: Booking, now: datetime) -> Standing:
    slot = held.slot
    if held.status == "cancelled":
        title = "Vous avez annulé ce rendez-vous" if held.cancelled_by == "candidate" else OUTCOMES["cancelled_by_cfa"]
        return Standing("info", title, "Vous pouvez en réserver un autre.", _when(held), facts=_asked(found))
    if held.status != "booked":
        return Standing("info", BOOKINGS[held.status], "Merci de votre intérêt.", _when(held), facts=_asked(found))
    if slot.ends_at <= now:
        return Standing("info", "Ce rendez-vous est passé", "Merci de votre intérêt.", _when(held), facts=_asked(found))
    minutes = int((slot.ends_at - slot.starts_at).total_seconds() // 60)
    detail = slot.place_detail or None
    video = detail if slot.place == "video" and (detail or "").startswith("https://") else None
    kind = slot.meeting_type
    facts: list[tuple[str, str | None]] = [
        ("Quoi", kind.title),
        ("Comment", f"{PLACES[slot.place]}, {french.duration(minutes)}"),
        ("Adresse", "\n".join(filter(None, (slot.site.shown_name, slot.site.shown_address))) if slot.place == "on_site" else None),
        ("Précisions", detail if not video else None),
        ("Téléphone", f"Le centre vous appellera au {french.phone(found.phone)}" if slot.place == "phone" else None),
        *_asked(found),
    ]  # fmt: skip
    sent = (
        f"Une confirmation est envoyée à {masked_email(found.email)}."
        if found.email
        else "Notez votre référence et gardez l’adresse de cette page\u00a0: elle permet d’annuler."
    )
    return Standing(
        "success", "Rendez-vous confirmé", sent, _when(held),
        f"Avec {slot.adviser.first_name}, {found.cfa.shown_name}", facts, video, kind.what_to_bring, kind.instructions,
    )  # fmt: skip


def _of_request(found: CandidateRequest, now: datetime) -> Standing:
    facts = _asked(found)
    if found.status == "closed":
        return Standing("info", OUTCOMES[found.outcome or "no_follow_up"], "Votre demande est terminée.", facts=facts)
    if found.status == "waiting_candidate":
        text = "Sa réponse est ci-dessous." if any(e.kind == "answer" for e in found.events) else "Il vous a parlé."
        return Standing("success", OUTCOMES["answered"], text, facts=facts)
    title = "Votre demande est envoyée" if found.mode == "message" else "Votre demande de rappel est envoyée"
    return Standing("success", title, _expected(found, now), facts=facts)


def _expected(found: CandidateRequest, now: datetime) -> str:
    """Say when the centre should have answered."""
    if found.due_at is None:
        return "Le centre vous contactera."
    due = french.moment(found.due_at, zone_of(found))
    if found.due_at <= now:
        return f"Le centre devait vous répondre avant {due}. Il est en retard\u00a0: vous pouvez aussi l’appeler."
    return f"Réponse attendue avant {due}."


def _asked(found: CandidateRequest) -> list[tuple[str, str | None]]:
    called = f"Vous serez appelé au {french.phone(found.phone)}" if found.mode == "callback" else None
    return [
        ("Formation", found.training.shown_title if found.training else None),
        ("Au nom de", found.person_name),
        ("Rappel", called),
        ("Vos préférences", ", ".join(CALLBACK_WINDOWS[key] for key in found.callback_windows if key in CALLBACK_WINDOWS)),
        ("Vos questions", ", ".join(REASONS[key] for key in found.reasons if key in REASONS)),
        ("Votre message", found.text),
        ("Référence", found.reference),
    ]  # fmt: skip


def _when(held: Booking) -> str:
    moment = french.moment(held.slot.starts_at, held.slot.site.timezone)
    return moment[:1].upper() + moment[1:]


def thread_of(found: CandidateRequest) -> list[Line]:
    """Return what the candidate may see of a request's history: never an internal event."""
    zone = zone_of(found)
    return [
        Line(french.moment(event.at, zone), _author(event), TITLES[event.kind], event.text, event.kind)
        for event in found.events
        if not event.internal and event.kind in TITLES
    ]


def _author(event: RequestEvent) -> str:
    if event.actor == "candidate":
        return "Vous"
    if event.actor == "system":
        return "Le service"
    return event.user.first_name if event.user else "Le centre"
