"""Book for somebody on a slot: say who, read what stands against it, confirm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import attendance, booking_for, clock, french, inbox, notices, slots
from rdv.booking import ContactMissing, check_contact
from rdv.candidate import Candidate
from rdv.db import transaction
from rdv.errors import NotFound, RdvError, RequestReplayed, WrongTransition
from rdv.extensions import csrf
from rdv.models import Booking, CandidateRequest, Slot
from rdv.web import request_lines
from rdv.web.staff import slot_lines
from rdv.web.staff.blueprint import bp
from rdv.web.staff.book_for_forms import LastStepForm, PersonForm, SearchForm
from rdv.web.staff.choose_slot import asked_request, dated
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.posted import session_refusal

# -- who --------------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """One booking under way: the slot, the forms, and the request that it takes up, if any."""

    slot: Slot
    walk_in: bool
    known: CandidateRequest | None  # its own booking is made
    person: PersonForm
    last: LastStepForm

    @property
    def here(self) -> str:
        more: dict[str, Any] = {"sans-rendez-vous": 1} if self.walk_in else {}
        demande = self.known.public_id if self.known else None
        return url_for("staff.book_for", public_id=self.slot.public_id, demande=demande, **more)

    def who(self) -> Candidate | CandidateRequest:
        return self.known or self.person.candidate()


@bp.get("/equipe/creneaux/<public_id>/inscrire")
def book_for(public_id: str) -> ResponseReturnValue:
    """Ask who; for the person of a request, show at once what is known of them and what stands against it."""
    asked = asked_request()
    desk = _desk(public_id, asked)
    if asked is None:
        return _ask(desk)
    if desk.known is None:
        desk.person.take_from(asked)
        return _ask(desk)
    return _recap(desk)


@bp.post("/equipe/creneaux/<public_id>/inscrire")
@csrf.exempt  # each form checks its token, and keeps what was typed
def book_for_step(public_id: str) -> ResponseReturnValue:
    """Take one step: look for somebody known, show the recap, go back to the form, or book."""
    desk = _desk(public_id, asked_request())
    step = request.form.get("step")
    changed = session_refusal()
    if changed:
        return (_recap(desk, changed) if desk.known else _ask(desk, refusal=changed)), 400
    if step == "search":
        search = SearchForm()
        return _ask(desk, search) if search.validate() else (_ask(desk, search), 400)
    if step == "edit":
        return _ask(desk)
    if desk.known is None and not desk.person.validate():
        return _ask(desk), 400
    if not desk.walk_in:
        try:
            check_contact(desk.slot.place, desk.who())
        except ContactMissing as missing:
            return _contact_missing(desk, missing), missing.status
    return _confirm(desk) if step == "confirm" else _recap(desk)


def _desk(public_id: str, asked: CandidateRequest | None) -> Desk:
    found = slots.get_for_cfa(current_cfa().id, public_id)
    walk_in, now = "sans-rendez-vous" in request.args, clock.now()
    if found.status == "cancelled":
        raise WrongTransition("Ce créneau est annulé\u00a0: choisissez-en un autre.")
    if walk_in and not booking_for.can_walk_in(found, now):
        raise WrongTransition(
            "Une personne sans rendez-vous s’ajoute une fois la rencontre commencée, et jusqu’à la fin de la journée."
        )
    if not walk_in and found.ends_at <= now:
        raise WrongTransition("Ce créneau est passé\u00a0: choisissez-en un autre.")
    # A second click finds the meeting that the first one made: it is still this request's.
    own = asked if asked and (booking_for.takes_up(asked) or _is_here(asked, found)) else None
    person, last = PersonForm(), LastStepForm()
    person.offer(each for each in slots.trainings_to_offer(found.cfa_id) if slots.serves(found, each))
    last.offer(found)
    if not last.submission.data:
        last.renew()
    return Desk(found, walk_in, own, person, last)


def _is_here(asked: CandidateRequest, slot: Slot) -> bool:
    return request.method == "POST" and asked.booking is not None and asked.booking.slot_id == slot.id


# -- the last step ----------------------------------------------------------------------------------------------------


def _confirm(desk: Desk) -> ResponseReturnValue:
    if not desk.last.validate():
        return _recap(desk), 400
    try:
        made = _booked(desk)
    except booking_for.Unread as unread:
        return _recap(desk, unread.message, unread.hindrances), unread.status
    except ContactMissing as missing:
        return _contact_missing(desk, missing), missing.status
    except NotFound:
        raise
    except RequestReplayed:
        desk.last.renew()
        return _recap(desk, "Ce formulaire a déjà servi. Relisez, puis confirmez à nouveau."), 409
    except RdvError as refusal:
        return _recap(desk, refusal.message), refusal.status
    return _done(desk, made)


def _booked(desk: Desk) -> Booking:
    """Book, or return what a first click booked."""
    person, now = current_person(), clock.now()
    accepted = request.form.getlist("accepted")
    guests, tell = desk.last.guests.data, desk.last.tell.data
    if desk.known is not None and desk.known.booking is not None and desk.known.booking.is_live:
        return desk.known.booking
    with transaction():
        if desk.known is not None:
            return booking_for.book(
                desk.slot, desk.known, now, person, guests=guests, tell=tell, walk_in=desk.walk_in, accepted=accepted
            )
        return booking_for.book_new(
            desk.slot, desk.person.candidate(), desk.last.identity(), now, person,
            training=desk.person.chosen_training(), guests=guests, tell=tell, walk_in=desk.walk_in, accepted=accepted,
        )  # fmt: skip


def _done(desk: Desk, made: Booking) -> ResponseReturnValue:
    name, reference = made.request.person_name, made.request.reference
    if desk.walk_in:
        flash(f"{name} est sur la liste, sa présence est notée.", "success")
        return redirect(url_for("staff.day") + f"#rdv-{made.public_id}", 303)
    when = french.moment(desk.slot.starts_at, desk.slot.site.timezone)
    told = desk.last.tell.data and notices.reachable(made.request)
    how = (
        f"La confirmation part {_by(made.request)}."
        if told
        else "Rien n’est envoyé\u00a0: donnez l’heure et la référence."
    )
    flash(f"Rendez-vous pris pour {name}, {when}. Référence {reference}. {how}", "success")
    return redirect(url_for("staff.booking", public_id=made.public_id), 303)


def _by(who: Candidate | CandidateRequest) -> str:
    return "par courriel" if notices.addresses(who) else "par SMS"


# -- pages ------------------------------------------------------------------------------------------------------------


def _ask(desk: Desk, search: SearchForm | None = None, refusal: str | None = None) -> str:
    looked = search is not None and not search.errors and bool(search.text.data)
    found = (
        inbox.page(current_cfa().id, inbox.Filter(text=search.text.data), clock.now())[0] if looked and search else []
    )
    return render_template(
        "staff/book_for.html",
        desk=desk,
        slot=desk.slot,
        when=_when(desk.slot),
        person=desk.person,
        search=search or SearchForm(formdata=None),
        form=search if search is not None and search.errors else desk.person,
        searched=search.text.data if looked and search else None,
        found=[(*_line(each), _pick(desk, each)) for each in found],
        refusal=refusal,
        page_error=refusal is not None,
    )


def _contact_missing(desk: Desk, missing: ContactMissing) -> str:
    """Show the form again, the missing contact beside its field; a request's own contact is changed on its page."""
    if desk.known is not None:
        return _recap(desk, missing.message)
    desk.person.refuse(missing, desk.person[missing.field])
    return _ask(desk)


