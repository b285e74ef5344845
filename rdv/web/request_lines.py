"""Requests in words: rows of a list, the due badge and the thread, for whoever answers them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from rdv import asker, attendance, clock, dead_addresses, french, inbox, ladder
from rdv import thread as thread_words
from rdv.candidate import ASKERS, CALLBACK_WINDOWS, CANCEL_WORDS, REASONS
from rdv.contacts import masked_email
from rdv.models import CandidateRequest, RequestEvent
from rdv.web.filters import mailto

EVENT_TITLES = {
    "created": "Demande reçue",
    "answer": "Réponse écrite",
    "note": "Note",
    "booked": "Rendez-vous réservé",
    "moved": "Rendez-vous déplacé",
    "cancelled": "Rendez-vous annulé",
    "reopened": "Demande rouverte",
    "opened_by_cfa": "Lue par le centre",
    "link_sent": "Lien renvoyé au candidat",
    "attendance": "Présence notée",
    "waitlisted": "Inscription sur liste d’attente",
    "offered": "Place proposée",
    "offer_ended": "Place proposée, non prise",
    "left_waitlist": "Sortie de la liste d’attente",
    "presence": "Venue confirmée",
    "late": "Retard annoncé",
    "slot_changed": "Créneau modifié",
    "answered_elsewhere": "Réponse donnée par un autre moyen",
    "candidate_note": "Message du candidat",
    "windows": "Nouveaux moments pour être rappelé",
    "undone": "Action annulée",
    "follow_up": "Relance",
    "contact_check": "Réponse à « avez-vous été contacté ? »",
    "mail_failed": "Message non remis",
    "redirect_asked": "Accord demandé pour transmettre",
    "redirected": "Demande transmise",
    "erased": "Données de la personne effacées",
}


EMAIL_STATES = {"doubtful": "À vérifier", "dead": "Adresse en erreur"}
# What a mail that reached nobody was, and whom it was for.
UNDELIVERED = {
    "centre": "Demande non reçue à l’adresse du centre",
    "candidate": "Courriel au candidat non remis",
    "asker": "Courriel à la personne qui demande non remis",
}
# The form sent again within four days: anybody may have typed this name and this contact.
AGAIN = {
    "callback": "Demande de rappel envoyée à nouveau (non vérifié)",
    "message": "Message envoyé à nouveau (non vérifié)",
}
FURTHER = {
    "address": "envoyée à une autre adresse",
    "managers": "les responsables sont prévenus",
    "nobody": "aucune autre adresse",
}


@dataclass(frozen=True)
class Badge:
    """A due date in words, and its state: late, today, done or None."""

    label: str
    state: str | None


@dataclass(frozen=True)
class Row:
    """A line of `components/inbox.html`."""

    href: str
    name: str
    mode: str
    mode_label: str
    training_label: str | None
    age_label: str
    due_label: str | None
    due_state: str | None
    owner_label: str | None
    last_label: str | None
    phone_href: str | None
    is_new: bool
    public_id: str = ""
    version: int = 0
    call_label: str | None = None  # a call that is planned, or that can be made now
    takeable: bool = False  # whoever reads may make it theirs


@dataclass(frozen=True)
class Line:
    """An event of `components/thread.html`."""

    when_label: str
    who_label: str
    title: str
    text: str | None
    internal: bool
    kind: str
    where_label: str | None = None
    undone: bool = False


# From where somebody acted; of the mail link, who did it says so already.
WHERE = {
    "staff": "depuis l’espace du centre",
    "cfa_link": None,
    "candidate": "sur sa page",
    "system": None,
}


def zone_of(request: CandidateRequest) -> str:
    """Return the zone in which a request is dated: that of its site."""
    return request.site.timezone if request.site else clock.PARIS


def due_badge(request: CandidateRequest, now: datetime) -> Badge | None:
    """Say when an answer is expected, or how the request stands once it no longer waits for the CFA."""
    if request.status == "closed":
        return Badge(inbox.OUTCOME_LABELS[request.outcome or "no_follow_up"], "done")
    if request.status == "waiting_candidate":
        return Badge("Répondu, au tour du candidat", "done")
    if request.due_at is None:
        return None
    if request.due_at < now:
        return Badge(f"En retard de {french.elapsed(now - request.due_at)}", "late")
    zone = zone_of(request)
    due = clock.to_zone(request.due_at, zone)
    days = (due.date() - clock.to_zone(now, zone).date()).days
    at = f"{french.clock_time(due)}{french.zone_suffix(zone)}"
    if days == 0:
        return Badge(f"Avant {at} aujourd’hui", "today")
    return Badge(f"Avant demain {at}" if days == 1 else f"Avant {french.short_day(due.date())}, {at}", None)


def row(request: CandidateRequest, now: datetime, href: str, person_id: int | None = None) -> Row:
    """Return a request as a line of the inbox; `person_id`: who reads it, and may take it."""
    badge = due_badge(request, now)
    meeting = request.booking
    age = f"Reçue il y a {french.elapsed(now - request.created_at)}"
    last = None
    if meeting is not None and meeting.is_live:
        last = french.moment(meeting.slot.starts_at, zone_of(request)).capitalize()
    return Row(
        href=href,
        name=request.person_name,
        mode=request.mode,
        mode_label=inbox.MODE_LABELS[request.mode],
        training_label=request.training.shown_title if request.training else None,
        age_label=age,
        due_label=badge.label if badge else None,
        due_state=badge.state if badge else None,
        owner_label=f"Suivie par {request.owner.shown_name}" if request.owner else None,
        last_label=last,
        phone_href=f"tel:{request.phone}" if request.phone and request.status in inbox.TO_TREAT else None,
        is_new=request.status == "new",
        public_id=request.public_id,
        version=request.version,
        call_label=_call_label(request, now) if request.status in inbox.TO_TREAT else None,
        takeable=person_id is not None and request.status in inbox.TO_TREAT and request.owner_id != person_id,
    )


def _call_label(request: CandidateRequest, now: datetime) -> str | None:
    """« Joignable maintenant », « À rappeler à 14 h », or nothing."""
    planned = request.next_attempt_at
    if inbox.calling.reachable_now(request, now) and (planned is None or planned <= now):
        return "Joignable maintenant"
    return f"À rappeler {call_moment(request, now)}" if planned is not None else None


def call_moment(request: CandidateRequest, now: datetime) -> str:
    """« maintenant », « aujourd’hui à 14 h », « ven. 27 nov. à 9 h »: when a planned call is to be made."""
    zone, planned = zone_of(request), request.next_attempt_at or now
    if planned <= now:
        return "maintenant"
    at = clock.to_zone(planned, zone)
    hour = f"{french.clock_time(at)}{french.zone_suffix(zone)}"
    today = at.date() == clock.to_zone(now, zone).date()
    return f"aujourd’hui à {hour}" if today else f"{french.short_day(at.date())} à {hour}"


def person_facts(request: CandidateRequest) -> list[tuple[str, str | Markup | None]]:
    """Return who asks and for whom, how to reach each and what about, as pairs for `facts`."""
    windows = [CALLBACK_WINDOWS.get(each, each) for each in request.callback_windows]
    # The asker's contact stands for the candidate's where they gave none: it is shown once, under its owner.
    phone = None if asker.reads(request, request.phone) else request.phone
    email = None if asker.reads(request, request.email) else request.email
    return [
        ("Nom", request.person_name),
        ("Téléphone", _phone(phone)),
        ("Adresse électronique", _email(email, _doubt(request, email))),
        ("Qui écrit", asker_label(request)),
        ("Son téléphone", _phone(request.asker_phone)),
        ("Son adresse électronique", _email(request.asker_email, _doubt(request, request.asker_email))),
        ("Joignable", "\n".join(windows)),
        ("Formation", request.training.shown_title if request.training else None),
        ("Lieu", request.site.shown_name if request.site else None),
        ("Sujets", "\n".join(REASONS.get(each, each) for each in request.reasons)),
    ]


def about(request: CandidateRequest) -> str:
    """« CAP Cuisine – Le matin (9 h – 12 h) »: what to know before calling, on one line; empty when nothing was said."""
    windows = [CALLBACK_WINDOWS.get(each, each) for each in request.callback_windows]
    training = request.training.shown_title if request.training else None
    return " – ".join(filter(None, (training, ", ".join(windows))))


def asker_label(request: CandidateRequest) -> str:
    """« Marie Lambert, un parent ou représentant légal », or the label alone."""
    label = ASKERS[request.asker]
    name = " ".join(filter(None, (request.asker_first_name, request.asker_last_name)))
    return f"{name}, {label[:1].lower()}{label[1:]}" if name else label


def _phone(number: str | None) -> Markup | None:
    return _link(number and f"tel:{number}", french.phone(number))


def _email(address: str | None, mark: str | None = None) -> Markup | None:
    link = _link(address and mailto(address), address or "")
    return Markup('{} <span class="fr-badge fr-badge--error">{}</span>').format(link, mark) if link and mark else link


def _doubt(request: CandidateRequest, address: str | None) -> str | None:
    """Say what stands against an address of a request: what we know of the candidate's, and of any that is dead."""
    if address and dead_addresses.is_dead(address):
        return EMAIL_STATES["dead"]
    return EMAIL_STATES.get(request.email_state or "") if address == request.email else None


