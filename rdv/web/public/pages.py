"""Pages of the service, of a CFA and of a training: what is open there, the next free slots first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from rdv import announcements, clock, directory, french, inbox, modes, promise, slots
from rdv.errors import NotFound
from rdv.models import Cfa, Site, Training
from rdv.slots import FreeSlot
from rdv.web.public import frame
from rdv.web.public.blueprint import bp
from rdv.web.public.instead import ClosedTraining
from rdv.web.public.origin import carried, note_arrival, page_code
from rdv.web.public.shown import ShownDay, ShownSlot, days_of, slots_of

FIRST = 3  # on the first screen of a phone
UNFOLDED = 12  # more behind « Plus de dates », without another page
LISTED = 60  # on the page of all dates


@dataclass(frozen=True)
class Choice:
    """The free slots of a page: the first three, some more, and where the others are."""

    first: list[ShownSlot]
    more: list[ShownDay]
    rest_href: str | None
    zone: str | None


@dataclass(frozen=True)
class Way:
    """A mode of contact that is open, as a tile."""

    title: str
    text: str
    href: str
    icon: str


def choice_of(free: Sequence[FreeSlot], training: Training | None, here: str) -> Choice:
    """Lay out the free slots of a page whose address is `here`."""
    shown = slots_of(free[: FIRST + UNFOLDED], training)
    rest = len(free) > FIRST + UNFOLDED
    first = _first(shown.slots)
    return Choice(shown.slots[:first], days_of(shown.slots[first:]), here if rest else None, shown.zone)


def _first(shown: Sequence[ShownSlot]) -> int:
    """Return how many lines the first screen needs for three free slots: full sessions among them are no choice."""
    bookable = 0
    for number, slot in enumerate(shown[: 2 * FIRST], start=1):
        bookable += not slot.full
        if bookable == FIRST:
            return number
    return 2 * FIRST


def promised(cfa: Cfa, training: Training | None, now: datetime) -> promise.Promise:
    """Return when this CFA answers who asks now: what is usual there, and the date it promises."""
    return promise.when_asked(cfa, inbox.main_site(cfa, training), now)


def closed_notice(cfa: Cfa, training: Training | None, now: datetime) -> str | None:
    """Return what to say of a closure that holds now or begins soon."""
    return announcements.of_closure(cfa, inbox.main_site(cfa, training), now)


def opens_notice(cfa: Cfa, training: Training | None, now: datetime) -> str | None:
    """Return « mardi 1er décembre à 9 h », when online booking begins for slots already published."""
    opens_at = slots.next_opening(cfa, training, now, page_code())
    site = inbox.main_site(cfa, training)
    return french.moment(opens_at, site.timezone if site else clock.PARIS) if opens_at else None


def ways_of(cfa: Cfa, training: Training | None, now: datetime) -> list[Way]:
    """Return the other modes that a CFA keeps open there, with the answer it promises."""
    site = inbox.main_site(cfa, training)
    target: dict[str, Any] = {"training_id": training.public_id} if training else {"cfa_id": cfa.public_id}
    text = promised(cfa, training, now).sentence
    ways = []
    if modes.is_open("callback", cfa, site, training):
        ways.append(Way("Être rappelé", text, url_for("public.callback", **target, **carried()), "phone"))
    if modes.is_open("message", cfa, site, training):
        ways.append(Way("Écrire au centre", text, url_for("public.message", **target, **carried()), "mail"))
    return ways


@bp.get("/")
def home() -> ResponseReturnValue:
    """The service in a few words, and a search."""
    text = request.args.get("q", "").strip()[:80]
    return render_template("public/home.html", q=text, found=directory.search(text), kept=carried())


@bp.get("/formation/<public_id>")
def training(public_id: str) -> ResponseReturnValue:
    """A training: where, its next slots, and the other ways to reach the centre."""
    found = open_training(public_id)
    note_arrival(found.cfa)
    now = clock.now()
    here = url_for("public.training", public_id=public_id, dates="toutes", **carried())
    place = directory.shown_place(found.sites)
    if request.args.get("dates") == "toutes":
        since = _start(now, inbox.main_site(found.cfa, found))
        free = slots.free_for_training(found, now, LISTED + 1, since=since, platform=page_code(), with_full=True)
        return _all_dates(free, found.cfa, found, here)
    free = slots.free_for_training(found, now, FIRST + UNFOLDED + 1, platform=page_code(), with_full=True)
    return render_template(
        "public/training.html", training=found, cfa=found.cfa, place=place, choice=choice_of(free, found, here),
        ways=ways_of(found.cfa, found, now), phone=inbox.number_of(found.cfa, found), kept=carried(),
        closed=closed_notice(found.cfa, found, now), opens=None if free else opens_notice(found.cfa, found, now),
    )  # fmt: skip


@bp.get("/cfa/<public_id>")
def cfa(public_id: str) -> ResponseReturnValue:
    """A CFA: its next slots, the other ways to reach it, its trainings."""
    found = open_cfa(public_id)
    note_arrival(found)
    now = clock.now()
    here = url_for("public.cfa", public_id=public_id, dates="toutes", **carried())
    if request.args.get("dates") == "toutes":
        since = _start(now, inbox.main_site(found, None))
        free = slots.free_for_cfa(found, now, LISTED + 1, since=since, platform=page_code(), with_full=True)
        return _all_dates(free, found, None, here)
    free = slots.free_for_cfa(found, now, FIRST + UNFOLDED + 1, platform=page_code(), with_full=True)
    text = request.args.get("q", "").strip()[:80]
    number = max(request.args.get("page", 1, type=int), 1)
    trainings, more = directory.trainings_of(found, text, min(number, 1000))
    site = inbox.main_site(found, None)
    return render_template(
        "public/cfa.html", cfa=found, place=site.shown_address if site else found.city or "", q=text,
        choice=choice_of(free, None, here), ways=ways_of(found, None, now), phone=inbox.number_of(found, None), kept=carried(),
        trainings=trainings, searchable=bool(text or more or number > 1), previous=_page(found, text, number - 1),
        following=_page(found, text, number + 1) if more else None,
        closed=closed_notice(found, None, now), opens=None if free else opens_notice(found, None, now),
    )  # fmt: skip


def open_cfa(public_id: str) -> Cfa:
    """Return a CFA that takes candidates, or raise NotFound."""
    found = directory.get_cfa(public_id)
    frame.belongs_to(found)
    if found.closed_at is not None:
        raise NotFound("Ce centre de formation n’accueille plus de candidats. Cherchez-en un autre depuis l’accueil.")
    return found


def open_training(public_id: str) -> Training:
    """Return a training that takes candidates, or raise ClosedTraining or NotFound."""
    found = directory.get_training(public_id)
    frame.belongs_to(found.cfa)
    if not directory.is_open(found):
        raise ClosedTraining(found)
    return found


@bp.errorhandler(NotFound)
def not_found(error: NotFound) -> ResponseReturnValue:
    """Offer the search instead of a page that does not exist."""
    return way_out(
        "Page introuvable",
        error.message,
        [
            ("Chercher une formation ou un centre", url_for("public.home", **carried())),
            ("Recevoir à nouveau mon lien", url_for("public.resend")),
        ],
    )


def way_out(title: str, text: str, actions: list[tuple[str, str]], status: int = 404) -> ResponseReturnValue:
    """Return a page that says what happened and offers the next steps."""
    return render_template("public/way_out.html", title=title, text=text, actions=actions), status


def _all_dates(free: list[FreeSlot], cfa: Cfa, training: Training | None, here: str) -> ResponseReturnValue:
    """Every free slot, a page at a time; a page ends with a whole day."""
    shown = slots_of(free, training)
    days = days_of(shown.slots)
    following = None
    if len(free) > LISTED and len(days) > 1:
        last = free[-1].starts_at
        zone = directory.sites_by_id([free[-1].site_id])[free[-1].site_id].timezone
        following = f"{here}&depuis={clock.to_zone(last, zone).date().isoformat()}"
        days = days[:-1]
    back = _training_url(training) if training else _cfa_url(cfa)
    return render_template(
        "public/all_dates.html", title=training.shown_title if training else cfa.shown_name, days=days,
        zone=shown.zone, following=following, back=back,
    )  # fmt: skip


def _start(now: datetime, site: Site | None) -> datetime:
    """Return the instant from which dates are listed: `?depuis=2026-12-01`, never the past."""
    try:
        day = date.fromisoformat(request.args.get("depuis", ""))
        return max(now, clock.from_wall(day, time.min, site.timezone if site else clock.PARIS))
    except (ValueError, OverflowError):
        return now


def _page(cfa: Cfa, text: str, number: int) -> str | None:
    if number < 1:
        return None
    query: dict[str, Any] = {"q": text} if text else {}
    return url_for("public.cfa", public_id=cfa.public_id, page=number, **query, **carried(), _anchor="formations")


def _training_url(training: Training) -> str:
    return url_for("public.training", public_id=training.public_id, **carried())


def _cfa_url(cfa: Cfa) -> str:
    return url_for("public.cfa", public_id=cfa.public_id, **carried())
