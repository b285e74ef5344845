"""Passing a request on, once: the place changes, or another centre receives a request of its own."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rdv import asker, contact_resolution, inbox, notices, thread
from rdv.candidate import Candidate
from rdv.db import db, violated
from rdv.errors import EditedMeanwhile, RdvError, WrongTransition
from rdv.models import CandidateRequest, Membership, RequestEvent, Site, User, membership_site
from rdv.redirecting import agreement
from rdv.redirecting.followed import continuations, continued
from rdv.redirecting.target import GONE, Target, is_open


class AlreadyRedirected(WrongTransition):
    """Somebody else passed it on elsewhere."""

    message = "Cette demande a déjà été transmise à un autre centre."


def redirect(
    request: CandidateRequest,
    target: Target,
    actor: str,
    now: datetime,
    *,
    user: User | None = None,
    text: str | None = None,
    agreed: bool = False,
    as_asker: bool = False,
    version: int | None = None,
) -> CandidateRequest:
    """Pass a request on and return the one that continues it: itself within its centre, a new one in another.

    Of two acts the second finds what the first made. `text`: words for who receives it. `agreed`: the person said yes in
    a conversation that the thread holds; needed of anybody but the candidate (`actor`) before another centre is told.
    Raises EditedMeanwhile, WrongTransition (AlreadyRedirected: elsewhere), AgreementMissing, ModeClosed, RdvError.
    """
    inbox.take(request)
    made = continued(request)
    if made is not None and request.outcome == "redirected":
        if made.cfa_id == target.cfa.id:
            return made  # a second click, or a colleague at the same instant
        raise AlreadyRedirected(f"Cette demande a déjà été transmise à {made.cfa.shown_name}.")
    if version is not None and request.version != version:
        raise EditedMeanwhile
    if target.cfa.id == request.cfa_id:
        return _to_another_place(request, target, actor, now, user, text)
    mode = agreement.check(request, target, now)
    if actor != "candidate" and not (agreed and agreement.spoken(request)):
        raise agreement.AgreementMissing
    return _to_another_centre(request, target, mode, actor, now, user, text, as_asker)


def accept(
    request: CandidateRequest, question: RequestEvent, now: datetime, *, as_asker: bool = False
) -> CandidateRequest:
    """Pass a request on because the person said yes to the question they were asked, and return what continues it.

    Harmless when they had said yes already. Raises WrongTransition when the question is no longer asked, ModeClosed.
    """
    inbox.take(request)
    made = continued(request)
    if made is not None and request.outcome == "redirected":
        return made
    current = agreement.pending(request)
    if current is None or current.event.id != question.id:
        raise WrongTransition("Cette proposition n’est plus d’actualité. Votre demande n’a pas changé.")
    return redirect(request, current.target, "candidate", now, text=current.event.text, as_asker=as_asker)


def _to_another_place(
    request: CandidateRequest, target: Target, actor: str, now: datetime, user: User | None, text: str | None
) -> CandidateRequest:
    if request.status == "closed":
        raise WrongTransition("Cette demande est terminée. Rouvrez-la avant de la transmettre.")
    if not is_open(target):
        raise RdvError(GONE)
    site = target.place
    training = target.training or request.training
    if site is None or (request.site_id, request.training_id) == (site.id, training.id if training else None):
        return request
    request.site_id, request.training_id = site.id, training.id if training else None
    db.session.flush()
    db.session.refresh(request, ["site", "training"])
    resolved = contact_resolution.recipient_for(db.session(), training, site, request.cfa)
    request.recipient_email = resolved.email
    if request.owner_id is not None and not _works_at(request, site):
        request.owner_id = None
    data = {**agreement.named(target), "site": site.public_id}
    event = inbox.record(
        request, "redirected", actor, now, user=user, text=text or None, data=data, internal=bool(text)
    )
    request.follow_up_at = now
    inbox.tell_cfa(request, event)
    return request


def _works_at(request: CandidateRequest, site: Site) -> bool:
    """Say whether the owner of a request works at a place: at that one, or everywhere."""
    mine = sa.select(Membership.id).where(
        Membership.user_id == request.owner_id, Membership.cfa_id == request.cfa_id, Membership.ended_at.is_(None)
    )
    membership_id = db.session.scalar(mine)
    if membership_id is None:
        return False
    sites = db.session.scalars(
        sa.select(membership_site.c.site_id).where(membership_site.c.membership_id == membership_id)
    ).all()
    return not sites or site.id in sites


def _to_another_centre(
    request: CandidateRequest,
    target: Target,
    mode: str,
    actor: str,
    now: datetime,
    user: User | None,
    text: str | None,
    as_asker: bool,
) -> CandidateRequest:
    before = continuations(request)
    for each in before:  # reopened here meanwhile: in two centres at once is enough
        if each.status != "closed":
            raise AlreadyRedirected(f"{each.cfa.shown_name} suit déjà cette demande\u00a0: elle y est encore ouverte.")
    made = inbox.arrival(mode, target.cfa, target.place, target.training, _person(request), now)
    made.callback_windows = list(request.callback_windows)
    made.redirected_from_id = request.id
    # Unique: passed on once, whoever comes together; again only once it was reopened.
    made.submission_id = f"redirect:{request.public_id}" + (f":{len(before)}" if before else "")
    db.session.add(made)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_candidate_request_submission_id"):
            raise AlreadyRedirected from None
        raise
    came = {**inbox.promised(made), "from": request.public_id, "name": request.cfa.shown_name}
    created = thread.add(made, "created", actor, now, user=user, data=came | asker.mark(as_asker))
    if text:
        thread.add(
            made, "redirected", actor, now, user=user, text=text, data={"from": request.public_id}, internal=True
        )
    said = "asked" if actor == "candidate" else "said"  # how the person agreed
    data = {**agreement.named(target), "to": made.public_id, "agreed": said, **asker.mark(as_asker)}
    inbox.record(request, "redirected", actor, now, user=user, data=data)
    notices.of_request("request_redirected", made, made.public_id, created)
    inbox.tell_cfa(made)
    return made


def _person(request: CandidateRequest) -> Candidate:
    """Return the people of a request and what they asked, as they would ask another centre."""
    return Candidate(
        request.first_name, request.last_name, request.email, request.phone, request.asker, list(request.reasons),
        request.text, request.platform_id, request.asker_first_name, request.asker_last_name, request.asker_email,
        request.asker_phone, request.email_state,
    )  # fmt: skip
