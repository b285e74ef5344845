"""The file itself: which format and which catalogue it is, then its records one by one, never the whole of it.

CSV (comma, semicolon or tab; UTF-8 with or without BOM, else Windows-1252), a JSON list, or one JSON object a line.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import ijson

from rdv.catalogue.rows import IDENTITY_COLUMNS, LAYOUTS, Layout, layout_of
from rdv.errors import CatalogueError
from rdv.french import NBSP

_HEAD = 64 * 1024
_PEEKED = 50  # a null field may be missing from the first objects of a list
_LINE_LIMIT = 4 * 1024 * 1024
_BINARY = {
    b"\x89PNG": "une image", b"\xff\xd8\xff": "une image", b"GIF8": "une image", b"%PDF": "un document PDF",
    b"PK\x03\x04": "un classeur ou une archive", b"\xd0\xcf\x11\xe0": "un ancien classeur Excel",
    b"\x1f\x8b": "une archive compressée", b"SQLite": "une base de données",
}  # fmt: skip


class FileCut(CatalogueError):
    """The file ends in the middle of a record, or stops being readable; what stood before it is whole."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record with its line or rank; `problem` says why it cannot be read, `doubt` what was left out of it."""

    number: int
    cells: dict[str, Any]
    problem: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A catalogue file that was recognised; its records can be read several times."""

    path: Path
    layout: Layout
    unit: str  # « ligne » or « enregistrement »
    _read: Callable[[Path], Iterator[Record]]

    def records(self) -> Iterator[Record]:
        """Yield each record; raises FileCut after the last whole one when the file stops short."""
        try:
            yield from self._read(self.path)
        except OSError as error:
            raise FileCut(f"La lecture du fichier s’est interrompue{NBSP}: {error.strerror}.") from error


@dataclass(slots=True)
class Places:
    """Where the numbers of a folder's records stand: each file begins after the last number of the one before."""

    starts: list[tuple[int, str, str]] = field(default_factory=list)  # first number, name, unit

    def of(self, number: int) -> str | None:
        """Return « la ligne 12 de b.csv », None when this is no folder."""
        found = next((start for start in reversed(self.starts) if start[0] < number), None)
        if found is None:
            return None
        return f"{numbered(found[2], number - found[0])} de {found[1]}"


def numbered(unit: str, number: int) -> str:
    """Return « la ligne 12 » or « l’enregistrement 12 »."""
    return f"{'la ligne' if unit == 'ligne' else 'l’enregistrement'} {number}"


def open_folder(paths: Sequence[tuple[str, Path]]) -> tuple[Source, Places]:
    """Recognise files as one catalogue, read one after the other; raise CatalogueError when they are not of the same."""
    files = []
    for name, path in paths:
        try:
            files.append((name, open_source(path)))
        except CatalogueError as error:
            raise CatalogueError(f"{name}{NBSP}: {error.message}") from None
    layout = files[0][1].layout
    other = next((name for name, each in files if each.layout != layout), None)
    if other:
        raise CatalogueError(
            f"le dossier mélange deux catalogues{NBSP}: {files[0][0]} est un {layout.label}, {other} en est un autre."
        )
    places = Places()

    def read(_path: Path) -> Iterator[Record]:
        places.starts.clear()
        last = 0
        for name, each in files:
            start = last
            places.starts.append((start, name, each.unit))
            try:
                for record in each.records():
                    last = start + record.number
                    yield replace(record, number=last)
            except FileCut as cut:
                raise FileCut(f"{name}{NBSP}: {cut.message}") from None

    return Source(files[0][1].path, layout, "enregistrement", read), places


