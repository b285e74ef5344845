"""Mails to candidates, and to the parent or helper who asks for one: each reads what concerns them, through their own link.

Their addresses are not verified: nothing typed is repeated, except a name that can only be a name (design.md §5.8).
"""

from __future__ import annotations

from datetime import datetime

from rdv import announcements, asker, clock, french, links, notices, promise
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
MOVE = "Déplacer le rendez-vous"


def booking_facts(booking: Booking, who: people.Reader) -> tuple[Fact, ...]:
    slot, request = booking.slot, booking.request
    own_number = not asker.present(request) or asker.reads(request, request.phone) == who.is_asker
    return facts(
        ("Quand", meeting.when(slot)),
        ("Avec", f"{slot.adviser.shown_name}, {slot.cfa.shown_name}"),
        *meeting.place(slot, request.phone, for_candidate=True, called=None if own_number else who.other),
        ("Rendez-vous", slot.shown_title + (" (réunion d’information collective)" if slot.is_group else "")),
        ("Accompagnants", str(booking.guests) if booking.guests else None),
        ("Formation", request.training.shown_title if request.training else None),
        ("À apporter", slot.shown_what_to_bring),
        ("À savoir", slot.meeting_type.instructions),
        ("Téléphone du centre", french.phone(slot.site.phone or slot.cfa.phone)),
        ("Référence", request.reference),
    )


def video_links(booking: Booking) -> tuple[Link, ...]:
    address = meeting.video_link(booking.slot)
    return (("Rejoindre la visioconférence", address),) if address else ()


def _other_slots(request: CandidateRequest) -> Link:
    address = links.training(request.training) if request.training else links.cfa(request.cfa)
    return ("Choisir un autre créneau", address)


def _as_asked(row: OutgoingMail, who: people.Reader, what: str) -> str:
    """« Votre rendez-vous est annulé, comme vous l’avez demandé. », or at whose request it is when the other did it."""
    if row.event is None or who.acted(row.event):
        return f"{who.meeting} est {what}, comme vous l’avez demandé."
    return f"{who.meeting} est {what}, à la demande {french.of_name(who.other)}."


def booking_confirmed(row: OutgoingMail) -> Mail:
    """A seat is booked: when, where, with whom, and how to give it back."""
    booking, who = meeting.of(row), people.reader(row)
    slot, request = booking.slot, booking.request
    taken_for_them = asker.present(request) and not who.is_asker
    return Mail(
        subject=f"Rendez-vous confirmé : {meeting.start_soon(slot)}",
        preheader=f"Avec {slot.cfa.shown_name}. Référence {request.reference}.",
        greeting=who.greeting,
        paragraphs=(
            f"Un rendez-vous est pris pour vous par {who.other}. Il est confirmé : vous n’avez rien d’autre à faire."
            if taken_for_them
            else f"{who.meeting} est confirmé. Vous n’avez rien d’autre à faire.",
        ),
        facts=booking_facts(booking, who),
        button=(PAGE, links.personal(request, row.to_email)),
        after=(
            *(("Gardez ce message : c’est aussi votre rappel.",) if meeting.is_soon(slot) else ()),
            "L’invitation jointe l’ajoute à votre agenda. Répondre depuis l’agenda ne prévient pas le centre : pour le déplacer "
            "ou l’annuler, ouvrez votre page personnelle.",
            "Un empêchement ? Déplacez-le ou annulez-le dès que possible : la place servira à quelqu’un d’autre.",
        ),
        links=(*video_links(booking), (MOVE, links.move(request, row.to_email))),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
        invitation=meeting.invitation(booking),
    )


def booking_moved(row: OutgoingMail) -> Mail:
    """A booking changed slot: the new hour first, then the former one."""
    booking, who = meeting.of(row), people.reader(row)
    slot, request = booking.slot, booking.request
    by_them = row.event is not None and row.event.actor == "candidate"
    return Mail(
        subject=f"Rendez-vous déplacé : {meeting.start_soon(slot)}",
        preheader=f"Nouvel horaire du rendez-vous avec {slot.cfa.shown_name}.",
        greeting=who.greeting,
        paragraphs=(
            _as_asked(row, who, "déplacé")
            if by_them
            else f"Le centre de formation a changé l’horaire. {who.meeting} a lieu au moment indiqué ici.",
        ),
        quote=(row.event.text or "") if row.event is not None and row.event.actor == "staff" else "",
        facts=booking_facts(booking, who) + facts(("Ancien horaire", meeting.former_when(row))),
        button=(PAGE, links.personal(request, row.to_email)),
        after=(
            "Ce nouvel horaire ne convient pas ? Choisissez-en un autre, ou annulez depuis votre page personnelle.",
            "L’invitation jointe met votre agenda à jour. S’il n’y change pas, ajoutez-le à nouveau depuis cette page.",
        ),
        links=(*video_links(booking), (MOVE, links.move(request, row.to_email))),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
        invitation=meeting.invitation(booking),
    )


