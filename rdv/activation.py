"""« Activer notre espace »: control of a CFA's resolved address opens its account (design.md §4).

The link is bound to one address of the CFA; it dies when used, when the address leaves the CFA, or when another link
was used first. The CFA's other addresses are told; disputes go to the service team.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from rdv import accounts, audit, clock, links, memberships
from rdv.contact_resolution import recipient_for
from rdv.db import db
from rdv.errors import AccountClosed, AlreadyActivated, EditedMeanwhile, LinkInvalid, RdvError
from rdv.models import Cfa, Site, Training, User
from rdv.outbox import enqueue
from rdv.tokens import Link, check_link, read_link, recipient_mark

MOST_NOTICES = 20


@dataclass(frozen=True)
class Invitation:
    """What a valid link offers: to become the first manager of this CFA under this address."""

    cfa: Cfa
    email: str
    user: User | None  # the account that the address already has

    @property
    def has_password(self) -> bool:
        """Whether the person proves who they are by their password, instead of choosing one."""
        return self.user is not None and self.user.password_hash is not None


def known_addresses(cfa: Cfa) -> list[str]:
    """Return the addresses chosen for a CFA, its sites and its trainings, and those the catalogue gives, each once."""
    sites = db.session.execute(sa.select(Site.chosen_email, Site.email).where(Site.cfa_id == cfa.id).order_by(Site.id))
    trainings = db.session.execute(
        sa.select(Training.chosen_email, Training.email).where(Training.cfa_id == cfa.id).order_by(Training.id)
    )
    found = [cfa.chosen_email, cfa.email, *(email for each in (*sites, *trainings) for email in each)]
    return list(dict.fromkeys(email.lower() for email in found if email))


def send_link(cfa: Cfa) -> str:
    """Mail « activer notre espace » to the address that receives a CFA's requests, once a day, and return the address.

    Raises AlreadyActivated, or RdvError when the catalogue gives this CFA no address.
    """
    if cfa.activated_at is not None:
        raise AlreadyActivated
    email = recipient_for(db.session(), None, None, cfa).email
    if email is None:
        raise RdvError("Le catalogue ne donne aucune adresse pour ce centre : invitez une personne par son adresse.")
    enqueue("cfa_activation", email, f"cfa_activation:{cfa.public_id}:{clock.now():%Y%m%d}", cfa_id=cfa.id)
    audit.record("cfa.activation_sent", cfa=cfa, object_type="cfa", object_id=cfa.public_id)
    return email


def read(token: str) -> Invitation:
    """Return what a link offers; raise LinkInvalid, AlreadyActivated or AccountClosed."""
    link = read_link("activate", token, links.ACTIVATION_LINK_SECONDS)
    cfa = db.session.scalar(sa.select(Cfa).where(Cfa.public_id == link.object_id, Cfa.closed_at.is_(None)))
    if cfa is None:
        raise LinkInvalid
    email = _address(link, cfa)
    if cfa.activated_at is not None:
        raise AlreadyActivated
    check_link(link, email, cfa.link_version)
    user = accounts.find(email)
    if user is not None and not user.active:
        raise AccountClosed
    return Invitation(cfa, email, user)


def _address(link: Link, cfa: Cfa) -> str:
    """Return the address a link was made for, as long as it is the CFA's."""
    for email in known_addresses(cfa):
        if recipient_mark(email) == link.recipient:
            return email
    raise LinkInvalid


def activate_cfa(token: str, first_name: str, last_name: str, password_hash: str | None) -> User:
    """Open a CFA's account and return its first manager.

    `password_hash` is the one just chosen, or None when the address has an account whose password was just checked.
    Raises LinkInvalid, AlreadyActivated, AccountClosed, EditedMeanwhile.
    """
    offer = read(token)
    if offer.has_password == (password_hash is not None):
        raise EditedMeanwhile  # the account was opened, or closed, while the page was shown
    _take(offer.cfa)
    user = offer.user or accounts.create(offer.email)
    if password_hash is not None:
        accounts.accept_invitation(user, first_name, last_name, password_hash)
    memberships.join_as_manager(user, offer.cfa)
    audit.record("cfa.activated", user=user, cfa=offer.cfa, object_type="cfa", object_id=offer.cfa.public_id)
    _tell_others(offer.cfa, user)
    return user


def _take(cfa: Cfa) -> None:
    """Mark a CFA active, once: of two links used together the second finds it done. Raises AlreadyActivated."""
    taken = db.session.execute(
        sa.update(Cfa)
        .where(Cfa.id == cfa.id, Cfa.activated_at.is_(None))
        .values(activated_at=clock.now(), link_version=Cfa.link_version + 1)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise AlreadyActivated
    db.session.refresh(cfa)


def _tell_others(cfa: Cfa, manager: User) -> None:
    others = [email for email in known_addresses(cfa) if email != manager.email][:MOST_NOTICES]
    for email in others:
        key = f"cfa_activated_notice:{cfa.public_id}:{recipient_mark(email)}"
        enqueue("cfa_activated_notice", email, key, cfa_id=cfa.id, user_id=manager.id)
