"""Mails of changes in what is published: to each person booked, and once to each adviser whatever the count."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from rdv import clock, french, links, slots
from rdv.db import db
from rdv.mails import meeting, people
from rdv.mails.candidate import PAGE, WHY, booking_facts, still_coming, video_links
from rdv.mails.message import Kind, Mail, facts, named
from rdv.models import MeetingType, OutgoingMail, Site, Slot, User

LISTED = 5  # slots named in a mail to an adviser

Row = TypeVar("Row", Site, User, MeetingType)


def booking_changed(row: OutgoingMail) -> Mail:
    """The slot of a booking is no longer what it was: what it is now first, then what it was."""
    booking, reader = meeting.of(row), people.reader(row)
    slot, former = booking.slot, _former(row)
    moved = former.get("starts_at") != slot.starts_at.isoformat()
    done = "déplacé" if moved else "modifié"
    return Mail(
        subject=f"Rendez-vous {done} : {meeting.start_soon(slot)}",
        preheader=f"Votre centre de formation, {slot.cfa.shown_name}, a changé ce rendez-vous.",
        greeting=reader.greeting,
        paragraphs=(
            f"{reader.meeting} a été {done} par le centre de formation. Voici ce qui vaut désormais.",
            *(("Message du centre :",) if row.event and row.event.text else ()),
        ),
        quote=(row.event.text or "") if row.event else "",
        facts=booking_facts(booking, reader) + facts(*_what_was(former, slot)),
        button=(PAGE, links.personal(booking.request, row.to_email)),
        after=(
            "Vous gardez la même référence. L’invitation jointe met votre agenda à jour ; s’il n’y change pas, ajoutez-le à "
            "nouveau depuis votre page personnelle.",
            "Cela ne vous convient pas ? Annulez ou choisissez un autre créneau depuis votre page personnelle.",
        ),
        links=video_links(booking),
        footer_reason=WHY,
        reply_to=meeting.reply_to(slot),
        invitation=meeting.invitation(booking),
    )


def _former(row: OutgoingMail) -> dict[str, str | None]:
    """Return what the slot was, frozen in the event."""
    return dict(row.event.data.get("former") or {}) if row.event else {}


def _what_was(former: dict[str, str | None], slot: Slot) -> list[tuple[str, str | None]]:
    """Name what differs now: hour, person, place, kind of meeting; what is gone since is left out."""
    site = _by_public_id(Site, former.get("site"))
    adviser = _by_public_id(User, former.get("adviser"))
    kind = _by_public_id(MeetingType, former.get("meeting_type"))
    zone = site.timezone if site else slot.site.timezone
    starts_at, ends_at = (datetime.fromisoformat(former.get(name) or "") for name in ("starts_at", "ends_at"))
    when = f"{french.day(clock.to_zone(starts_at, zone), year=True)}, {french.time_range(starts_at, ends_at, zone)}"
    was = slots.PLACE_LABELS.get(former.get("place") or "", "")
    where = ", ".join(part for part in (was, site.shown_name if site else None) if part)
    if former.get("place") != "on_site":
        where = was
    place_changed = (former.get("place"), site) != (slot.place, slot.site)
    return [
        ("Ancien horaire", when if (starts_at, ends_at) != (slot.starts_at, slot.ends_at) else None),
        ("Auparavant avec", adviser.shown_name if adviser and adviser.id != slot.adviser_id else None),
        ("Lieu précédent", where if place_changed else None),
        (
            "Salle précédente",
            former.get("detail") if slot.place == former.get("place") == "on_site" and former.get("detail") != slot.place_detail else None,
        ),
        ("Rendez-vous prévu avant", kind.title if kind and kind.id != slot.meeting_type_id else None),
    ]  # fmt: skip


def _by_public_id(model: type[Row], public_id: str | None) -> Row | None:
    return db.session.scalar(sa.select(model).where(model.public_id == public_id)) if public_id else None


# -- to advisers ------------------------------------------------------------------------------------------------------


def adviser_slots_changed(row: OutgoingMail) -> Mail:
    """A colleague changed, cancelled or handed over slots: one mail for all of them; names of candidates stay behind."""
    data = row.data
    by, other = _by_public_id(User, data.get("by")), _by_public_id(User, data.get("other"))
    received, given = _slots(row, "received"), _slots(row, "given")
    who = by.shown_name if by else "Votre équipe"
    whom = other.shown_name if other and other.id != row.user_id else "un collègue"
    requests = int(data.get("requests") or 0)
    lines = [
        (f"{who} vous confie {_count(received)} de {whom}.", received),
        (f"{who} confie {_count(given)} de votre agenda à {whom}.", given),
        (f"{who} a modifié {_count(_slots(row, 'changed'))} de votre agenda.", _slots(row, "changed")),
        (f"{who} a annulé {_count(_slots(row, 'cancelled'))} de votre agenda.", _slots(row, "cancelled")),
    ]
    told = [text for text, found in lines if found]
    if requests:
        of_whom = french.plural(requests, "demande de candidat", "demandes de candidats")
        told.append(f"{who} vous confie {of_whom} à suivre.")
    every = [slot for _, found in lines for slot in found]
    booked = sum(1 for slot in every if slot.seats_taken)
    first = every[:LISTED]
    return Mail(
        subject=_subject(lines[0][1], lines[1][1], lines[2][1], lines[3][1], requests),
        preheader=told[0] if told else "",
        paragraphs=tuple(told),
        facts=facts(
            ("Créneaux", "\n".join(f"{meeting.when(slot)} – {slot.shown_title}" for slot in first)),
            ("Et aussi", french.plural(len(every) - LISTED, "autre créneau", "autres créneaux") if len(every) > LISTED else None),
            ("Avec des inscrits", str(booked) if booked else None),
        ),
        button=("Voir mon agenda", links.staff_agenda()),
        after=(
            "Les personnes inscrites sont prévenues. Votre calendrier abonné suivra à sa prochaine mise à jour.",
        ) if every else (),
        links=(("Voir les demandes à traiter", links.staff_inbox()),) if requests else (),
        footer_reason="Vous recevez ce message parce que ces créneaux ou ces demandes sont, ou étaient, à votre nom.",
    )  # fmt: skip


def _slots(row: OutgoingMail, name: str) -> list[Slot]:
    """Return the slots that a mail names, soonest first."""
    wanted = row.data.get(name) or []
    query = sa.select(Slot).where(Slot.public_id.in_(wanted)).order_by(Slot.starts_at, Slot.id)
    return list(db.session.scalars(query)) if wanted else []


def _count(found: list[Slot]) -> str:
    return french.plural(len(found), "créneau", "créneaux")


def _subject(received: list[Slot], given: list[Slot], changed: list[Slot], cancelled: list[Slot], requests: int) -> str:
    if received:
        return f"{_count(received)} de plus dans votre agenda"
    if requests:
        return f"{french.plural(requests, 'demande vous est confiée', 'demandes vous sont confiées')}"
    if given:
        return f"{_count(given)} de moins dans votre agenda"
    if changed:
        many = "modifiés" if len(changed) > 1 else "modifié"
        return f"{_count(changed)} {many} dans votre agenda"
    return f"{french.plural(len(cancelled), 'créneau annulé', 'créneaux annulés')} dans votre agenda"


def _works(row: OutgoingMail, now: datetime) -> bool:
    """Worth knowing while the person still works there, and for a week."""
    there = any(each.cfa_id == row.cfa_id and each.ended_at is None for each in named(row.user).memberships)
    return there and named(row.user).active and now < row.created_at + timedelta(days=7)


KINDS = {
    "booking_changed": Kind(booking_changed, still_coming, call_instead=True),
    "adviser_slots_changed": Kind(adviser_slots_changed, _works),
}
