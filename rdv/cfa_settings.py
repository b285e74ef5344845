"""What a manager decides for the centre: modes of contact, promised time, names, opening hours. Each change is audited."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from rdv import audit, booking, clock, modes
from rdv.db import db
from rdv.errors import NotFound
from rdv.models import Cfa, Site, Slot, Training, User
from rdv.opening_hours import Span, rows_of, show_spans, week_of

_CONTACTS = ("disability_contact", "chosen_email")


def update_cfa(
    cfa: Cfa,
    by: User,
    *,
    name: str | None,
    email: str | None,
    callback_open: bool,
    message_open: bool,
    answer_days: int,
    disability_contact: str | None,
    sms_open: bool | None = None,
) -> bool:
    """Change a centre's settings; return whether anything changed. `answer_days` are working days, 1 to 4.

    `name` and `email` replace the catalogue's, which imports keep up to date; None brings the catalogue's again. `sms_open`: text
    messages beside mails, from the next one on, bookings already made included; None leaves it as it is.

    The deadlines of requests already received stay as they were promised.
    """
    wanted = {
        "chosen_name": name,
        "chosen_email": email,
        "callback_open": callback_open,
        "message_open": message_open,
        "answer_days": answer_days,
        "disability_contact": disability_contact,
        "sms_open": cfa.sms_open if sms_open is None else sms_open,
    }
    changed = {key: value for key, value in wanted.items() if getattr(cfa, key) != value}
    if not changed:
        return False
    # The contacts may be those of a person: the journal says that they changed, not what they were.
    told = {key: [getattr(cfa, key), value] for key, value in changed.items() if key not in _CONTACTS}
    for key, value in changed.items():
        setattr(cfa, key, value)
    audit.record(
        "cfa.settings_changed", user=by, cfa=cfa, object_type="cfa", object_id=cfa.public_id,
        data={"fields": sorted(changed), "changes": told},
    )  # fmt: skip
    if "chosen_name" in changed:
        booking.touch(Slot.cfa_id == cfa.id, clock.now())
    return True


def update_site(
    site: Site, by: User, name: str | None, email: str | None, week: list[list[Span]],
    opened: dict[str, bool | None] | None = None,
) -> bool:  # fmt: skip
    """Change a place's shown name, its address for requests (None: the catalogue's) and opening hours (spans of each weekday);
    return whether anything changed.

    `opened`: by mode, open or shut there, None as the centre; left as they are when not given. A new name shows in
    calendars: the coming slots of the place rise by one version.
    """
    before = week_of(site.opening_hours)
    renamed = site.chosen_name != name
    data: dict[str, object] = {}
    if renamed:
        data["name"] = [site.chosen_name, name]
        site.chosen_name = name
    if before != week:
        data["hours"] = [[show_spans(spans) for spans in each] for each in (before, week)]
        site.opening_hours = rows_of(week)
    data |= _choose_email(site, email) | _open_modes(site, opened or {})
    if not data:
        return False
    audit.record(
        "site.settings_changed", user=by, cfa=site.cfa, object_type="site", object_id=site.public_id, data=data
    )
    if renamed:
        booking.touch(Slot.site_id == site.id, clock.now())
    return True


def update_training(training: Training, by: User, email: str | None, opened: dict[str, bool | None]) -> bool:
    """Choose the address for the requests of one training (None: the catalogue's), open or shut its modes (None: as its
    place); return whether anything changed. Imports leave it alone."""
    data = _choose_email(training, email) | _open_modes(training, opened)
    if data:
        audit.record(
            "training.settings_changed", user=by, cfa=training.cfa, object_type="training",
            object_id=training.public_id, data=data,
        )  # fmt: skip
    return bool(data)


def _choose_email(place: Site | Training, email: str | None) -> dict[str, object]:
    """Write where the requests go, and return for the journal that it changed: the address may be a person's."""
    if place.chosen_email == email:
        return {}
    place.chosen_email = email
    return {"fields": ["chosen_email"]}


def _open_modes(place: Site | Training, opened: dict[str, bool | None]) -> dict[str, object]:
    """Write what was chosen of each mode, and return what changed for the journal."""
    changed: dict[str, object] = {}
    for mode, wanted in opened.items():
        before = modes.choice(mode, place)
        if before != wanted:
            setattr(place, f"{mode}_open", wanted)
            changed[mode] = [before, wanted]
    return changed


def get_training(cfa: Cfa, public_id: str) -> Training:
    """Return a training of this CFA that is not closed; raise NotFound."""
    found = db.session.scalar(
        sa.select(Training).where(
            Training.cfa_id == cfa.id, Training.public_id == public_id, Training.closed_at.is_(None)
        )
    )
    if found is None:
        raise NotFound
    return found


def sites_with_hours(cfa: Cfa) -> list[Site]:
    """Return the open places of a CFA with their opening hours, in two queries."""
    query = sa.select(Site).where(Site.cfa_id == cfa.id, Site.closed_at.is_(None)).order_by(Site.id)
    return list(db.session.scalars(query.options(selectinload(Site.opening_hours))))


def get_site(cfa: Cfa, public_id: str) -> Site:
    """Return an open place of this CFA; raise NotFound."""
    site = db.session.scalar(
        sa.select(Site).where(Site.cfa_id == cfa.id, Site.public_id == public_id, Site.closed_at.is_(None))
    )
    if site is None:
        raise NotFound
    return site
