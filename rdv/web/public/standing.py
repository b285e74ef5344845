"""Where a request stands, in the words of its candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rdv import asker, clock, french, inbox, ladder, offers, promise, sms, thread
from rdv.candidate import CALLBACK_WINDOWS, CANCEL_BUTTONS, CANCEL_WORDS, REASONS
from rdv.contacts import masked_email
from rdv.models import Booking, CandidateRequest, RequestEvent
from rdv.web.public.reading import Reading
from rdv.web.public.shown import PLACES

OUTCOMES = {
    "meeting_set": "Un rendez-vous est fixé avec le centre",
    "answered": "Le centre vous a répondu",
    "unreachable": "Le centre n’a pas réussi à vous joindre",
    "not_for_us": "Le centre indique que cette demande ne le concerne pas",
    "cancelled_by_candidate": "Vous avez annulé",
    "cancelled_by_cfa": "Le centre a annulé",
    "no_follow_up": "Votre demande est terminée",
    "waitlisted": "Sur la liste d’attente",
    "redirected": "Votre demande a été transmise à un autre centre",
}
# Of a request that has waited for a seat of a full session and holds none.
ON_LISTS = {
    "waitlisted": ("Sur la liste d’attente", "Dès qu’une place se libère, elle est proposée par courriel, à son tour."),
    "cancelled_by_candidate": ("Sortie de la liste d’attente", "D’autres dates sont possibles."),
    "cancelled_by_cfa": (
        "La réunion est annulée",
        "Le centre de formation l’a annulée. D’autres dates sont possibles.",
    ),
    "no_follow_up": ("L’attente est terminée", "Aucune place n’a été prise à temps. D’autres dates sont possibles."),
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
    "presence": "Venue confirmée",
    "late": "Retard annoncé",
    "slot_changed": "Rendez-vous modifié",
    "waitlisted": "Inscription sur la liste d’attente",
    "offered": "Place proposée",
    "offer_ended": "Place proposée, non prise",
    "left_waitlist": "Sortie de la liste d’attente",
    "candidate_note": "Message ajouté",
    "windows": "Nouveaux moments pour être rappelé",
    "contact_check": "Réponse à « avez-vous été contacté ? »",
    "redirect_asked": "Le centre propose de transmettre votre demande",
    "redirected": "Demande transmise",
    "follow_up": "Le service vous a prévenu du retard",
    "closed": "Demande terminée",
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


def standing_of(reading: Reading, now: datetime) -> Standing:
    """Say where a request stands, to the one of its people who reads."""
    found = reading.request
    held = found.booking
    if held is None:
        return _of_request(reading, now)
    if held.status == "cancelled" and found.status != "closed":
        # The centre cancelled and nobody could be mailed, or the person wrote before it was cancelled: an answer is due.
        title = OUTCOMES["cancelled_by_cfa"] + " ce rendez-vous"
        if held.cancelled_by == "candidate":
            title = _cancelled(reading, held)
        return Standing("warning", title, _expected(found, now), _when(held))
    return _of_booking(reading, held, now)


def _of_booking(reading: Reading, held: Booking, now: datetime) -> Standing:
    found, slot, asked = reading.request, held.slot, _asked(reading)
    if held.status == "cancelled":
        return Standing(
            "info", _cancelled(reading, held), "Vous pouvez en réserver un autre.", _when(held), facts=asked
        )
    if held.status != "booked":
        return Standing("info", BOOKINGS[held.status], "Merci de votre intérêt.", _when(held), facts=asked)
    if slot.ends_at <= now:
        return Standing("info", "Ce rendez-vous est passé", "Merci de votre intérêt.", _when(held), facts=asked)
    minutes = int((slot.ends_at - slot.starts_at).total_seconds() // 60)
    detail = slot.place_detail or None
    video = detail if slot.place == "video" and (detail or "").startswith("https://") else None
    facts: list[tuple[str, str | None]] = [
        ("Quoi", slot.shown_title),
        ("Comment", f"{PLACES[slot.place]}, {french.duration(minutes)}"),
        ("Adresse", "\n".join(filter(None, (slot.site.shown_name, slot.site.shown_address))) if slot.place == "on_site" else None),
        ("Précisions", detail if not video else None),
        ("Téléphone", _called(reading) if slot.place == "phone" else None),
        ("Accompagnants", str(held.guests) if held.guests else None),
        ("Venue", "Confirmée" if held.presence_at else None),
        ("Retard annoncé", french.duration(held.late_minutes) if held.late_minutes else None),
        *asked,
    ]  # fmt: skip
    return Standing(
        "success", "Rendez-vous confirmé", _known(reading, held) or _sent(reading), _when(held),
        f"Avec {slot.adviser.first_name}, {found.cfa.shown_name}", facts, video, slot.shown_what_to_bring,
        slot.meeting_type.instructions,
    )  # fmt: skip


def _cancelled(reading: Reading, held: Booking) -> str:
    """Say who cancelled."""
    if held.cancelled_by != "candidate":
        return OUTCOMES["cancelled_by_cfa"]
    last = next((event for event in reversed(reading.request.events) if event.kind == "cancelled"), None)
    if last is None or reading.acted(last):
        return "Vous avez annulé ce rendez-vous"
    return f"{_capital(reading.other)} a annulé ce rendez-vous"


def _called(reading: Reading) -> str | None:
    """Say whom the centre calls: the reader, at their number; the other one, without it."""
    found = reading.request
    if not found.phone:
        return None
    if asker.present(found) and asker.reads(found, found.phone) != reading.is_asker:
        return f"Le centre appellera {reading.other}"
    return f"Le centre vous appellera au {french.phone(found.phone)}"


def _known(reading: Reading, held: Booking) -> str | None:
    """Say what the centre already knows of the day: how late, or that they come."""
    if held.late_minutes:
        return f"Le centre est prévenu d’un retard d’environ {french.duration(held.late_minutes)}."
    if held.presence_at:
        who = f"{reading.request.first_name} vient" if reading.is_asker else "vous venez"
        return f"C’est noté : {who}. Si cela change, déplacez ou annulez le rendez-vous."
    return None


def _sent(reading: Reading) -> str:
    """Say where the confirmation goes; of the other's address, only that there is one."""
    found = reading.request
    own = found.asker_email if reading.is_asker else found.email
    if not reading.is_asker and asker.reads(found, own):
        own = None
    if own is None and (mobile := _texted(reading)):
        return f"Une confirmation est envoyée par SMS au {french.phone(mobile)}."
    if own is None:
        return "Notez votre référence et gardez l’adresse de cette page : elle permet de déplacer ou d’annuler."
    told = f"Une confirmation est envoyée à {masked_email(own)}."
    both = reading.is_asker and found.email and not asker.reads(found, found.email)
    return f"{told} {found.first_name} la reçoit aussi." if both else told


