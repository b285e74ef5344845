"""Mails to a CFA's address or to its advisers. Contact details and messages stay behind the link."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from rdv import asker, french, inbox, links
from rdv.candidate import ASKERS, CALLBACK_WINDOWS, CANCEL_WORDS, REASONS
from rdv.clock import PARIS
from rdv.db import db
from rdv.mails import meeting, outcomes
from rdv.mails.message import Fact, Kind, Link, Mail, facts, named
from rdv.mails.people import asker_name, candidate_name
from rdv.models import Booking, CandidateRequest, Membership, OutgoingMail, Slot
from rdv.settings import settings

ACTIVATION = (
    "« Activer notre espace » permet de publier des créneaux et de suivre toutes les demandes avec vos collègues."
)
WHY_ADDRESS = (
    "Vous recevez ce message parce que cette adresse est celle d’une formation que votre centre déclare à son "
    "Carif-Oref. Pour la corriger, adressez-vous à votre Carif-Oref ; pour ne plus recevoir de demandes, "
    "écrivez à {support}."
)
WHY_MEMBER = (
    "Vous recevez ce message parce que vous faites partie de ce centre de formation. Un courriel par demande, un "
    "récapitulatif chaque matin ou les seuls rappels : choisissez dans votre profil."
)
LAST_OF_DAY = (
    "C’est notre dernier courriel d’aujourd’hui au sujet de vos demandes : les suivantes seront dans le récapitulatif du "
    "prochain matin ouvré, à 8 h 30."
)
WHY_ADVISER = "Vous recevez ce message parce que ce créneau est publié à votre nom."


def _asks(request: CandidateRequest) -> str | None:
    if request.asker == "candidate":
        return None
    name, label = asker_name(request), ASKERS[request.asker]
    return f"{name}, {label[:1].lower()}{label[1:]}" if name else label


def request_facts(request: CandidateRequest) -> tuple[tuple[str, str | None], ...]:
    reasons = ", ".join(REASONS[key] for key in request.reasons if key in REASONS)
    return (
        ("Candidat", candidate_name(request)),
        ("Demande faite par", _asks(request)),
        ("Formation", request.training.shown_title if request.training else None),
        ("Raisons", reasons),
    )


def request_page(row: OutgoingMail) -> Link:
    """Return where the reader of a mail opens the request: by a signed link at its address, else after signing in."""
    request = named(row.request)
    at_its_address = row.to_email == request.recipient_email
    return (
        "Lire la demande et y répondre",
        links.answer(request) if at_its_address else links.staff_request(request),
    )


def for_member(row: OutgoingMail) -> Membership | None:
    """Return the membership of who reads a mail about a CFA, None once they have left."""
    user = row.user
    if user is None or not user.active or row.to_email != user.email:
        return None
    return next((each for each in user.memberships if each.cfa_id == row.cfa_id and each.ended_at is None), None)


def cfa_new_request(row: OutgoingMail) -> Mail:
    """A callback or a message has arrived; read and answered behind the link, without an account if there is none."""
    request = named(row.request)
    cfa, callback = request.cfa, request.mode == "callback"
    zone = request.site.timezone if request.site else PARIS
    due = french.moment(request.due_at, zone) if request.due_at else None
    what = "Demande de rappel" if callback else "Message d’un candidat"
    at_its_address = row.to_email == request.recipient_email
    without_account = at_its_address and cfa.activated_at is None
    windows = ", ".join(CALLBACK_WINDOWS[key] for key in request.callback_windows if key in CALLBACK_WINDOWS)
    return Mail(
        subject=what + (f" – {request.training.shown_title}" if request.training else ""),
        preheader=f"Réponse attendue avant {due}." if due else "",
        paragraphs=(
            f"Une personne demande à être rappelée par {cfa.shown_name}."
            if callback
            else f"Une personne a écrit à {cfa.shown_name}.",
        ),
        facts=facts(
            ("Réponse attendue avant", due),
            *request_facts(request),
            ("Lieu", request.site.shown_name if request.site else None),
            ("Moments souhaités", windows),
            ("Transmise par", request.redirected_from.cfa.shown_name if request.redirected_from else None),
            ("Référence", request.reference),
        ),
        button=request_page(row),
        outcomes=outcomes.of(request, row.to_email),
        after=(
            "« Lire la demande » montre les coordonnées et le message du candidat, "
            + (
                "sans compte. Ce lien est réservé à votre adresse : ne le transférez pas."
                if at_its_address
                else "après connexion."
            ),
            *((ACTIVATION,) if without_account else ()),
            *((LAST_OF_DAY,) if row.data.get("last") else ()),
        ),
        links=(("Activer notre espace", links.activate(cfa, row.to_email)),) if without_account else (),
        footer_reason=WHY_ADDRESS.format(support=settings().support_email) if at_its_address else WHY_MEMBER,
    )


def cfa_link_again(row: OutgoingMail) -> Mail:
    """The link of a request, asked for again from one that was too old or had been replaced."""
    request = named(row.request)
    return replace(
        cfa_new_request(row),
        subject="Le lien pour répondre à une demande",
        paragraphs=("Voici un nouveau lien vers la demande que vous vouliez ouvrir.",),
        button=("Lire la demande et y répondre", links.answer(request, row.to_email)),
        after=(
            "Ce lien est réservé à votre adresse\u00a0: ne le transférez pas.",
            "Vous n’avez rien demandé\u00a0? Ignorez ce message\u00a0: rien n’a changé.",
        ),
        footer_reason="Vous recevez ce message parce que cette adresse a reçu cette demande et qu’un nouveau lien a été demandé.",
    )


def _facts(booking: Booking) -> tuple[Fact, ...]:
    slot, request = booking.slot, booking.request
    return facts(
        ("Quand", meeting.when(slot)),
        *request_facts(request),
        *meeting.place(slot, request.phone, for_candidate=False),
        ("Rendez-vous", slot.shown_title),
        ("Accompagnants", str(booking.guests) if booking.guests else None),
        ("Places prises", f"{slot.seats_taken} sur {slot.capacity}" if slot.is_group else None),
        ("Référence", request.reference),
    )


def adviser_new_booking(row: OutgoingMail) -> Mail:
    """Somebody took a seat: told to its adviser, and to the colleague who followed their request."""
    booking = meeting.of(row)
    if row.event is not None and row.user is not None and row.event.data.get("followed_by") == row.user.public_id:
        return _met_by_a_colleague(booking)
    return Mail(
        subject=f"Nouveau rendez-vous : {meeting.start(booking.slot)}",
        preheader=booking.slot.shown_title,
        paragraphs=("Une personne a réservé une place sur l’un de vos créneaux.",),
        facts=_facts(booking),
        button=("Voir la demande", links.staff_request(booking.request)),
        after=("Votre calendrier abonné l’affichera à sa prochaine mise à jour.",),
        links=(("Voir le créneau", links.staff_slot(booking.slot)),),
        footer_reason=WHY_ADVISER,
    )


def _met_by_a_colleague(booking: Booking) -> Mail:
    adviser = booking.slot.adviser.shown_name
    return Mail(
        subject=f"Rendez-vous pris avec {adviser}\u00a0: {meeting.start(booking.slot)}",
        preheader="Vous suiviez cette demande\u00a0: vous n’avez plus rien à faire.",
        paragraphs=(
            f"Cette personne, dont vous suiviez la demande, a rendez-vous avec {adviser}, qui s’en occupe désormais. "
            "Sa demande est terminée.",
        ),
        facts=_facts(booking),
        button=("Voir la demande", links.staff_request(booking.request)),
        footer_reason="Vous recevez ce message parce que vous suiviez cette demande.",
    )


def _who_acted(row: OutgoingMail, what: str) -> str:
    if not asker.acted(row.event):
        return f"La personne a {what} ce rendez-vous."
    return f"La personne qui a fait la demande a {what} ce rendez-vous."


def _cancelled_by_us(row: OutgoingMail) -> str:
    colleague = row.event.user if row.event else None
    if colleague is not None:
        return f"{colleague.shown_name} a annulé ce rendez-vous de votre agenda."
    return "Ce rendez-vous a été annulé par le service, car la personne ne peut pas l’honorer."


def adviser_booking_cancelled(row: OutgoingMail) -> Mail:
    """A seat was given back."""
    booking = meeting.of(row)
    by_candidate = booking.cancelled_by == "candidate"
    words = by_candidate and booking.cancel_reason
    return Mail(
        subject=f"Rendez-vous annulé : {meeting.start(booking.slot)}",
        preheader=booking.slot.shown_title,
        paragraphs=(
            _who_acted(row, "annulé") if by_candidate else _cancelled_by_us(row),
            "Sa place est de nouveau libre si le créneau est ouvert.",
        ),
        facts=facts(
            ("Raison donnée", CANCEL_WORDS.get(booking.cancel_choice or "")),
            ("Message", "la personne a laissé un mot : lisez-le dans la demande" if words else None),
        )
        + _facts(booking),
        button=("Voir le créneau", links.staff_slot(booking.slot)),
        links=(("Voir la demande", links.staff_request(booking.request)),),
        footer_reason=WHY_ADVISER,
    )


def adviser_booking_moved(row: OutgoingMail) -> Mail:
    """A booking left for another slot; both advisers are told."""
    booking = meeting.of(row)
    slot = booking.slot
    still_theirs = row.user_id == slot.adviser_id
    by_them = row.event is not None and row.event.actor == "candidate"
    return Mail(
        subject=f"Rendez-vous déplacé : {meeting.start(slot)}",
        preheader=slot.shown_title,
        paragraphs=(
            (_who_acted(row, "déplacé") if by_them else "Un rendez-vous de votre agenda a changé d’horaire.")
            if still_theirs
            else f"Un rendez-vous quitte votre agenda : {slot.adviser.shown_name} s’en occupe désormais.",
        ),
        facts=facts(("Ancien horaire", meeting.former_when(row))) + _facts(booking),
        button=("Voir la demande", links.staff_request(booking.request)),
        links=(("Voir le créneau", links.staff_slot(slot)),),
        footer_reason=WHY_ADVISER,
    )


def _unanswered(row: OutgoingMail, _now: datetime) -> bool:
    left = row.user_id is not None and for_member(row) is None
    return named(row.request).status in ("new", "in_progress") and not left


def _open_for_them(row: OutgoingMail, _now: datetime) -> bool:
    """A link goes to the address that receives the request, or to a member who is still one."""
    request = named(row.request)
    member = row.user is not None and row.user.active and row.user.email == row.to_email
    mine = row.to_email == request.recipient_email or (member and inbox.works_for(request.cfa_id, row.user_id or 0))
    return mine and request.status != "closed"


def _theirs(row: OutgoingMail) -> bool:
    return meeting.works_there(row.user, meeting.of(row).slot)


def _booked(row: OutgoingMail, _now: datetime) -> bool:
    return _theirs(row) and meeting.of(row).is_live and not meeting.moved_since(row)


def _moved(row: OutgoingMail, now: datetime) -> bool:
    """Who had the meeting until this move hears that it left, wherever it went since."""
    booking = meeting.of(row)
    if _booked(row, now):
        return True
    return _theirs(row) and booking.is_live and booking.slot.adviser_id != row.user_id and _left_them(row)


def _left_them(row: OutgoingMail) -> bool:
    origin = row.event.data.get("from") if row.event else None
    adviser_id = db.session.scalar(sa.select(Slot.adviser_id).where(Slot.public_id == origin)) if origin else None
    return adviser_id is not None and adviser_id == row.user_id


def _cancelled(row: OutgoingMail, _now: datetime) -> bool:
    return _theirs(row) and not meeting.of(row).is_live


KINDS = {
    "cfa_new_request": Kind(cfa_new_request, _unanswered),
    "cfa_link_again": Kind(cfa_link_again, _open_for_them),
    "adviser_new_booking": Kind(adviser_new_booking, _booked),
    "adviser_booking_cancelled": Kind(adviser_booking_cancelled, _cancelled),
    "adviser_booking_moved": Kind(adviser_booking_moved, _moved),
}