def contact_warning(request: CandidateRequest) -> str | None:
    """Say how to reach the person when their address fails or looks mistyped; None when nothing is against it."""
    if request.email_state is None:
        return None
    if request.email_state == "doubtful":
        doubt = "L’adresse électronique est peut-être mal écrite"
        return (
            f"{doubt}\u00a0: appelez au {french.phone(request.phone)} pour la vérifier."
            if request.phone
            else f"{doubt}."
        )
    if request.phone:
        return f"Adresse en erreur\u00a0: appelez au {french.phone(request.phone)}, nos courriels n’arrivent pas."
    return "Adresse en erreur, sans numéro de téléphone\u00a0: rien de ce que vous écrivez n’arrive à cette personne."


def _link(target: str | None, words: str) -> Markup | None:
    return Markup('<a href="{}">{}</a>').format(target, words) if target else None


def thread(
    request: CandidateRequest, events: Iterable[RequestEvent], names: Mapping[str, str] | None = None
) -> list[Line]:
    """Return the events as lines; `names` gives those of colleagues by public identifier."""
    zone, undone = zone_of(request), inbox.state.undone_ids(request.events)
    return [
        Line(
            when_label=french.moment(event.at, zone),
            who_label=_who(request, event),
            title=_title(event, names or {}),
            text=_text(event),
            internal=event.kind == "note",
            kind=event.kind,
            where_label=None if _by_public_form(event) else WHERE[event.actor],
            undone=event.id in undone,
        )
        for event in events
    ]


