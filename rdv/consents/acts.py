"""Answers of a centre: by the link of a mail, by its manager, or by the service team in its name."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from rdv import audit, bookable, outbox
from rdv.consents import addresses, telling
from rdv.db import db
from rdv.errors import RdvError
from rdv.models import Cfa, Platform, PlatformConsent, PlatformQuestion, PlatformSite, Site, User
from rdv.settings import settings


class NotPossible(RdvError):
    """The answer is already this one."""

    status = 409
    message = "Cette réponse est déjà enregistrée\u00a0: rien n’a changé."


def accept(consents: list[PlatformConsent], by: str, now: datetime, user: User | None = None) -> None:
    """Say yes, for the trainings of today and those to come; `by`: link, manager or team. Raises NotPossible when all said it."""
    # A link answers what was asked; who signs in may come back on a refusal.
    before = ("invited",) if by == "link" else ("invited", "refused")
    done = [each for each in consents if decide(each, before, "active", by, now)]
    if not done:
        raise NotPossible
    for consent in done:
        _audit("platform_consent.accepted", consent, by, user)
    if done[0].platform.life_cycle in ("opt_out", "premium"):
        telling.tell_all(f"{_kind(done[0])}_active", done, now)


def refuse(consents: list[PlatformConsent], by: str, now: datetime, user: User | None = None) -> None:
    """Say no, for every place of the centre. Raises NotPossible when nothing was left to refuse.

    A link refuses what is not decided yet, and an opt_out that silence decided; a premium yes is taken back by signing in,
    or by the service team.
    """
    done = []
    for consent in consents:
        opened = ("invited",) if by == "link" and consent.platform.life_cycle == "premium" else ("invited", "active")
        if decide(consent, opened, "refused", by, now):
            done.append(consent)
    if not done:
        raise NotPossible
    for consent in done:
        _audit("platform_consent.refused", consent, by, user)
    email = addresses.decision_maker(done[0].cfa)
    if email and done[0].platform.life_cycle in ("opt_out", "premium"):
        telling.tell(f"{_kind(done[0])}_refused", done[0], email, now.isoformat(), now)


def turn_on(cfa: Cfa, platform: Platform, by: str, now: datetime, user: User | None = None) -> None:
    """Say yes before being asked. Raises NotPossible when the centre already did."""
    accept([_row(cfa, platform)], by, now, user)


def hide(cfa: Cfa, platform: Platform, by: str, now: datetime, user: User | None = None) -> None:
    """Say no before being asked. Raises NotPossible when the centre already did."""
    refuse([_row(cfa, platform)], by, now, user)


def show_at(site: Site, platform: Platform, shown: bool | None, user: User) -> bool:
    """Show or hide one place whatever its centre chose; None: as the centre. Return whether that changed."""
    where = (PlatformSite.site_id == site.id, PlatformSite.platform_id == platform.id)
    before = db.session.scalar(sa.select(PlatformSite.shown).where(*where))
    if before is shown:
        return False
    db.session.execute(sa.delete(PlatformSite).where(*where))
    if shown is not None:
        db.session.add(PlatformSite(site_id=site.id, platform_id=platform.id, shown=shown))
    audit.record(
        "platform_site.changed", user=user, cfa=site.cfa, object_type="site", object_id=site.public_id,
        data={"platform": platform.code, "shown": shown},
    )  # fmt: skip
    return True


def ask(consent: PlatformConsent, text: str, email: str, now: datetime) -> None:
    """Send a question to the service team; the clock of the invitation goes on."""
    question = PlatformQuestion(consent_id=consent.id, text=text, email=email)
    db.session.add(question)
    db.session.flush()
    outbox.enqueue(
        "platform_question", settings().support_email, f"platform_question:{question.public_id}",
        cfa_id=consent.cfa_id, data={"question": question.public_id},
    )  # fmt: skip


def _row(cfa: Cfa, platform: Platform) -> PlatformConsent:
    """Return the answer of a centre, made « invited » when there was none; the unique constraint decides between two."""
    found = bookable.consent_of(cfa, platform)
    if found is None:
        found = PlatformConsent(cfa_id=cfa.id, platform_id=platform.id, state="invited")
        db.session.add(found)
        db.session.flush()
    return found


def decide(
    consent: PlatformConsent, before: tuple[str, ...], state: str, by: str, now: datetime, *also: sa.ColumnElement[bool]
) -> bool:
    """Write an answer over one of those before it, where `also` holds too; False when it is another already."""
    changed = db.session.connection().execute(
        sa.update(PlatformConsent)
        .where(PlatformConsent.id == consent.id, PlatformConsent.state.in_(before), *also)
        .values(state=state, decided_at=now, decided_by=by, activates_at=None)
    )
    db.session.expire(consent)
    return bool(changed.rowcount == 1)


def _audit(action: str, consent: PlatformConsent, by: str, user: User | None) -> None:
    audit.record(
        action, user=user, cfa=consent.cfa, object_type="platform_consent", object_id=consent.public_id,
        data={"platform": consent.platform.code, "by": by},
    )  # fmt: skip


def _kind(consent: PlatformConsent) -> str:
    return "optout" if consent.platform.life_cycle == "opt_out" else "premium"
