"""A catalogue on HTTP, on this machine: the pages of the public APIs and plain files, and the ways in which they fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Catalogue:
    """What the server holds, what it was asked, and how it answers."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.failures: list[tuple[int, dict[str, str]]] = []  # answered first, one each
        self.totals: dict[int, int] = {}  # page → total that it announces
        self.cut_pages: set[int] = set()  # sent by half
        self.asked: list[str] = []  # paths of files, numbers of pages
        self.held = threading.Event()  # set: page `hold` is answered
        self.held.set()
        self.hold = 0
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    catalogue: Catalogue

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        told = self.catalogue
        if target.path.endswith("/formations"):
            query = parse_qs(target.query)
            page, limit = int(query["page"][0]), int(query["limit"][0])
            told.asked.append(str(page))
            if page == told.hold:
                told.held.wait(30)
        else:
            page = limit = 0
            told.asked.append(target.path)
        if told.failures:
            status, headers = told.failures.pop(0)
            return self._send(status, b"", headers)
        if target.path in told.redirects:
            return self._send(302, b"", {"Location": told.redirects[target.path]})
        if page:
            return self._send(200, self._page(page, limit), {}, page in told.cut_pages)
        if target.path in told.files:
            return self._send(200, told.files[target.path], {})
        return self._send(404, b"", {})

    def _page(self, page: int, limit: int) -> bytes:
        rows = self.catalogue.rows
        total = self.catalogue.totals.get(page, len(rows))
        pages = -(-len(rows) // limit)
        pagination = {"page": page, "resultats_par_page": limit, "nombre_de_page": pages, "total": total}
        return json.dumps({"formations": rows[(page - 1) * limit : page * limit], "pagination": pagination}).encode()

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # the reader is gone
            self.wfile.write(body[: len(body) // 2] if cut else body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Catalogue]:
    """Serve a catalogue on a free port of the loopback."""
    catalogue = Catalogue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"catalogue": catalogue}))
    catalogue.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield catalogue
    finally:
        catalogue.held.set()
        server.shutdown()
        thread.join()
        server.server_close()