def _by_public_form(event: RequestEvent) -> bool:
    """Say whether a form that anybody can send made this event: no personal page vouches for who wrote it."""
    return event.actor == "candidate" and (event.kind == "created" or bool((event.data or {}).get("public")))


def _who(request: CandidateRequest, event: RequestEvent) -> str:
    if event.actor == "candidate":
        return asker_label(request) if asker.acted(event) else request.person_name
    if event.actor == "cfa_link":
        whose = f" ({masked_email(request.recipient_email)})" if request.recipient_email else ""
        return f"{event.user.shown_name if event.user else f'Le centre{whose}'}, depuis le courriel"
    return event.user.shown_name if event.user else "Le service"


def _text(event: RequestEvent) -> str | None:
    """Return the words of an event; of a form sent again, also what it holds besides."""
    data = event.data or {}
    if event.kind != "candidate_note" or not data.get("public"):
        return event.text
    typed = data.get("typed", {})
    told = (
        ("Sujets", ", ".join(REASONS.get(each, each) for each in data.get("reasons", []))),
        ("Joignable", ", ".join(CALLBACK_WINDOWS.get(each, each) for each in data.get("windows", []))),
        ("Téléphone indiqué", french.phone(typed.get("phone"))),
        ("Fait la demande", " ".join(filter(None, (typed.get("asker_first_name"), typed.get("asker_last_name"))))),
        ("Son adresse électronique", typed.get("asker_email", "")),
        ("Son téléphone", french.phone(typed.get("asker_phone"))),
    )
    lines = [event.text or "", *(f"{label}\u00a0: {value}" for label, value in told if value)]
    return "\n".join(line for line in lines if line) or None


def _title(event: RequestEvent, names: Mapping[str, str]) -> str:
    if event.kind == "call":
        return f"Appel\u00a0: {inbox.CALL_RESULTS[event.data['result']].lower()}"
    if event.kind == "closed" and not event.data.get("why"):
        return f"Terminée\u00a0: {inbox.OUTCOME_LABELS[event.data['outcome']].lower()}"
    if event.kind == "attendance":
        told = attendance.OUTCOMES.get(event.data.get("outcome", ""))
        return f"Présence notée\u00a0: {told.lower()}" if told else "Présence effacée"
    if event.kind == "cancelled" and event.data.get("choice") in CANCEL_WORDS:
        return f"Rendez-vous annulé\u00a0: {CANCEL_WORDS[event.data['choice']].lower()}"
    if event.kind == "late":
        return f"Retard annoncé\u00a0: {french.duration(int(event.data['minutes']))}"
    if event.kind == "assigned":
        owner = event.data.get("owner")
        return f"Confiée à {names.get(owner, 'une personne partie')}" if owner else "Remise à toute l’équipe"
    if event.kind == "candidate_note" and event.data.get("public"):
        return AGAIN[event.data.get("mode", "message")]
    if event.kind == "mail_failed":
        said = UNDELIVERED.get(event.data.get("to", ""), EVENT_TITLES["mail_failed"])
        further = FURTHER.get(event.data.get("next", ""))
        return f"{said}\u00a0: {further}" if further else said
    if event.kind == "reopened" and event.data.get("why") == "mail_failed":
        return "À rappeler\u00a0: notre courriel n’est pas arrivé"
    if event.kind == "reopened" and event.data.get("why") == "no_email":
        return "À rappeler\u00a0: aucune adresse électronique pour prévenir"
    if event.kind == "follow_up":
        return _follow_up(event, names)
    if event.kind == "contact_check":
        return f"Avez-vous été contacté\u00a0? {'Oui' if event.data.get('contacted') else 'Non'}"
    if event.kind == "closed" and event.data.get("why") == "silent":
        return "Terminée d’elle-même"
    return thread_words.title(event, EVENT_TITLES)


def _follow_up(event: RequestEvent, names: Mapping[str, str]) -> str:
    """« Relance : rappel à Bob Garnier », « Le candidat a été prévenu du retard »."""
    rung = event.data.get("rung")
    if rung == ladder.TOLD:
        if event.data.get("unreachable"):
            return "Retard\u00a0: le candidat n’a pas pu être prévenu, seul un appel peut le joindre"
        return "Le candidat a été prévenu du retard"
    if rung == ladder.TEAM:
        return "Relance\u00a0: réponse en retard, l’équipe est prévenue"
    to = event.data.get("to", "")
    return f"Relance\u00a0: rappel à {names[to]}" if to in names else "Relance\u00a0: rappel au centre"
