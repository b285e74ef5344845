"""Writing catalogue rows: a few hundred at a time, a handful of statements a batch, and only what changed.

Core statements, because a nightly catalogue holds 46,000 rows. Only the columns that a catalogue owns are ever
named: what a centre chose (open modes, promised days, disability contact…) cannot be overwritten from here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from rdv import booking, clock
from rdv.catalogue.differences import Difference, columns_told
from rdv.catalogue.report import Tally
from rdv.catalogue.rows import CatalogueRow
from rdv.models import Cfa, Site, Slot, Training, TrainingAlias, training_site

_CFA = cast(sa.Table, Cfa.__table__)
_SITE = cast(sa.Table, Site.__table__)
_TRAINING = cast(sa.Table, Training.__table__)
_ALIAS = cast(sa.Table, TrainingAlias.__table__)

CFA_COLUMNS = ("uai", "name", "email", "city")
SITE_COLUMNS = (
    "uai", "name", "address", "postal_code", "city", "department", "territory", "timezone", "latitude", "longitude",
    "email",
)  # fmt: skip
TRAINING_COLUMNS = (
    "cfa_id", "training_key", "identity", "title", "diploma", "level", "diploma_code", "rncp", "parcoursup_id",
    "affelnet_id", "onisep_id", "rco_id", "email", "phone", "starts_on", "remote", "published", "source",
    "parcoursup_visible", "affelnet_visible", "closed_at",
)  # fmt: skip
_CFA_BITS = {name: 1 << rank for rank, name in enumerate(CFA_COLUMNS)}
_SITE_BITS = {name: 1 << rank for rank, name in enumerate(SITE_COLUMNS)}

SITE_KEY = ("cfa_id", "siret", "insee", "address_key")
SiteKey = tuple[int, str, str, str]


class _Draft:
    """A row of the database as it is and as it should become; `id` is None until it is inserted."""

    __slots__ = ("id", "owner", "stored", "values")

    def __init__(self, row_id: int | None, stored: dict[str, Any], owner: str = "") -> None:
        self.id = row_id
        self.stored = stored
        self.values = dict(stored)
        self.owner = owner  # SIRET of the training's centre

    def changes(self) -> dict[str, Any]:
        """Return the columns whose value differs from what is stored."""
        missing = object()
        return {name: value for name, value in self.values.items() if self.stored.get(name, missing) != value}


@dataclass(slots=True)
class Settled:
    """Which columns of a centre or a place an earlier row of this import already gave.

    Many rows describe one centre and do not agree; the first value of the file stands, whatever the batches, so that
    a second import changes nothing. One small integer a centre and a place, none a training.
    """

    cfas: dict[int, int] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)

    def merge(self, later: Settled) -> None:
        """Keep what a batch settled, once it is committed."""
        self.cfas.update(later.cfas)
        self.sites.update(later.sites)


@dataclass(slots=True)
class BatchOutcome:
    """What one batch did; to be added to the report only once it is committed."""

    cfas: Tally = field(default_factory=Tally)
    sites: Tally = field(default_factory=Tally)
    trainings: Tally = field(default_factory=Tally)
    aliases: int = 0
    moved: int = 0
    reopened: int = 0
    seen: set[int] = field(default_factory=set)  # ids of the trainings of these rows
    set_aside: dict[int, str] = field(default_factory=dict)  # number of the row → reason
    settled: Settled = field(default_factory=Settled)
    differences: list[Difference] = field(default_factory=list)


def import_batch(session: Session, rows: Sequence[CatalogueRow], settled: Settled) -> BatchOutcome:
    """Create or update the centres, places and trainings of these rows, in the caller's transaction."""
    outcome = BatchOutcome()
    plan, new_aliases = _match(session, rows, outcome)
    cfa_ids = _write_cfas(session, [row for row, _ in plan], settled, outcome)
    site_ids = _write_sites(session, [row for row, _ in plan], cfa_ids, settled, outcome)
    for row, draft in plan:
        # A training that the catalogue had dropped, and holds again, takes candidates again.
        outcome.reopened += draft.stored.get("closed_at") is not None
        draft.values.update(row.training, cfa_id=cfa_ids[row.cfa_siret], closed_at=None)
    touched = _save(session, _TRAINING, [draft for _, draft in plan], ("identity",), outcome.trainings)
    outcome.aliases = _write_aliases(session, new_aliases)
    moves = _write_links(session, plan, cfa_ids, site_ids, touched, outcome)
    outcome.differences += (each for row, draft in plan if (each := _difference(row, draft, moves)))
    outcome.seen = {_id(draft) for _, draft in plan}
    return outcome