def open_source(path: Path) -> Source:
    """Recognise a file, or raise CatalogueError with what it seems to be and what was expected."""
    head = _head(path)
    _refuse_foreign(head)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"["):
        return Source(path, _json_layout(_json_list(path)), "enregistrement", _json_list)
    if start.startswith(b"{"):
        _refuse_single_object(start)
        return Source(path, _json_layout(_json_lines(path)), "ligne", _json_lines)
    return _csv_source(path)


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise CatalogueError(f"«{NBSP}{path}{NBSP}» est un dossier{NBSP}: indiquez un fichier CSV ou JSON.")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise CatalogueError(f"Le fichier «{NBSP}{path}{NBSP}» n’existe pas.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "chemin illisible"
        raise CatalogueError(f"Le fichier «{NBSP}{path}{NBSP}» ne peut pas être lu{NBSP}: {reason}.") from None
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise CatalogueError("Le fichier est vide.")
    return head


def _refuse_foreign(head: bytes) -> None:
    expected = "un export CSV ou JSON du catalogue est attendu"
    for magic, kind in _BINARY.items():
        if head.startswith(magic):
            raise CatalogueError(f"Format inconnu{NBSP}: le fichier est {kind}, {expected}.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CatalogueError("Le fichier est en UTF-16. Enregistrez-le en CSV UTF-8, puis recommencez.")
    if b"\x00" in head:
        raise CatalogueError(f"Format inconnu{NBSP}: le fichier n’est pas du texte, {expected}.")
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        raise CatalogueError(f"Format inconnu{NBSP}: le fichier est une page web ou du XML, {expected}.")


def _refuse_single_object(start: bytes) -> None:
    first = start.split(b"\n", 1)[0]
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        if b"\n" in start or len(start) < _HEAD:
            raise CatalogueError(
                f"Format inconnu{NBSP}: le fichier contient un objet JSON isolé. "
                "Une liste JSON, ou un objet JSON par ligne, est attendue."
            ) from None


def _unknown(columns: list[str]) -> CatalogueError:
    kinds = " ou ".join(f"{layout.label} ({', '.join(sorted(layout.needs))})" for layout in LAYOUTS)
    seen = ", ".join(name[:40] for name in columns[:8]) + ("…" if len(columns) > 8 else "") if columns else "aucune"
    return CatalogueError(f"Format inconnu{NBSP}: colonnes attendues{NBSP}: {kinds}. Colonnes trouvées{NBSP}: {seen}.")


# --- CSV ---------------------------------------------------------------------------------------------------------


def _encoding(path: Path) -> str:
    """UTF-8 unless some byte says otherwise; a last character cut in two does not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return "cp1252"
    return "utf-8-sig"


def _first_line(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        return file.readline(_HEAD).strip("\r\n")


def _header(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _csv_source(path: Path) -> Source:
    encoding = _encoding(path)
    first = _first_line(path, encoding)
    try:
        headers = {delimiter: _header(first, delimiter) for delimiter in ",;\t"}
    except csv.Error:
        raise CatalogueError(f"Format inconnu{NBSP}: la première ligne n’est pas un en-tête de colonnes.") from None
    delimiter = max(headers, key=lambda name: len(headers[name]))
    layout = layout_of(headers[delimiter])
    if layout is None:
        raise _unknown(headers[delimiter])

    def read(file_path: Path) -> Iterator[Record]:
        with file_path.open(encoding=encoding, errors="replace", newline="") as file:
            yield from _csv_records(file, delimiter, headers[delimiter])

    return Source(path, layout, "ligne", read)


class _Lines:
    """Hands lines to the CSV parser and remembers whether the last one was ended."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.ended = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(_LINE_LIMIT)
        if not line:
            raise StopIteration
        self.ended = line.endswith(("\n", "\r"))
        return line


def _csv_records(file: IO[str], delimiter: str, header: list[str]) -> Iterator[Record]:
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    started = False
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error):
                raise FileCut(f"Le fichier s’arrête au milieu de la ligne {number}.") from None
            yield Record(number, {}, "guillemets mal placés ou cellule démesurée")
            continue
        if not started:
            started = True  # the header
            continue
        if not cells or cells == [""]:
            continue
        if not lines.ended:
            if len(cells) < len(header):
                raise FileCut(f"Le fichier s’arrête au milieu de la ligne {number}.")
            # Nothing says whether the last cell is whole: it is left out, the others are sure.
            yield _csv_record(number, cells, header, unsure_end=True)
            continue
        yield _csv_record(number, cells, header)


def _csv_record(number: int, cells: list[str], header: list[str], unsure_end: bool = False) -> Record:
    if len(cells) != len(header):
        return Record(number, {}, f"{len(cells)} cellules pour {len(header)} colonnes")
    values: dict[str, Any] = dict(zip(header, cells, strict=True))
    if not unsure_end:
        return Record(number, values)
    last = header[-1]
    doubt = f"dernière ligne sans fin de ligne, peut-être coupée{NBSP}: sa colonne {last} est laissée de côté"
    if last in IDENTITY_COLUMNS:
        return Record(number, {}, f"dernière ligne sans fin de ligne{NBSP}: sa colonne {last} est peut-être coupée")
    values.pop(last)
    return Record(number, values, doubt=doubt)


# --- JSON --------------------------------------------------------------------------------------------------------


def _json_layout(records: Iterator[Record]) -> Layout:
    columns: dict[str, None] = {}
    try:
        for record in islice(records, _PEEKED):
            columns.update(dict.fromkeys(record.cells))
    except FileCut:
        if not columns:
            raise
    layout = layout_of(columns)
    if layout is None:
        raise _unknown(list(columns)) if columns else CatalogueError("Ce JSON ne contient aucune formation.")
    return layout


def _json_list(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        if file.read(3) != codecs.BOM_UTF8:
            file.seek(0)
        number = 0
        try:
            for number, value in enumerate(ijson.items(file, "item", use_float=True), start=1):
                yield _json_record(number, value)
        except (ijson.JSONError, UnicodeDecodeError, ValueError) as error:
            where = f"après l’enregistrement {number}" if number else "avant le premier enregistrement entier"
            if "EOF" in str(error) or not _ends_a_list(path):
                raise FileCut(f"Le fichier s’arrête {where}, avant la fin de la liste.") from None
            raise FileCut(f"Le JSON n’est plus lisible {where}.") from None


def _ends_a_list(path: Path) -> bool:
    """A cut inside « \\u00 » or « nul » is only a wrong token to the parser: the last character tells."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 1024, 0))
        return file.read().rstrip().endswith(b"]")


def _json_lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        if file.read(3) != codecs.BOM_UTF8:
            file.seek(0)
        for number, line in enumerate(_bounded_lines(file), start=1):
            if not line.strip():
                continue
            try:
                yield _json_record(number, json.loads(line))
            except (ValueError, RecursionError):
                if not line.endswith(b"\n"):
                    raise FileCut(f"Le fichier s’arrête au milieu de la ligne {number}.") from None
                yield Record(number, {}, "JSON illisible")


def _bounded_lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(_LINE_LIMIT):
        if len(line) == _LINE_LIMIT and not line.endswith(b"\n"):
            # A line of that size is no training: what follows it is skipped up to its end.
            for rest in iter(lambda: file.readline(_LINE_LIMIT), b""):
                if rest.endswith(b"\n"):
                    break
            line = b"?\n"
        yield line


def _json_record(number: int, value: Any) -> Record:
    if not isinstance(value, dict):
        return Record(number, {}, "l’enregistrement n’est pas un objet")
    return Record(number, {str(name): cell for name, cell in value.items()})
