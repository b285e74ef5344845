"""A catalogue that a server gives, brought here whole before a row of it is imported: what stops in between closes nothing.

Two shapes: the public APIs, page by page (`/entity/formations`, reference/predecessor.md §11), and a file. Pages that
came are kept: a fetch that was interrupted asks for the next one, if the server still announces as many trainings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import ijson

from rdv import outgoing_http, stopping
from rdv.catalogue.runs import Interrupted
from rdv.errors import CatalogueError
from rdv.french import NBSP, number
from rdv.outgoing_http import Streamed, Unreachable

PAGE = 500  # trainings asked for at once
TRIES = 5
REDIRECTIONS = 5
LONGEST_REST = 300.0  # seconds that a server may ask to wait
_FILES = (".json", ".jsonl", ".ndjson", ".csv", ".gz")
_PIECE = 256 * 1024


class Unavailable(CatalogueError):
    """The server does not answer now: the run is interrupted, and goes on later."""


class TooLarge(CatalogueError):
    """More came, or was unpacked, than a catalogue may hold."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"le catalogue dépasse {most_bytes // 1_000_000}{NBSP}Mo (CATALOGUE_MAX_MEGABYTES).")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may take of us."""

    timeout: float  # seconds, each step
    lasting: float  # seconds, one answer
    most_bytes: int  # altogether
    allow_private: bool


Told = Callable[[int, int | None], None]  # trainings, or bytes, that came; how many there will be


def fetch(url: str, folder: Path, limits: Limits, told: Told) -> Path:
    """Bring a catalogue here and return its file. Raises Unavailable, or CatalogueError when it will not do better later."""
    folder.mkdir(parents=True, exist_ok=True)
    if urlsplit(url).username is not None:
        raise CatalogueError("l’adresse du catalogue porte un mot de passe\u00a0: il serait montré. Retirez-le.")
    if urlsplit(url).path.lower().endswith(_FILES):
        return _file(url, folder, limits, told)
    return _Pages(url, folder, limits, told).fetch()


def _file(url: str, folder: Path, limits: Limits, told: Told) -> Path:
    path = folder / "recu"

    def receive() -> None:
        with _answer(url, limits) as answer, path.open("wb") as file:
            _receive(answer, file.write, limits.most_bytes, told)

    _patiently(receive)
    return path


def _receive(answer: Streamed, write: Callable[[bytes], object], most: int, told: Told | None) -> None:
    came, announced = 0, int(answer.header("Content-Length") or 0) or None
    while piece := answer.read(_PIECE):
        came += len(piece)
        if came > most:
            raise TooLarge(most)
        write(piece)
        if told:
            told(came, announced)


class _Pages:
    """The pages of an API, written one row a line; `etat.json` tells which came whole."""

    def __init__(self, url: str, folder: Path, limits: Limits, told: Told) -> None:
        self._url, self._limits, self._told = url, limits, told
        self._rows, self._page, self._state = folder / "lignes.jsonl", folder / "page.json", folder / "etat.json"

    def fetch(self) -> Path:
        """Ask for each page that has not come."""
        came = self._came()
        if came is None:
            came = {"url": self._url, "page": 0, "rows": 0, "bytes": 0, "total": None, "pages": None}
        with self._rows.open("r+b" if self._rows.exists() else "w+b") as file:
            resumed = came["page"] > 0
            while came["pages"] is None or came["page"] < came["pages"]:
                file.truncate(came["bytes"])
                file.seek(came["bytes"])
                said = self._next(came["page"] + 1, file)
                if came["total"] is not None and said["total"] != came["total"]:
                    self._state.unlink(missing_ok=True)
                    if resumed:  # what came belongs to another day: all of it again
                        file.truncate(0)
                        return self.fetch()
                    raise CatalogueError(
                        f"le catalogue a changé pendant sa lecture ({number(came['total'])} formations, puis "
                        f"{number(said['total'])}){NBSP}: rien n’est importé ni fermé. Recommencez."
                    )
                resumed = False
                came = {
                    **came, "page": came["page"] + 1, "rows": came["rows"] + said["rows"], "bytes": file.tell(),
                    "total": said["total"], "pages": said["pages"],
                }  # fmt: skip
                if came["bytes"] > self._limits.most_bytes:
                    raise TooLarge(self._limits.most_bytes)
                file.flush()
                self._state.write_text(json.dumps(came), encoding="utf-8")
                self._told(came["rows"], came["total"])
        self._page.unlink(missing_ok=True)
        if came["rows"] != came["total"] or not came["rows"]:
            self._state.unlink(missing_ok=True)
            raise CatalogueError(
                f"le catalogue annonce {number(came['total'] or 0)} formations et en donne {number(came['rows'])}{NBSP}: rien "
                "n’est importé ni fermé."
            )
        return self._rows

    def _came(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
            if found["url"] == self._url and self._rows.stat().st_size >= found["bytes"]:
                return found
        except (OSError, ValueError, KeyError):
            pass
        return None

    def _next(self, page: int, rows: Any) -> dict[str, int]:
        """Receive one page aside, then add its rows; return how many, and what the server says of the whole."""
        target = urlsplit(self._url)
        asked = {"limit": str(PAGE), **dict(parse_qsl(target.query)), "page": str(page)}
        url = target._replace(query=urlencode(asked)).geturl()

        def receive() -> None:
            with _answer(url, self._limits) as answer, self._page.open("wb") as file:
                _receive(answer, file.write, self._limits.most_bytes, None)

        _patiently(receive)
        try:
            with self._page.open("rb") as file:
                said = next(ijson.items(file, "pagination"))
                total, pages = int(said["total"]), int(said["nombre_de_page"])
            count = 0
            with self._page.open("rb") as file:
                for row in ijson.items(file, "formations.item", use_float=True):
                    count += 1
                    rows.write(json.dumps(row, ensure_ascii=False).encode(errors="surrogatepass") + b"\n")
        except (ijson.JSONError, StopIteration, KeyError, TypeError, ValueError):
            raise CatalogueError(
                f"la page {page} du catalogue n’a pas la forme attendue (formations, pagination)."
            ) from None
        return {"total": total, "pages": pages, "rows": count}


class _Retry(Exception):
    """The server asks to come back, or broke off."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


@contextmanager
def _answer(url: str, limits: Limits) -> Iterator[Streamed]:
    """Open the answer at the end of the redirections; each address is checked when it is connected to."""
    for _ in range(REDIRECTIONS + 1):
        try:
            with outgoing_http.get(
                url, {"Accept": "*/*"}, timeout=limits.timeout, lasting=limits.lasting, allow_private=limits.allow_private
            ) as answer:  # fmt: skip
                location = answer.header("Location")
                if answer.status in (301, 302, 303, 307, 308) and location:
                    url = urljoin(url, location)
                    continue
                if answer.status == 429 or answer.status >= 500:
                    raise _Retry(f"statut {answer.status}", _seconds(answer.header("Retry-After")))
                if answer.status != 200:
                    raise CatalogueError(f"le serveur du catalogue a répondu par le statut {answer.status}.")
                yield answer
                return
        except Unreachable as error:
            if str(error) in ("PrivateAddress", "PlainHttp"):
                raise CatalogueError(
                    f"l’adresse du catalogue n’est pas permise ({error}){NBSP}: une adresse https publique est attendue."
                ) from None
            raise _Retry(str(error)) from None
    raise CatalogueError("le serveur du catalogue redirige sans fin.")


def _seconds(said: str | None) -> float | None:
    """Return the seconds of a Retry-After; a date is left to our own rhythm."""
    return float(said) if said and said.strip().isdigit() else None


def _patiently(receive: Callable[[], None]) -> None:
    """Receive, again after a rest when the server is busy or the line broke."""
    for attempt in range(1, TRIES + 1):
        try:
            receive()
            return
        except _Retry as failure:
            rest = failure.after if failure.after is not None else float(2 ** (attempt - 1))
            if attempt == TRIES or rest > LONGEST_REST:
                raise Unavailable(
                    f"le serveur du catalogue ne répond pas ({failure}), après {attempt}{NBSP}essais. Le prochain passage "
                    "reprendra là."
                ) from None
            if pause(rest):
                raise Interrupted from None


def pause(seconds: float) -> bool:
    """Wait; True when the process is asked to stop meanwhile."""
    return stopping.asked.wait(seconds)
