"""Mails to candidates. Their address is not verified: nothing typed in a form is repeated (design.md §5.8)."""

from __future__ import annotations

from datetime import datetime

from rdv import announcements, french, links
from rdv.candidate import CALLBACK_WINDOWS
from rdv.clock import PARIS
from rdv.mails import meeting, people
from rdv.mails.message import Fact, Kind, Link, Mail, facts, named
from rdv.models import Booking, CandidateRequest, OutgoingMail

WHY = (
    "Vous recevez ce message parce que cette adresse a été donnée pour contacter un centre de formation. "
    "Si ce n’est pas vous, ignorez-le."
)
PAGE = "Ouvrir ma page personnelle"


def _facts(booking: Booking) -> tuple[Fact, ...]:
    slot, request, kind = booking.slot, booking.request, booking.slot.meeting_type
    return facts(
        ("Quand", meeting.when(slot)),
        ("Avec", f"{slot.adviser.shown_name}, {slot.cfa.shown_name}"),
        *meeting.place(slot, request.phone, for_candidate=True),
        ("Rendez-vous", kind.title + (" (réunion d’information collective)" if slot.is_group else "")),
        ("Formation", request.training.shown_title if request.training else None),
        ("À apporter", kind.what_to_bring),
        ("À savoir", kind.instructions),
        ("Téléphone du centre", french.phone(slot.site.phone or slot.cfa.phone)),
        ("Référence", request.reference),
    )


def _video(booking: Booking) -> tuple[Link, ...]:
    address = meeting.video_link(booking.slot)
    return (("Rejoindre la visioconférence", address),) if address else ()


def _other_slots(request: CandidateRequest) -> Link:
    address = links.training(request.training) if request.training else links.cfa(request.cfa)
    return ("Choisir un autre créneau", address)


