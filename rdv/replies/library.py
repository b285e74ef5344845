"""The replies of a CFA: listed, made, changed, reread, deleted, counted; each change is told to the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from rdv import audit, clock
from rdv.db import db, violated
from rdv.errors import EditedMeanwhile, NotFound, RdvError
from rdv.identifiers import new_public_id
from rdv.models import CandidateRequest, Cfa, SavedReply, User

STALE_AFTER = timedelta(days=183)  # prices age: reread twice a year


class TitleTaken(RdvError):
    message = "Une réponse du centre porte déjà ce titre. Choisissez-en un autre."
    status = 409


@dataclass(frozen=True)
class Draft:
    """A reply as it is typed; `reason` is a key of candidate.REASONS, None for any."""

    title: str
    reason: str | None
    text: str


# Offered to a centre that has none: one for each frequent question.
STARTERS: tuple[Draft, ...] = (
    Draft(
        "Places disponibles",
        "place",
        "Bonjour {prénom},\n\nMerci de votre intérêt pour {formation}. Il reste des places pour la prochaine rentrée. "
        "Le plus simple est d’en parler de vive voix\u00a0: voici quand nous pouvons vous recevoir.\n\n{créneaux}\n\n"
        "À bientôt,\n{centre}",
    ),
    Draft(
        "Frais d’inscription",
        "frais",
        "Bonjour {prénom},\n\nEn apprentissage, la formation elle-même est gratuite\u00a0: c’est votre employeur qui la "
        "finance, et vous touchez un salaire. Restent les frais suivants\u00a0: {frais}\n\nUne question sur votre "
        "situation\u00a0? Répondez à ce message, ou appelez-nous au {téléphone}.\n\n{centre}",
    ),
    Draft(
        "Rythme de l’alternance",
        "horaire",
        "Bonjour {prénom},\n\nPour {formation}, l’alternance s’organise ainsi\u00a0: {rythme}\n\nLes cours ont lieu ici\u00a0: "
        "{lieu}.\n\n{centre}",
    ),
    Draft(
        "Chercher une entreprise",
        "accompagnement",
        "Bonjour {prénom},\n\nVous cherchez une entreprise\u00a0? Nous vous aidons\u00a0: relecture du CV et de la lettre, "
        "préparation des entretiens, offres de nos employeurs partenaires. Prenons un moment pour faire le point.\n\n"
        "{créneaux}\n\n{centre}",
    ),
    Draft(
        "Portes ouvertes",
        "porte",
        "Bonjour {prénom},\n\nNous vous accueillons avec plaisir à nos portes ouvertes\u00a0: {portes ouvertes}\n\nC’est "
        "ici\u00a0: {lieu}. Venez avec vos questions, et avec vos parents si vous le souhaitez.\n\n{centre}",
    ),
)


def listed(cfa_id: int) -> list[SavedReply]:
    """Return the replies of a CFA by title, with who reread each."""
    query = sa.select(SavedReply).where(SavedReply.cfa_id == cfa_id).order_by(SavedReply.title, SavedReply.id)
    return list(db.session.scalars(query.options(joinedload(SavedReply.reviewed_by))))


def for_request(request: CandidateRequest) -> list[SavedReply]:
    """Return the same, those of the request's own reasons first, then those for any reason."""
    asked = {reason: rank for rank, reason in enumerate(request.reasons)}

    def order(reply: SavedReply) -> tuple[int, str]:
        if reply.reason in asked:
            return asked[reply.reason], reply.title
        return len(asked) + (reply.reason is not None), reply.title

    return sorted(listed(request.cfa_id), key=order)


def get_for_cfa(cfa_id: int, public_id: str) -> SavedReply:
    """Return a reply of this CFA, or raise NotFound."""
    found = db.session.scalar(
        sa.select(SavedReply).where(SavedReply.public_id == public_id, SavedReply.cfa_id == cfa_id)
    )
    if found is None:
        raise NotFound("Cette réponse n’existe pas, ou n’existe plus, dans votre centre.")
    return found


def is_stale(reply: SavedReply, today: date) -> bool:
    """Say whether a reply waits to be reread."""
    return today - reply.reviewed_on > STALE_AFTER


def create(cfa: Cfa, draft: Draft, today: date, by: User) -> SavedReply:
    """Keep a new reply, reread today; raises TitleTaken."""
    made = SavedReply(
        public_id=new_public_id(), cfa_id=cfa.id, title=draft.title, reason=draft.reason, text=draft.text,
        reviewed_on=today, reviewed_by_id=by.id,
    )  # fmt: skip
    db.session.add(made)
    _flush()
    _tell("created", made, by)
    return made


def begin(cfa: Cfa, today: date, by: User) -> list[SavedReply]:
    """Create the starting replies for a CFA that has none; a second click finds them there."""
    db.session.execute(sa.select(Cfa.id).where(Cfa.id == cfa.id).with_for_update())
    if listed(cfa.id):
        return []
    return [create(cfa, draft, today, by) for draft in STARTERS]


def change(reply: SavedReply, draft: Draft, version: int, today: date, by: User) -> None:
    """Change a reply, which is thereby reread; raises EditedMeanwhile (a colleague changed it since), TitleTaken, NotFound."""
    _take(reply, version)
    reply.title, reply.reason, reply.text = draft.title, draft.reason, draft.text
    _reread(reply, today, by)
    _flush()
    _tell("changed", reply, by)


def review(reply: SavedReply, version: int, today: date, by: User) -> None:
    """Say that a reply was reread today and still holds; raises EditedMeanwhile: it is another text than the one reread."""
    _take(reply, version)
    _reread(reply, today, by)
    _tell("reviewed", reply, by)


def delete(reply: SavedReply, version: int, by: User) -> None:
    """Delete a reply; answers already sent keep their words. Raises EditedMeanwhile."""
    _take(reply, version)
    _tell("deleted", reply, by)
    db.session.delete(reply)


def used(reply: SavedReply, now: datetime) -> None:
    """Count an answer sent from a reply; its version does not move, since nobody changed it."""
    db.session.connection().execute(
        sa.update(SavedReply)
        .where(SavedReply.id == reply.id)
        .values(used=SavedReply.used + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )


def _take(reply: SavedReply, version: int) -> None:
    locked = db.session.scalar(
        sa.select(SavedReply)
        .where(SavedReply.id == reply.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if locked is None:
        raise NotFound("Cette réponse a été supprimée entre-temps. Copiez votre texte pour en faire une nouvelle.")
    if locked.version != version:
        raise EditedMeanwhile(
            "Cette réponse a été modifiée entre-temps. Relisez cette version ci-dessous\u00a0: votre texte est conservé."
        )
    locked.version += 1


def _reread(reply: SavedReply, today: date, by: User) -> None:
    reply.reviewed_on, reply.reviewed_by_id, reply.updated_at = today, by.id, clock.now()


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_saved_reply_cfa_id_title"):
            raise TitleTaken from None
        raise


def _tell(what: str, reply: SavedReply, by: User) -> None:
    audit.record(
        f"reply.{what}", user=by, cfa=reply.cfa or db.session.get(Cfa, reply.cfa_id), object_type="reply",
        object_id=reply.public_id,
    )  # fmt: skip
