"""What the clock does: invite, activate what nobody refused, follow up once, start each season anew, remind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from rdv import audit, bookable, outbox
from rdv.consents import acts, addresses, seasons, standing, telling
from rdv.db import db
from rdv.models import Cfa, Platform, PlatformConsent, PlatformQuestion, Training
from rdv.settings import settings

QUESTIONS_KEPT = timedelta(days=365)
REMINDED_WITHIN = timedelta(days=7)  # after its day: a worker that was stopped catches up, a new deployment does not


def to_invite_opt_out(_now: datetime) -> list[int]:
    """Return the centres that an opt_out platform has not told yet, with a training that candidates may ask about."""
    asked = sa.exists().where(PlatformConsent.cfa_id == Cfa.id, PlatformConsent.platform_id == Platform.id)
    query = (
        sa.select(Cfa.id)
        .join(Platform, sa.true())
        .where(Platform.life_cycle == "opt_out", Platform.active.is_(True), Cfa.closed_at.is_(None), ~asked)
        .where(_teaches())
        .distinct()
        .order_by(Cfa.id)
    )
    return list(db.session.scalars(query))


def invite_opt_out(cfa_id: int, now: datetime) -> None:
    """Tell one centre of every opt_out platform at once; without an address it is asked another day, never in silence."""
    cfa = db.session.get_one(Cfa, cfa_id)
    email = addresses.decision_maker(cfa)
    if email is None:
        return
    activates_at = now + timedelta(days=settings().opt_out_days)
    asked = sa.select(PlatformConsent.platform_id).where(PlatformConsent.cfa_id == cfa_id)
    query = sa.select(Platform).where(
        Platform.life_cycle == "opt_out", Platform.active.is_(True), Platform.id.not_in(asked)
    )
    made = [
        PlatformConsent(
            cfa_id=cfa_id, platform_id=platform.id, state="invited", invited_at=now, activates_at=activates_at
        )
        for platform in db.session.scalars(query.order_by(Platform.id))
    ]  # fmt: skip
    if made:
        db.session.add_all(made)
        db.session.flush()
        telling.tell("optout_invited", made[0], email, "1", now)


def to_activate(now: datetime) -> list[int]:
    """Return the centres whose days to refuse are over."""
    query = (
        sa.select(PlatformConsent.cfa_id)
        .join(PlatformConsent.platform)
        .where(PlatformConsent.state == "invited", PlatformConsent.activates_at <= now)
        .where(Platform.life_cycle == "opt_out", Platform.active.is_(True))
        .distinct()
    )
    return list(db.session.scalars(query))


def activate(cfa_id: int, now: datetime) -> None:
    """Open the opt_out platforms that a centre did not refuse in time, and tell it."""
    over = PlatformConsent.activates_at <= now
    done = [
        each for each in standing.opt_out_of(cfa_id) if acts.decide(each, ("invited",), "active", "silence", now, over)
    ]
    if done and done[0].cfa.closed_at is None:
        telling.tell_all("optout_active", done, now)


def to_invite_premium(now: datetime) -> list[tuple[int, int]]:
    """Return (platform, centre) of those never asked this season, with a training that the platform lists."""
    found: list[tuple[int, int]] = []
    query = sa.select(Platform).where(Platform.life_cycle == "premium", Platform.active.is_(True))
    for platform in db.session.scalars(query.order_by(Platform.id)).all():
        if seasons.in_campaign(platform, now):
            asked = sa.exists().where(
                PlatformConsent.cfa_id == Cfa.id, PlatformConsent.platform_id == platform.id
            )  # fmt: skip
            listed = _teaches(*bookable.listed_on(platform))
            cfas = sa.select(Cfa.id).where(Cfa.closed_at.is_(None), ~asked, listed).order_by(Cfa.id)
            found += [(platform.id, cfa_id) for cfa_id in db.session.scalars(cfas)]
    return found


def invite_premium(platform_and_cfa: tuple[int, int], now: datetime) -> None:
    """Ask one centre for its yes to one platform; not without an address."""
    platform_id, cfa_id = platform_and_cfa
    email = addresses.decision_maker(db.session.get_one(Cfa, cfa_id))
    if email is None:
        return
    made = PlatformConsent(cfa_id=cfa_id, platform_id=platform_id, state="invited", invited_at=now)
    db.session.add(made)
    db.session.flush()
    telling.tell("premium_invited", made, email, "1", now)


def to_follow_up(now: datetime) -> list[int]:
    """Return the invitations of premium platforms that nobody answered in time, never followed up; in campaign only."""
    query = (
        sa.select(PlatformConsent)
        .join(PlatformConsent.platform)
        .join(PlatformConsent.cfa)
        .where(PlatformConsent.state == "invited", PlatformConsent.followed_up_at.is_(None))
        .where(PlatformConsent.invited_at <= now - timedelta(days=settings().premium_follow_up_days))
        .where(Platform.life_cycle == "premium", Platform.active.is_(True), Cfa.closed_at.is_(None))
        .order_by(PlatformConsent.id)
    )
    return [each.id for each in db.session.scalars(query) if seasons.in_campaign(each.platform, now)]


def follow_up(consent_id: int, now: datetime) -> None:
    """Ask a second and last time."""
    consent = db.session.get_one(PlatformConsent, consent_id)
    email = addresses.decision_maker(consent.cfa)
    if email is None:
        return
    changed = db.session.connection().execute(
        sa.update(PlatformConsent)
        .where(
            PlatformConsent.id == consent_id, PlatformConsent.state == "invited",
            PlatformConsent.followed_up_at.is_(None),
        )
        .values(followed_up_at=now)
    )  # fmt: skip
    if changed.rowcount == 1:
        telling.tell("premium_followed_up", consent, email, "1", now)


def reset(now: datetime) -> int:
    """Forget, once its day has come, the invitations and refusals of the season that ends; return how many.

    Who said yes stays. Who did not is asked again by the next campaign.
    """
    forgotten = 0
    for platform in _premium():
        day = seasons.last_day(platform.reset_on, now)
        if day is None:
            continue
        said = sa.func.coalesce(PlatformConsent.decided_at, PlatformConsent.invited_at, PlatformConsent.created_at)
        done = db.session.connection().execute(
            sa.delete(PlatformConsent).where(
                PlatformConsent.platform_id == platform.id, PlatformConsent.state != "active", said < day
            )
        )
        if done.rowcount:
            forgotten += done.rowcount
            audit.record(
                "platform.season_reset", object_type="platform", object_id=platform.code, data={"count": done.rowcount}
            )
    return forgotten


def remind(now: datetime) -> int:
    """Repeat the commitment, once a year, to each address that receives requests from a platform; return how many mails."""
    written = 0
    for platform in _premium():
        day = seasons.last_day(platform.reminder_on, now)
        if day is None or now - day > REMINDED_WITHIN:
            continue
        query = (
            sa.select(PlatformConsent)
            .join(PlatformConsent.cfa)
            .where(PlatformConsent.platform_id == platform.id, PlatformConsent.state == "active")
            .where(PlatformConsent.decided_at < day, Cfa.closed_at.is_(None))
            .where(sa.or_(PlatformConsent.reminded_at.is_(None), PlatformConsent.reminded_at < day))
            .order_by(PlatformConsent.id)
        )
        for consent in db.session.scalars(query).all():
            changed = db.session.connection().execute(
                sa.update(PlatformConsent)
                .where(
                    PlatformConsent.id == consent.id, PlatformConsent.state == "active",
                    sa.or_(PlatformConsent.reminded_at.is_(None), PlatformConsent.reminded_at < day),
                )
                .values(reminded_at=now)
            )  # fmt: skip
            if changed.rowcount == 1:
                written += _remind_of(consent, platform, day, now)
    return written


def purge(now: datetime) -> None:
    """Forget the questions that were answered long ago, with the address of who asked."""
    db.session.execute(sa.delete(PlatformQuestion).where(PlatformQuestion.created_at < now - QUESTIONS_KEPT))


def _remind_of(consent: PlatformConsent, platform: Platform, day: datetime, now: datetime) -> int:
    emails = receivers(consent.cfa, platform)
    for email in emails:
        # One address of several centres is told once: the key names neither centre.
        key = telling.of_address(email)
        outbox.enqueue(
            "premium_reminder", email, f"premium_reminder:{platform.code}:{day.year}:{key}", cfa_id=consent.cfa_id,
            data={"consent": consent.public_id},
        )  # fmt: skip
    return len(emails)


def receivers(cfa: Cfa, platform: Platform) -> list[str]:
    """Return the addresses that a platform's requests reach: those of its trainings, the centre's when one gives none."""
    listed = sa.select(Training.id).where(Training.cfa_id == cfa.id, _open(*bookable.listed_on(platform)))
    if db.session.scalar(listed.limit(1)) is None:
        return []
    decides = addresses.decision_maker(cfa)
    return [*([decides] if decides else []), *addresses.contacts(cfa, [platform])]


def _premium() -> Iterable[Platform]:
    return db.session.scalars(sa.select(Platform).where(Platform.life_cycle == "premium").order_by(Platform.id)).all()


def _open(*more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(Training.published.is_(True), Training.closed_at.is_(None), *more)


def _teaches(*more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(Training.cfa_id == Cfa.id, _open(*more)).correlate(Cfa)