def booking_cancelled(row: OutgoingMail) -> Mail:
    """A booking is cancelled: by whom, and what to do next. Only the CFA's own reason is repeated."""
    booking, who = meeting.of(row), people.reader(row)
    slot, request = booking.slot, booking.request
    by_candidate = booking.cancelled_by == "candidate"
    by_cfa = booking.cancelled_by in ("staff", "cfa_link")
    dates = meeting.other_dates(booking) if by_cfa else ()
    return Mail(
        subject=f"Rendez-vous annulé : {french.moment(booking.starts_at, slot.site.timezone)}",
        preheader="La place est libérée." if by_candidate else "Choisissez un autre créneau ou écrivez au centre.",
        greeting=who.greeting,
        paragraphs=(
            f"{_as_asked(row, who, 'annulé')} Vous n’avez rien d’autre à faire."
            if by_candidate
            else "Ce rendez-vous n’aura pas lieu : il a été annulé. Nous en sommes désolés.",
            *(("D’autres dates sont proposées dans ce message : ouvrez celle qui vous convient.",) if dates else ()),
        ),
        facts=facts(
            ("Rendez-vous annulé", meeting.was(slot, booking.starts_at)),
            ("Avec", f"{slot.adviser.shown_name}, {slot.cfa.shown_name}"),
            ("Raison donnée par le centre", booking.cancel_reason if by_cfa else None),
            ("Téléphone du centre", french.phone(slot.site.phone or slot.cfa.phone)),
            ("Référence", request.reference),
        ),
        button=_other_slots(request),
        after=(
            "Vous pouvez prendre un nouveau rendez-vous, demander à être rappelé ou écrire au centre.",
            "L’annulation jointe le retire de votre agenda. S’il y reste, retirez-le vous-même.",
        ),
        links=(*dates, (PAGE, links.personal(request, row.to_email))),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
        invitation=meeting.invitation(booking),
    )


def request_received(row: OutgoingMail) -> Mail:
    """A callback or a message is recorded: what was asked, and the date of the promised answer."""
    request = named(row.request)
    callback = request.mode == "callback"
    expected = promise.of_request(request, clock.now())
    told = expected.to_who_waits if expected else ""
    windows = ", ".join(CALLBACK_WINDOWS[key] for key in request.callback_windows if key in CALLBACK_WINDOWS)
    ending = people.phone_ending(request.phone)
    cfa_phone = (request.site.phone if request.site else None) or request.cfa.phone
    closed = announcements.of_closure(request.cfa, request.site, request.created_at)
    return Mail(
        subject="Votre demande de rappel est enregistrée" if callback else "Votre message est enregistré",
        preheader=told,
        greeting=people.greeting(request, row.to_email),
        paragraphs=(
            "Votre demande de rappel est enregistrée." if callback else "Votre message est enregistré.",
            *((told,) if told else ()),
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
        button=(PAGE, links.personal(request, row.to_email)),
        after=(
            "Gardez votre téléphone à portée : l’appel peut venir d’un numéro que vous ne connaissez pas."
            if callback
            else "La réponse arrivera à cette adresse. Regardez aussi dans les courriers indésirables.",
            "Pour suivre votre demande, ouvrez votre page personnelle. Au téléphone, donnez la référence ci-dessus.",
        ),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def personal_link(row: OutgoingMail) -> Mail:
    """The link of the personal page, asked for again."""
    request = named(row.request)
    zone = request.site.timezone if request.site else PARIS
    what = {"slot": "Rendez-vous", "callback": "Demande de rappel", "message": "Message"}[request.mode]
    return Mail(
        subject="Le lien de votre page personnelle",
        preheader=f"Demande {request.reference}.",
        greeting=people.greeting(request, row.to_email),
        paragraphs=("Voici le lien de votre page personnelle. Gardez-le : il ne sert qu’à vous.",),
        facts=facts(
            ("Votre demande", f"{what} du {french.moment(request.created_at, zone)}"),
            ("Centre de formation", request.cfa.shown_name),
            ("Référence", request.reference),
        ),
        button=(PAGE, links.personal(request, row.to_email)),
        after=("Vous n’avez pas demandé ce lien ? Ignorez ce message : rien n’a changé.",),
        footer_reason=WHY,
        reply_to=request.recipient_email,
    )


def theirs(row: OutgoingMail, _now: datetime) -> bool:
    """A personal link goes to the addresses of the request alone, were they corrected or erased in between."""
    return row.to_email in notices.addresses(named(row.request))


def still_coming(row: OutgoingMail, now: datetime) -> bool:
    booking = meeting.of(row)
    return (
        theirs(row, now)
        and booking.status == "booked"
        and booking.slot.starts_at > now
        and not meeting.moved_since(row)
    )


def _cancelled(row: OutgoingMail, now: datetime) -> bool:
    return theirs(row, now) and not meeting.of(row).is_live


KINDS = {
    "booking_confirmed": Kind(booking_confirmed, still_coming, call_instead=True),
    "booking_moved": Kind(booking_moved, still_coming, call_instead=True),
    "booking_cancelled": Kind(booking_cancelled, _cancelled, call_instead=True),
    "request_received": Kind(request_received, theirs),
    "personal_link": Kind(personal_link, theirs),
}