def _recap(
    desk: Desk, refusal: str | None = None, hindrances: list[booking_for.Hindrance] | None = None
) -> str:  # fmt: skip
    who, now = desk.who(), clock.now()
    guests = desk.last.guests.data if isinstance(desk.last.guests.data, int) else 0
    if hindrances is None:
        count = 1 + (guests if desk.slot.meeting_type.guests_counted else 0)
        hindrances = booking_for.against(desk.slot, who, now, wanted=count, walk_in=desk.walk_in)
    reachable = notices.reachable(who)
    if request.form.get("step") != "confirm":
        desk.last.tell.data = reachable
    others = inbox.with_contact(current_cfa().id, who.email, who.phone, but=desk.known.id if desk.known else None)
    training = desk.known.training if desk.known else desk.person.chosen_training()
    return render_template(
        "staff/book_for_confirm.html",
        desk=desk,
        slot=desk.slot,
        when=_when(desk.slot),
        who=who,
        name=f"{who.first_name} {who.last_name}",
        facts=[
            ("Quand", _when(desk.slot)),
            ("Où", slot_lines.where(desk.slot)),
            ("Avec", desk.slot.adviser.shown_name),
            ("Téléphone", french.phone(who.phone)),
            ("Adresse électronique", who.email),
            ("Formation", training.shown_title if training else None),
        ],
        closed=desk.slot.status == "closed" or not desk.slot.listed,
        hindrances=hindrances,
        accepted=request.form.getlist("accepted"),
        reachable=reachable,
        by=_by(who),
        last=desk.last,
        person=desk.person,
        history=[(*_line(each), _pick(desk, each) if booking_for.takes_up(each) else None) for each in others],
        absences=sum(each.booking is not None and each.booking.status == "no_show" for each in others),
        refusal=refusal,
        form=desk.last,
        page_error=refusal is not None,
    )


def _when(slot: Slot) -> str:
    return f"{dated(slot)}, {slot_lines.hours(slot)}"


def _line(known: CandidateRequest) -> tuple[str, str, str]:
    """Return who asked, what, and how it stands."""
    zone = request_lines.zone_of(known)
    held = known.booking
    if held is not None and held.is_live:
        outcome = attendance.OUTCOMES.get(held.status)
        coming = held.slot.ends_at > clock.now()
        state = outcome or ("À venir" if coming else "Non renseigné")
        return known.person_name, f"Rendez-vous du {french.moment(held.slot.starts_at, zone)}", state
    what = f"{inbox.MODE_LABELS[known.mode]}, {french.moment(known.created_at, zone)}"
    state = inbox.OUTCOME_LABELS.get(known.outcome or "", inbox.STATUS_LABELS[known.status])
    return known.person_name, what, state


def _pick(desk: Desk, known: CandidateRequest) -> str:
    more: dict[str, Any] = {"sans-rendez-vous": 1} if desk.walk_in else {}
    return url_for("staff.book_for", public_id=desk.slot.public_id, demande=known.public_id, **more)