def _difference(row: CatalogueRow, draft: _Draft, moves: dict[int, list[str | None]]) -> Difference | None:
    """Return what the service team reads of one training, None when nothing of it changed."""
    title = draft.values.get("title") or f"Formation {draft.values.get('diploma_code') or 'sans intitulé'}"
    if not draft.stored:
        return Difference("added", title, row.identity)
    told = columns_told(draft.stored, draft.changes())
    if draft.owner != row.cfa_siret:
        told["cfa"] = [draft.owner, row.cfa_siret]
    if _id(draft) in moves:
        told["place"] = moves[_id(draft)]
    if draft.stored["closed_at"] is not None:
        return Difference("reopened", title, row.identity, told)
    if "training_key" in told:
        return Difference("replaced", title, row.identity, told)
    return Difference("changed", title, row.identity, told) if told else None


# --- Which training a row is -------------------------------------------------------------------------------------


def _match(
    session: Session, rows: Sequence[CatalogueRow], outcome: BatchOutcome
) -> tuple[list[tuple[CatalogueRow, _Draft]], dict[str, _Draft]]:
    """Pair each row with its training, stored or new, and name the keys that become aliases.

    A key that replaces another takes over the same training when the centre is the same: its slots, requests and
    public address stay. The replaced key's own row, if the file still holds it, is put aside.
    """
    drafts = _stored_trainings(session, rows)
    successors = _stored_aliases(session, rows, drafts)
    plan: list[tuple[CatalogueRow, _Draft]] = []
    new_aliases: dict[str, _Draft] = {}
    for row in rows:
        draft = successors.get(row.training_key or "")
        if draft is None:
            draft = drafts.get(row.identity) or _taken_over(row, drafts) or _Draft(None, {}, row.cfa_siret)
            draft.values.update(identity=row.identity, training_key=row.training_key)
            drafts[row.identity] = draft
            plan.append((row, draft))
        for old in row.replaced_keys:
            if old not in successors and old != draft.values["training_key"]:
                successors[old] = new_aliases[old] = draft
    for row in rows:
        successor = successors.get(row.training_key or "")
        if successor:
            current = successor.values["training_key"]
            outcome.set_aside[row.number] = f"clé {row.training_key} remplacée par {current}, qui l’emporte"
    return [(row, draft) for row, draft in plan if row.number not in outcome.set_aside], new_aliases


def _taken_over(row: CatalogueRow, drafts: dict[str, _Draft]) -> _Draft | None:
    for old in row.replaced_keys:
        draft = drafts.get(old)
        if draft and draft.owner == row.cfa_siret:
            return drafts.pop(old)
    return None


def _stored_trainings(session: Session, rows: Sequence[CatalogueRow]) -> dict[str, _Draft]:
    identities = {row.identity for row in rows} | {old for row in rows for old in row.replaced_keys}
    found = _load_trainings(session, _TRAINING.c.identity.in_(identities))
    return {draft.stored["identity"]: draft for draft in found.values()}


def _stored_aliases(session: Session, rows: Sequence[CatalogueRow], drafts: dict[str, _Draft]) -> dict[str, _Draft]:
    keys = {row.training_key for row in rows if row.training_key} | {old for row in rows for old in row.replaced_keys}
    query = sa.select(_ALIAS.c.training_key, _ALIAS.c.training_id).where(_ALIAS.c.training_key.in_(keys))
    found: dict[str, int] = dict(iter(session.execute(query)))
    if not found:
        return {}
    # One training, one draft: two would be written over each other.
    by_id = {draft.id: draft for draft in drafts.values()}
    others = _load_trainings(session, _TRAINING.c.id.in_([row_id for row_id in found.values() if row_id not in by_id]))
    return {key: by_id.get(row_id) or others[row_id] for key, row_id in found.items()}


def _load_trainings(session: Session, condition: sa.ColumnElement[bool]) -> dict[int, _Draft]:
    query = (
        sa.select(_TRAINING.c.id, _CFA.c.siret, *(_TRAINING.c[name] for name in TRAINING_COLUMNS))
        .join(_CFA, _CFA.c.id == _TRAINING.c.cfa_id)
        .where(condition)
    )
    found: dict[int, _Draft] = {}
    for row_id, owner, *values in session.execute(query):
        found[row_id] = _Draft(row_id, dict(zip(TRAINING_COLUMNS, values, strict=True)), owner)
    return found


# --- Centres and places ------------------------------------------------------------------------------------------


