"""A first reading of the file, for what one row alone cannot tell: how many there are, which ones repeat, and whether
all that is said of a centre is as it was.

Some twenty bytes a row are kept, whatever its length; a training that stands several times is read where it stands last,
so that a second import of the same file finds everything as it left it.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from hashlib import blake2b

from rdv.catalogue.formats import FileCut, Record, Source
from rdv.catalogue.rows import RowRefused, identify, replacing_key
from rdv.catalogue.successions import Successions

# What the catalogue notes of its own housekeeping: never read, and another each night.
_HOUSEKEEPING = frozenset({"_id", "__v", "created_at", "last_update_at", "updated_at", "updates_history", "to_update"})

_encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)


@dataclass(slots=True)
class Survey:
    """The number of records, the later one that repeats each row, and what is said of each centre, as digests."""

    total: int = 0
    repeated_by: dict[int, int] = field(default_factory=dict)
    owners: array[int] = field(default_factory=lambda: array("l"))  # of each record: rank of its centre, -1 for none
    centres: dict[str, int] = field(default_factory=dict)  # SIRET → rank
    digests: list[bytes] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)  # how many each centre has
    entangled: set[int] = field(default_factory=set)  # centres whose rows repeat, or are repeated by, another row
    identities: array[int] = field(default_factory=lambda: array("Q"))  # sorted
    successions: Successions = field(default_factory=Successions)  # keys that another one of the source replaces

    def names(self, identity: str) -> bool:
        """Say whether a training stands in the source."""
        wanted = _short(identity)
        place = bisect_left(self.identities, wanted)
        return place < len(self.identities) and self.identities[place] == wanted

    def _count(self, siret: str, record: Record) -> int:
        rank = self.centres.setdefault(siret, len(self.digests))
        if rank == len(self.digests):
            self.digests.append(b"")
            self.rows.append(0)
        self.digests[rank] = blake2b(self.digests[rank] + _cells(record), digest_size=16).digest()
        self.rows[rank] += 1
        return rank


def survey(source: Source) -> Survey:
    """Return what the whole file tells; a file cut short is surveyed up to the cut."""
    found = Survey()
    digests, numbers, owners = array("Q"), array("Q"), array("l")
    named: dict[str, str] = {}  # key → the one that its row says has replaced it
    try:
        for record in source.records():
            found.total += 1
            found.owners.append(-1)
            if record.problem:
                continue
            try:
                known = identify(record.cells, source.layout)
            except RowRefused:
                continue
            found.owners[-1] = found._count(known.cfa_siret, record)
            digests.append(_short(known.identity))
            numbers.append(record.number)
            owners.append(found.owners[-1])
            if known.training_key and (successor := replacing_key(record.cells, known.training_key, [])):
                named[known.training_key] = successor
    except FileCut:
        pass
    found.repeated_by = _repeats(digests, numbers)
    repeating = {*found.repeated_by, *found.repeated_by.values()}
    found.entangled = {owner for number, owner in zip(numbers, owners, strict=True) if number in repeating}
    found.identities = array("Q", sorted(digests))
    found.successions = Successions.of(named, found.names)
    concerned = {_short(key) for key in found.successions.keys}
    if concerned:
        found.entangled |= {owner for owner, short in zip(owners, digests, strict=True) if short in concerned}
    return found


def _short(identity: str) -> int:
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest(), "big")


def _cells(record: Record) -> bytes:
    said = {name: value for name, value in record.cells.items() if name not in _HOUSEKEEPING}
    return _encoder.encode([said, record.doubt]).encode(errors="surrogatepass")


def _repeats(digests: array[int], numbers: array[int]) -> dict[int, int]:
    repeated_by: dict[int, int] = {}
    order = sorted(range(len(digests)), key=digests.__getitem__)  # stable: equal rows stay in the order of the file
    end = len(order)
    while end > 0:
        last = order[end - 1]
        begin = end - 1
        while begin > 0 and digests[order[begin - 1]] == digests[last]:
            begin -= 1
            repeated_by[numbers[order[begin]]] = numbers[last]
        end = begin
    return repeated_by