def _texted(reading: Reading) -> str | None:
    """Return the mobile of the reader that text messages go to, if any."""
    mobiles = sms.numbers(reading.request)
    return next((each for each in mobiles if asker.reads(reading.request, each) == reading.is_asker), None)


def _of_request(reading: Reading, now: datetime) -> Standing:
    found, facts = reading.request, _asked(reading)
    if found.mode == "slot" and found.outcome in ON_LISTS:
        offered = offers.live_of(found, now)
        if offered is not None:
            until = french.moment(offered.until, zone_of(found))
            return Standing("success", "Une place à accepter", f"Répondez avant {until}.", facts=facts)
        return Standing("info", *ON_LISTS[found.outcome], facts=facts)
    seen = inbox.settled_state(found, now)
    if seen.status == "closed":
        open_again = (
            " Vous pouvez encore choisir une date ou écrire au centre." if seen.outcome == "unreachable" else ""
        )
        return Standing(
            "info", OUTCOMES[seen.outcome or "no_follow_up"], f"Votre demande est terminée.{open_again}", facts=facts
        )
    if seen.status == "waiting_candidate":
        wrote = any(event.kind == "answer" for event in inbox.settled(found, now))
        text = "Sa réponse est ci-dessous." if wrote else "Il vous a parlé."
        return Standing("success", OUTCOMES["answered"], text, facts=facts)
    if seen.rung >= ladder.TOLD:
        title = "Le centre n’a pas réussi à vous joindre" if ladder.calls(found) else "Le centre n’a pas encore répondu"
        text = f"{ladder.what_happened(found)} Il a été relancé, et votre demande reste ouverte."
        return Standing("warning", title, text, facts=facts)
    if seen.attempts:
        return Standing("warning", _tried(seen.attempts), _next_try(found, seen, now), facts=facts)
    title = "Votre demande est envoyée" if found.mode == "message" else "Votre demande de rappel est envoyée"
    return Standing("success", title, _expected(found, now), facts=facts)


