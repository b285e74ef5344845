"""Where a catalogue comes from: a file, a folder of files, or an address; brought to files that can be read twice."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rdv.catalogue import fetching
from rdv.catalogue.fetching import Limits, Told, TooLarge
from rdv.catalogue.formats import Places, Source, open_folder, open_source
from rdv.errors import CatalogueError
from rdv.french import NBSP

_KNOWN = (".csv", ".json", ".jsonl", ".ndjson")
_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Gathered:
    """A source that is here whole: its records, and the digest of its bytes."""

    source: Source
    digest: str
    places: Places | None = None


def named(said: str) -> str:
    """Return how a source is known from one run to the next: an address as it is, a path from the root."""
    return said if is_remote(said) else str(Path(said).absolute())


def is_remote(said: str) -> bool:
    """Say whether a source is an address."""
    return said.lower().startswith(("https://", "http://"))


def spool(instance: Path, source: str) -> Path:
    """Return the folder where what comes of a source waits."""
    return instance / "catalogue" / hashlib.sha256(source.encode()).hexdigest()[:16]


def gather(source: str, folder: Path, limits: Limits, told: Told, *, again: bool) -> Gathered:
    """Bring a source here. `again`: go on from what an earlier try left in the folder. Raises CatalogueError."""
    if not again:
        shutil.rmtree(folder, ignore_errors=True)
    if is_remote(source):
        came = folder / "entier"
        if not came.exists():
            found = _plain(fetching.fetch(source, folder, limits, told), folder, limits)
            found.rename(came)
            (folder / "etat.json").unlink(missing_ok=True)
        return Gathered(open_source(came), _digest([("", came)]))
    path = Path(source)
    if not path.is_dir():
        plain = _plain(path, folder, limits)
        return Gathered(open_source(plain), _digest([("", plain)]))
    files = [(each.name, _plain(each, folder, limits)) for each in _files(path)]
    if not files:
        raise CatalogueError(f"le dossier «{NBSP}{path}{NBSP}» ne contient aucun fichier CSV ou JSON.")
    opened, places = open_folder(files)
    return Gathered(opened, _digest(files), places)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that may be of a catalogue, in the order of their names."""
    for each in sorted(folder.iterdir()):
        if each.is_file() and each.name.lower().removesuffix(".gz").endswith(_KNOWN):
            yield each


def _plain(path: Path, folder: Path, limits: Limits) -> Path:
    """Return a file without its compression: itself, or what it held, beside what came."""
    try:
        with path.open("rb") as file:
            if file.read(2) != _GZIP:
                return path
    except (OSError, ValueError):
        return path  # opening it as a catalogue says why
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{path.name}.plat"
    size = 0
    try:
        with gzip.open(path, "rb") as packed, target.open("wb") as file:
            while piece := packed.read(_PIECE):
                size += len(piece)
                if size > limits.most_bytes:
                    raise TooLarge(limits.most_bytes)
                file.write(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise CatalogueError("l’archive gzip est coupée ou abîmée\u00a0: rien n’est importé ni fermé.") from None
    return target


def _digest(files: list[tuple[str, Path]]) -> str:
    found = hashlib.sha256()
    for name, path in files:
        found.update(name.encode() + b"\0")
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
