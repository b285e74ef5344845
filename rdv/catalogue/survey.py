"""A first reading of the file, for what one row alone cannot tell: how many there are, and which ones repeat.

Sixteen bytes a row are kept, whatever its length; a training that stands several times is read where it stands last,
so that a second import of the same file finds everything as it left it.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from hashlib import blake2b

from rdv.catalogue.formats import FileCut, Source
from rdv.catalogue.rows import RowRefused, identify


@dataclass(frozen=True, slots=True)
class Survey:
    """The number of records, and for each row that a later one repeats, the number of that later one."""

    total: int
    repeated_by: dict[int, int] = field(default_factory=dict)


def survey(source: Source) -> Survey:
    """Return what the whole file tells; a file cut short is surveyed up to the cut."""
    total = 0
    digests, numbers = array("Q"), array("Q")
    try:
        for record in source.records():
            total += 1
            if record.problem:
                continue
            try:
                known = identify(record.cells, source.layout)
            except RowRefused:
                continue
            digests.append(int.from_bytes(blake2b(known.identity.encode(), digest_size=8).digest(), "big"))
            numbers.append(record.number)
    except FileCut:
        pass
    return Survey(total, _repeats(digests, numbers))


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
