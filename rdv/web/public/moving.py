"""Move a meeting alone: choose among what the centre keeps free; when it is gone, the nearest ones, and nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask.typing import ResponseReturnValue

from rdv import booking, clock, french, inbox, moves, slots
from rdv.db import transaction
from rdv.errors import (
    AlreadyBooked,
    EditedMeanwhile,
    FormExpired,
    FormRefused,
    NotFound,
    RdvError,
    SlotUnavailable,
    WrongTransition,
)
from rdv.models import Slot
from rdv.slots import FreeSlot
from rdv.web.forms import CHOOSE, check_button
from rdv.web.public.blueprint import bp
from rdv.web.public.forms import MoveForm
from rdv.web.public.reading import Reading, open_link
from rdv.web.public.sending import form_token
from rdv.web.public.shown import ShownDay, days_of, slots_of
from rdv.web.public.standing import standing_of

PURPOSE = "move"  # of the form token, bound to the request
UNFOLDED = 9  # more behind « Plus de dates »
GONE = "Ce créneau vient d’être pris. Votre rendez-vous n’a pas changé\u00a0: choisissez-en un autre."
CHANGED = "Ce rendez-vous a changé pendant que vous choisissiez. Voici où il en est\u00a0: choisissez à nouveau."


@dataclass(frozen=True)
class OtherKind:
    """The slots of another kind of meeting."""

    title: str
    days: list[ShownDay]


@dataclass(frozen=True)
class Choices:
    """The slots of the page: first the one chosen, or the nearest to the one that is gone; then the same kind, then others."""

    first: list[ShownDay]
    same: list[ShownDay]
    more: list[ShownDay]
    others: list[OtherKind]
    zone: str | None

    @property
    def any(self) -> bool:
        """False when there is nothing to choose."""
        return bool(self.first or self.same or self.others)


@bp.get("/suivi/<token>/deplacer")
def move(token: str) -> ResponseReturnValue:
    """Show where the meeting may move; `?creneau=` preselects one."""
    reading = open_link(token)
    if not reading.can_change:
        return reading.back()
    form = MoveForm(creneau=request.args.get("creneau", "")[:16], actuel=reading.held.slot.public_id)
    wanted = _wanted(form)
    gone = wanted is not None and moves.allowed(reading.held, wanted) and _free(reading, wanted) is None
    return _page(reading, form, gone=wanted if gone else None)


@bp.post("/suivi/<token>/deplacer")
def move_now(token: str) -> ResponseReturnValue:
    """Move to the chosen slot; a second click finds it done and shows the same."""
    reading = open_link(token)
    held, form = reading.held, MoveForm(request.form)
    try:
        check_button(PURPOSE, reading.request.public_id)
    except (FormExpired, FormRefused) as refusal:
        return _page(reading, form, refusal) if reading.can_change else reading.back()
    valid, wanted = form.validate(), _wanted(form)
    if valid and (wanted is None or not moves.allowed(held, wanted)):
        form.creneau.errors = [CHOOSE]
    if not valid or wanted is None or form.creneau.errors:
        return _page(reading, form, status=422)
    try:
        _move(reading, wanted, form.actuel.data)
    except (SlotUnavailable, AlreadyBooked, EditedMeanwhile, WrongTransition) as refusal:
        if moves.is_there(held, wanted):
            return reading.back()
        if not reading.can_change:
            return reading.back()
        gone = wanted if isinstance(refusal, SlotUnavailable) else None
        form.actuel.data = held.slot.public_id
        return _page(reading, form, refusal, gone=gone)
    return reading.back()


def _move(reading: Reading, wanted: Slot, current: str) -> None:
    """Move to a slot, or to the equal one of another adviser; each try is whole or leaves the booking where it was."""
    now, held = clock.now(), reading.held
    for target in booking.equal_slots(wanted, now):
        try:
            with transaction():
                if held.slot.public_id != current:
                    raise EditedMeanwhile(CHANGED)
                booking.move(held, target, "candidate", now, as_asker=reading.is_asker)
            return
        except SlotUnavailable:
            continue
    raise SlotUnavailable(GONE)


def _wanted(form: MoveForm) -> Slot | None:
    if not form.creneau.data:
        return None
    try:
        return slots.get_public(form.creneau.data)
    except NotFound:
        return None


def _free(reading: Reading, wanted: Slot) -> FreeSlot | None:
    now = clock.now()
    around = moves.targets(reading.held, now, since=max(now, wanted.starts_at - moves.AROUND))
    return next((slot for slot in around if slot.public_id == wanted.public_id), None)


def _page(
    reading: Reading, form: MoveForm, refusal: RdvError | None = None, status: int = 200, gone: Slot | None = None
) -> ResponseReturnValue:
    now, found = clock.now(), reading.request
    if refusal is not None:
        form.form_errors.append(refusal.message)
    page = render_template(
        "public/move.html", form=form, token=reading.token, standing=standing_of(reading, now), cfa=found.cfa,
        choices=_choices(reading, gone, None if gone else _wanted(form)), gone=gone and french.moment(gone.starts_at, gone.site.timezone),
        phone=inbox.phone_of(found),
        form_value=form_token(PURPOSE, found.public_id, fresh=request.method == "GET" or refusal is not None),
    )  # fmt: skip
    return page, refusal.status if refusal else status


def _choices(reading: Reading, gone: Slot | None, wanted: Slot | None) -> Choices:
    now, held = clock.now(), reading.held
    chosen = _free(reading, wanted) if wanted else None
    first = moves.nearest(held, gone, now) if gone else [chosen] if chosen else []
    above = {slot.public_id for slot in first} | ({gone.public_id} if gone else set())
    free = [slot for slot in moves.targets(held, now) if slot.public_id not in above]
    same = [slot for slot in free if slot.meeting_type_id == held.slot.meeting_type_id]
    others = [slot for slot in free if slot.meeting_type_id != held.slot.meeting_type_id][:UNFOLDED]
    titles = moves.titles(others)
    kinds = [
        OtherKind(title, _days([slot for slot in others if slot.meeting_type_id == key]))
        for key, title in titles.items()
    ]
    zone = slots_of([*first, *free], None).zone
    return Choices(_days(first), _days(same[:UNFOLDED]), _days(same[UNFOLDED:]), kinds, zone)


def _days(free: Sequence[FreeSlot]) -> list[ShownDay]:
    return days_of(slots_of(free, None).slots)