def _write_cfas(
    session: Session, rows: Sequence[CatalogueRow], settled: Settled, outcome: BatchOutcome
) -> dict[str, int]:
    sirets = {row.cfa_siret for row in rows}
    query = sa.select(_CFA.c.id, _CFA.c.siret, *(_CFA.c[name] for name in CFA_COLUMNS)).where(_CFA.c.siret.in_(sirets))
    drafts: dict[str, _Draft] = {}
    for row_id, siret, *values in session.execute(query):
        drafts[siret] = _Draft(row_id, {"siret": siret, **dict(zip(CFA_COLUMNS, values, strict=True))})
    masks: dict[str, int] = {siret: settled.cfas.get(draft.id or 0, 0) for siret, draft in drafts.items()}
    for row in rows:
        if row.cfa_siret not in drafts:
            drafts[row.cfa_siret] = _Draft(None, {})
            drafts[row.cfa_siret].values["siret"] = row.cfa_siret
        draft, mask = drafts[row.cfa_siret], masks.get(row.cfa_siret, 0)
        masks[row.cfa_siret] = _give(draft, row.cfa, _CFA_BITS, mask)
    seen_before = set(settled.cfas)
    _save(session, _CFA, list(drafts.values()), ("siret",), outcome.cfas, seen_before)
    outcome.differences += _changed("centre", drafts.values(), "siret")
    ids = {siret: _id(draft) for siret, draft in drafts.items()}
    outcome.settled.cfas = {ids[siret]: mask for siret, mask in masks.items()}
    return ids


def _write_sites(
    session: Session,
    rows: Sequence[CatalogueRow],
    cfa_ids: dict[str, int],
    settled: Settled,
    outcome: BatchOutcome,
) -> dict[SiteKey, int]:
    key_columns = (_SITE.c.cfa_id, _SITE.c.siret, _SITE.c.insee, _SITE.c.address_key)
    keys = [_site_key(row, cfa_ids) for row in rows]
    # A centre may own hundreds of places: those of other addresses are not loaded.
    query = sa.select(_SITE.c.id, *key_columns, *(_SITE.c[name] for name in SITE_COLUMNS)).where(
        _SITE.c.cfa_id.in_({key[0] for key in keys}), _SITE.c.address_key.in_({key[3] for key in keys})
    )
    wanted = set(keys)
    drafts: dict[SiteKey, _Draft] = {}
    for row_id, cfa_id, siret, insee, address_key, *values in session.execute(query):
        key = (cfa_id, siret, insee, address_key)
        if key in wanted:
            drafts[key] = _Draft(row_id, {**_named(key), **dict(zip(SITE_COLUMNS, values, strict=True))})
    masks: dict[SiteKey, int] = {key: settled.sites.get(draft.id or 0, 0) for key, draft in drafts.items()}
    for row, key in zip(rows, keys, strict=True):
        if key not in drafts:
            drafts[key] = _Draft(None, {})
            drafts[key].values.update(_named(key))
        masks[key] = _give(drafts[key], row.site, _SITE_BITS, masks.get(key, 0))
    seen_before = set(settled.sites)
    shown = {draft.id for draft in drafts.values() if draft.id and not _ON_CALENDARS.isdisjoint(draft.changes())}
    _save(session, _SITE, list(drafts.values()), SITE_KEY, outcome.sites, seen_before)
    outcome.differences += _changed("place", drafts.values(), "siret")
    if shown:
        now = clock.now()
        booking.touch(Slot.site_id.in_(shown), now)
    ids = {key: _id(draft) for key, draft in drafts.items()}
    outcome.settled.sites = {ids[key]: mask for key, mask in masks.items()}
    return ids


# What a meeting's calendar event says of its place: whoever follows it must see the change.
_ON_CALENDARS = {"name", "address", "postal_code", "city", "timezone"}


def _site_key(row: CatalogueRow, cfa_ids: dict[str, int]) -> SiteKey:
    return (cfa_ids[row.cfa_siret], row.site_siret, row.insee, row.address_key)


def _named(key: SiteKey) -> dict[str, Any]:
    return dict(zip(SITE_KEY, key, strict=True))


def _give(draft: _Draft, facts: dict[str, Any], bits: dict[str, int], mask: int) -> int:
    """Let a row give the columns that no earlier row gave; return the columns given so far."""
    for name, value in facts.items():
        if not mask & bits[name]:
            draft.values[name] = value
            mask |= bits[name]
    return mask