def booking_confirmed(row: OutgoingMail) -> Mail:
    """A seat is booked: when, where, with whom, and how to give it back."""
    booking = meeting.of(row)
    slot, request = booking.slot, booking.request
    return Mail(
        subject=f"Rendez-vous confirmé : {meeting.start(slot)}",
        preheader=f"Avec {slot.cfa.shown_name}. Référence {request.reference}.",
        greeting=people.greeting(request),
        paragraphs=("Votre rendez-vous est confirmé. Vous n’avez rien d’autre à faire.",),
        facts=_facts(booking),
        button=(PAGE, links.personal(request)),
        after=(
            "Sur votre page personnelle, ajoutez le rendez-vous à votre agenda, retrouvez ces informations ou annulez.",
            "Un empêchement ? Annulez dès que possible : la place servira à quelqu’un d’autre, "
            "et vous pourrez choisir un autre créneau.",
        ),
        links=_video(booking),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def booking_moved(row: OutgoingMail) -> Mail:
    """A booking changed slot: the new hour first, then the former one."""
    booking = meeting.of(row)
    slot, request, before = booking.slot, booking.request, meeting.former(row)
    by_candidate = row.event is not None and row.event.actor == "candidate"
    return Mail(
        subject=f"Rendez-vous déplacé : {meeting.start(slot)}",
        preheader=f"Nouvel horaire de votre rendez-vous avec {slot.cfa.shown_name}.",
        greeting=people.greeting(request),
        paragraphs=(
            "Votre rendez-vous est déplacé, comme vous l’avez demandé."
            if by_candidate
            else "Le centre de formation a déplacé votre rendez-vous. Voici le nouvel horaire.",
        ),
        quote=(row.event.text or "") if row.event is not None and row.event.actor == "staff" else "",
        facts=_facts(booking) + facts(("Ancien horaire", meeting.when(before) if before else None)),
        button=(PAGE, links.personal(request)),
        after=(
            "Ce nouvel horaire ne vous convient pas ? Annulez depuis votre page personnelle et choisissez un autre créneau.",
        ),
        links=_video(booking),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def booking_cancelled(row: OutgoingMail) -> Mail:
    """A booking is cancelled: by whom, and what to do next. Only the CFA's own reason is repeated."""
    booking = meeting.of(row)
    slot, request = booking.slot, booking.request
    by_candidate = booking.cancelled_by == "candidate"
    by_cfa = booking.cancelled_by in ("staff", "cfa_link")
    return Mail(
        subject=f"Rendez-vous annulé : {meeting.start(slot)}",
        preheader="La place est libérée." if by_candidate else "Choisissez un autre créneau ou écrivez au centre.",
        greeting=people.greeting(request),
        paragraphs=(
            "Votre rendez-vous est annulé, comme vous l’avez demandé. Vous n’avez rien d’autre à faire."
            if by_candidate
            else "Ce rendez-vous n’aura pas lieu : il a été annulé. Nous en sommes désolés.",
        ),
        facts=facts(
            ("Rendez-vous annulé", meeting.when(slot)),
            ("Avec", f"{slot.adviser.shown_name}, {slot.cfa.shown_name}"),
            ("Raison donnée par le centre", booking.cancel_reason if by_cfa else None),
            ("Téléphone du centre", french.phone(slot.site.phone or slot.cfa.phone)),
            ("Référence", request.reference),
        ),
        button=_other_slots(request),
        after=(
            "Vous pouvez prendre un nouveau rendez-vous, demander à être rappelé ou écrire au centre.",
            "Si vous aviez ajouté ce rendez-vous à votre agenda, retirez-le.",
        ),
        links=((PAGE, links.personal(request)),),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
    )


def request_received(row: OutgoingMail) -> Mail:
    """A callback or a message is recorded: what was asked, and the date of the promised answer."""
    request = named(row.request)
    callback = request.mode == "callback"
    zone = request.site.timezone if request.site else PARIS
    promise = f"Réponse attendue avant {french.moment(request.due_at, zone)}." if request.due_at else ""
    windows = ", ".join(CALLBACK_WINDOWS[key] for key in request.callback_windows if key in CALLBACK_WINDOWS)
    ending = people.phone_ending(request.phone)
    cfa_phone = (request.site.phone if request.site else None) or request.cfa.phone
    closed = announcements.of_closure(request.cfa, request.site, request.created_at)
    return Mail(
        subject="Votre demande de rappel est enregistrée" if callback else "Votre message est enregistré",
        preheader=promise,
        greeting=people.greeting(request),
        paragraphs=(
            "Votre demande de rappel est enregistrée." if callback else "Votre message est enregistré.",
            *((promise,) if promise else ()),
            *((closed,) if closed else ()),
        ),
        facts=facts(
            ("Centre de formation", request.cfa.shown_name),
            ("Formation", request.training.shown_title if request.training else None),
            ("On vous appelle au", f"numéro qui se termine par {ending}" if callback and ending else None),
            ("Moments souhaités", windows if callback else None),
            ("Téléphone du centre", french.phone(cfa_phone)),
            ("Référence", request.reference),
        ),
        button=(PAGE, links.personal(request)),
        after=(
            "Gardez votre téléphone à portée : l’appel peut venir d’un numéro que vous ne connaissez pas."
            if callback
            else "La réponse arrivera à cette adresse. Regardez aussi dans les courriers indésirables.",
            "Pour suivre votre demande, ouvrez votre page personnelle. Au téléphone, donnez la référence ci-dessus.",
        ),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def request_answered(row: OutgoingMail) -> Mail:
    """The CFA's written answer, word for word, and how to reply."""
    request, event = named(row.request), row.event
    author = event.user if event else None
    name = request.cfa.shown_name
    reply_to = (author.email if author else None) or request.recipient_email
    return Mail(
        subject=f"{name} vous a répondu",
        preheader=f"Réponse à votre demande {request.reference}.",
        greeting=people.greeting(request),
        paragraphs=(f"{author.shown_name}, {name}, vous répond :" if author else f"{name} vous répond :",),
        quote=(event.text if event else None) or "",
        facts=facts(
            ("Formation", request.training.shown_title if request.training else None),
            ("Référence", request.reference),
        ),
        button=(PAGE, links.personal(request)),
        after=(
            "Pour répondre, utilisez « Répondre » dans votre messagerie : votre message ira au centre de formation."
            if reply_to
            else "Pour suivre votre demande ou prendre rendez-vous, ouvrez votre page personnelle.",
        ),
        footer_reason=WHY,
        reply_to=reply_to,
    )


def personal_link(row: OutgoingMail) -> Mail:
    """The link of the personal page, asked for again."""
    request = named(row.request)
    zone = request.site.timezone if request.site else PARIS
    what = {"slot": "Rendez-vous", "callback": "Demande de rappel", "message": "Message"}[request.mode]
    return Mail(
        subject="Le lien de votre page personnelle",
        preheader=f"Demande {request.reference}.",
        greeting=people.greeting(request),
        paragraphs=("Voici le lien de votre page personnelle. Gardez-le : il ne sert qu’à vous.",),
        facts=facts(
            ("Votre demande", f"{what} du {french.moment(request.created_at, zone)}"),
            ("Centre de formation", request.cfa.shown_name),
            ("Référence", request.reference),
        ),
        button=(PAGE, links.personal(request)),
        after=("Vous n’avez pas demandé ce lien ? Ignorez ce message : rien n’a changé.",),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def _theirs(row: OutgoingMail, _now: datetime) -> bool:
    """A personal link goes to the address of the request alone, were it corrected or erased in between."""
    return row.to_email == named(row.request).email


def _coming(row: OutgoingMail, now: datetime) -> bool:
    booking = meeting.of(row)
    return (
        _theirs(row, now)
        and booking.status == "booked"
        and booking.slot.starts_at > now
        and not meeting.moved_since(row)
    )


def _cancelled(row: OutgoingMail, now: datetime) -> bool:
    return _theirs(row, now) and not meeting.of(row).is_live


KINDS = {
    "booking_confirmed": Kind(booking_confirmed, _coming),
    "booking_moved": Kind(booking_moved, _coming),
    "booking_cancelled": Kind(booking_cancelled, _cancelled),
    "request_received": Kind(request_received, _theirs),
    "request_answered": Kind(request_answered, _theirs),
    "personal_link": Kind(personal_link, _theirs),
}
