"""Publish what was previewed, and remember the rule of a series."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rdv import closures, slots
from rdv.db import db, one_at_a_time
from rdv.errors import RdvError, SlotOverlap, TooClose
from rdv.models import Cfa, Slot, SlotSeries, User
from rdv.series.plan import Planned, fingerprint, preview
from rdv.series.rule import Range, Rule
from rdv.slots import Offer


class PlanChanged(RdvError):
    """What publishing would meet is not what was seen."""

    message = "Rien n’est encore publié\u00a0: relisez ces créneaux, quelque chose demande votre attention."
    status = 409


class NothingChosen(RdvError):
    message = "Cochez au moins un créneau à publier."
    status = 400


@dataclass(frozen=True)
class Published:
    """Slots just stored, and their series when a rule repeats them."""

    slots: list[Slot]
    series: SlotSeries | None


def publish(
    cfa: Cfa,
    adviser: User,
    planned: Sequence[Planned],
    now: datetime,
    *,
    by: User,
    keep: Collection[str] | None = None,
    seen: str | None = None,
    rule: Rule | None = None,
    allow_overlap: bool = False,
) -> Published:
    """Publish the planned slots whose keys are in `keep` (None: all), with a series row when a rule repeats.

    `seen`: the fingerprint of the preview shown; None when none was, and then nothing may speak against a slot.
    Raises SlotOverlap, TooClose, PlanChanged when a conflict is not one that was seen, NothingChosen.
    """
    slots.take_turn(adviser)
    one_at_a_time(closures.turns(cfa.id), shared=True)  # a closure being made is met, or shuts what we publish
    found = preview(cfa.id, adviser, planned, now)
    chosen = [(each, each.span) for each in found if each.possible and each.span and (keep is None or each.key in keep)]
    if not allow_overlap:
        if any("overlap" in each.kinds for each, _ in chosen) or slots.overlap_each_other([span for _, span in chosen]):
            raise SlotOverlap
        if any("near" in each.kinds for each, _ in chosen):
            raise TooClose
    if fingerprint(found) != seen and (seen is not None or any(each.conflicts for each in found)):
        raise PlanChanged
    if not chosen:
        raise NothingChosen
    series = _remember(cfa, adviser, chosen[0][0].planned.offer, rule) if rule and rule.repeats else None
    dated = [(span, each.planned.offer) for each, span in chosen]
    return Published(slots.store(cfa, adviser, dated, now, by=by, series=series), series)


def _remember(cfa: Cfa, adviser: User, offer: Offer, rule: Rule) -> SlotSeries:
    words = {"title": offer.title, "programme": offer.programme, "what_to_bring": offer.what_to_bring}
    series = SlotSeries(
        cfa_id=cfa.id,
        site_id=offer.site.id,
        adviser_id=adviser.id,
        meeting_type_id=offer.meeting_type.id,
        every_weeks=rule.every_weeks,
        weekdays=list(rule.chosen_weekdays),
        first_day=rule.first_day,
        last_day=rule.last_day,
        count=rule.count,
        ranges=[_range_text(one, rule) for one in rule.ranges],
        duration_minutes=rule.minutes,
        pause_minutes=rule.pause,
        place=offer.place,
        place_detail=offer.place_detail,
        capacity=offer.capacity,
        listed=offer.listed,
        training_scope=offer.training_scope,
        details={name: text for name, text in words.items() if text},
    )
    db.session.add(series)
    db.session.flush()  # the slots need its id
    return series


def _range_text(one: Range, rule: Rule) -> list[str]:
    start = datetime.combine(rule.first_day, one.starts)
    ends = one.ends or (start + timedelta(minutes=rule.minutes)).time()
    return [one.starts.strftime("%H:%M"), ends.strftime("%H:%M")]