def _changed(kind: str, drafts: Iterable[_Draft], key: str) -> Iterator[Difference]:
    """Yield the stored centres or places whose columns changed."""
    for draft in drafts:
        if draft.stored and (changes := draft.changes()):
            name = draft.values.get("name") or draft.values.get("city") or draft.values[key] or "Sans nom"
            yield Difference(kind, name, draft.values[key] or None, columns_told(draft.stored, changes))


# --- Statements --------------------------------------------------------------------------------------------------


def _save(
    session: Session,
    table: sa.Table,
    drafts: Iterable[_Draft],
    natural_key: tuple[str, ...],
    tally: Tally,
    counted: Container[int] = frozenset(),
) -> set[int]:
    """Insert and update what differs, count it, and return the ids that were written.

    `counted` holds rows that earlier batches of this import already counted, unless they change again.
    """
    new: dict[tuple[str, ...], list[_Draft]] = defaultdict(list)
    changed: dict[tuple[str, ...], list[tuple[_Draft, dict[str, Any]]]] = defaultdict(list)
    touched: set[int] = set()
    for draft in {id(draft): draft for draft in drafts}.values():
        if draft.id is None:
            new[tuple(draft.values)].append(draft)
        elif changes := draft.changes():
            changed[tuple(changes)].append((draft, changes))
        elif draft.id not in counted:
            tally.unchanged += 1
    for columns, pairs in changed.items():
        # Updates first: a training that takes a new key frees the old one.
        statement = (
            sa.update(table)
            .where(table.c.id == sa.bindparam("of_id"))
            .values({name: sa.bindparam(f"new_{name}") for name in columns})
        )
        session.execute(
            statement,
            [{"of_id": draft.id, **{f"new_{name}": changes[name] for name in columns}} for draft, changes in pairs],
        )
        touched.update(_id(draft) for draft, _ in pairs)
        tally.updated += len(pairs)
    returned = [table.c.id, *(table.c[name] for name in natural_key)]
    for group in new.values():
        by_key = {tuple(draft.values[name] for name in natural_key): draft for draft in group}
        for row_id, *key in session.execute(sa.insert(table).returning(*returned), [draft.values for draft in group]):
            by_key[tuple(key)].id = row_id
            touched.add(row_id)
        tally.created += len(group)
    return touched


def _id(draft: _Draft) -> int:
    if draft.id is None:
        raise RuntimeError("a row was saved without its id coming back")
    return draft.id


def _write_aliases(session: Session, new_aliases: dict[str, _Draft]) -> int:
    if new_aliases:
        session.execute(
            sa.insert(_ALIAS),
            [{"training_key": old, "training_id": _id(draft)} for old, draft in new_aliases.items()],
        )
    return len(new_aliases)


def _write_links(
    session: Session,
    plan: Sequence[tuple[CatalogueRow, _Draft]],
    cfa_ids: dict[str, int],
    site_ids: dict[SiteKey, int],
    touched: set[int],
    outcome: BatchOutcome,
) -> dict[int, list[str | None]]:
    """Link each training to the place of its row; when the place changed, to that one alone. Return what moved, and where."""
    wanted = {_id(draft): site_ids[_site_key(row, cfa_ids)] for row, draft in plan}
    current: dict[int, set[int]] = defaultdict(set)
    query = sa.select(training_site.c.training_id, training_site.c.site_id).where(
        training_site.c.training_id.in_(wanted)
    )
    for training_id, site_id in session.execute(query):
        current[training_id].add(site_id)
    missing = {training: site for training, site in wanted.items() if site not in current[training]}
    moved = [training for training in missing if current[training]]
    moves = _moves(session, {training: (current[training], missing[training]) for training in moved})
    if moved:
        session.execute(sa.delete(training_site).where(training_site.c.training_id.in_(moved)))
    if missing:
        session.execute(
            sa.insert(training_site),
            [{"training_id": training, "site_id": site} for training, site in missing.items()],
        )
    relinked = sum(1 for training in missing if training not in touched)
    outcome.trainings.unchanged -= relinked
    outcome.trainings.updated += relinked
    outcome.moved = len(moved)
    return moves


def _moves(session: Session, moved: dict[int, tuple[set[int], int]]) -> dict[int, list[str | None]]:
    """Say where each training was, and where it is, as people read it."""
    if not moved:
        return {}
    ids = {site for before, after in moved.values() for site in (*before, after)}
    query = sa.select(_SITE.c.id, _SITE.c.address, _SITE.c.city).where(_SITE.c.id.in_(ids))
    said = {
        row_id: ", ".join(part for part in (address, city) if part) for row_id, address, city in session.execute(query)
    }
    return {
        training: [" et ".join(said[site] for site in sorted(before)), said[after]]
        for training, (before, after) in moved.items()
    }