def _tried(attempts: int) -> str:
    return "Le centre a essayé de vous appeler" + (f" {attempts} fois" if attempts > 1 else "")


def _next_try(found: CandidateRequest, seen: inbox.state.State, now: datetime) -> str:
    """Say when the centre means to call again, and what the last try told of the number."""
    calls = [event for event in inbox.settled(found, now) if event.kind == "call"]
    if calls and calls[-1].data.get("result") == "wrong_number":
        return "Le numéro donné ne semble pas être le bon. Écrivez le bon au centre, plus bas, ou choisissez une date."
    if seen.next_attempt_at is None or seen.next_attempt_at <= now:
        return "Il rappellera. Vous pouvez aussi choisir une date, ou dire quand vous êtes joignable."
    when = french.moment(seen.next_attempt_at, zone_of(found))
    return f"Prochain essai prévu vers le {when}. Vous pouvez aussi choisir une date, ou d’autres moments."


def _expected(found: CandidateRequest, now: datetime) -> str:
    """Say when the centre should have answered."""
    if found.due_at is None:
        return "Le centre vous contactera."
    if found.due_at <= now:
        due = french.moment(found.due_at, zone_of(found))
        return f"Le centre devait vous répondre avant {due}. Il est en retard\u00a0: vous pouvez aussi l’appeler."
    expected = promise.of_request(found, now)
    return expected.to_who_waits if expected else "Le centre vous contactera."


def _asked(reading: Reading) -> list[tuple[str, str | None]]:
    """Return what was asked; the words of who asks for somebody are theirs, and stay with them."""
    found = reading.request
    by_other = asker.present(found) and not reading.is_asker
    facts: list[tuple[str, str | None]] = [
        ("Formation", found.training.shown_title if found.training else None),
        ("Au nom de", found.person_name),
        ("Demande faite par", _capital(reading.other) if by_other else None),
        ("Rappel", _called(reading) if found.mode == "callback" else None),
    ]
    if not by_other:
        facts += [
            ("Vos préférences", ", ".join(CALLBACK_WINDOWS[key] for key in found.callback_windows if key in CALLBACK_WINDOWS)),
            ("Vos questions", ", ".join(REASONS[key] for key in found.reasons if key in REASONS)),
            ("Votre message", found.text),
        ]  # fmt: skip
    return [*facts, ("Référence", found.reference)]


def _when(held: Booking) -> str:
    moment = french.moment(held.starts_at, held.slot.site.timezone)
    return _capital(moment)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def thread_of(reading: Reading) -> list[Line]:
    """Return what this reader may see of a request's history: never an internal event, nor the other's words."""
    zone = zone_of(reading.request)
    return [
        Line(
            french.moment(event.at, zone),
            _author(reading, event),
            thread.title(event, TITLES),
            _words(reading, event),
            event.kind,
        )
        for event in inbox.settled(reading.request, clock.now())
        if not event.internal and event.kind in TITLES
    ]


def _words(reading: Reading, event: RequestEvent) -> str | None:
    if event.actor == "candidate" and not reading.acted(event):
        return None
    if event.kind == "late":
        return french.duration(int(event.data["minutes"]))
    if event.kind == "windows":
        return ", ".join(CALLBACK_WINDOWS[key] for key in event.data.get("windows", ()) if key in CALLBACK_WINDOWS)
    chosen = (CANCEL_WORDS if reading.is_asker else CANCEL_BUTTONS).get(event.data.get("choice", ""))
    return " – ".join(filter(None, (chosen, event.text))) or None


def _author(reading: Reading, event: RequestEvent) -> str:
    if event.actor == "candidate":
        return "Vous" if reading.acted(event) else _capital(reading.other)
    if event.actor == "system":
        return "Le service"
    return event.user.first_name if event.user else "Le centre"
