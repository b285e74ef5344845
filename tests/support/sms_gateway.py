"""A provider of text messages in a process of its own, true to docs/sms.md: `with gateway(folder) as found:`.

It keeps what it receives as JSON files, delivers a repeated idempotency key once, and misbehaves on demand
(`found.behave("status 503")`): accept | status CODE | redirect URL | silent | nonsense.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support import forks

TOKEN = "jeton-de-l-essai-seulement"


class Gateway:
    """The running gateway: `url`, `asked` (every request), `delivered` (each message once)."""

    def __init__(self, folder: Path, port: int, scheme: str) -> None:
        self.folder = folder
        self.url = f"{scheme}://127.0.0.1:{port}/envois?compte=cfa"

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Every request, in order: path, headers, body."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]

    @property
    def delivered(self) -> list[dict[str, Any]]:
        """The messages that reached a telephone: accepted, once a key."""
        taken: dict[str, dict[str, Any]] = {}
        for each in self.asked:
            if each["accepted"]:
                taken.setdefault(each["headers"]["idempotency-key"], each["body"])
        return list(taken.values())

    def behave(self, words: str) -> None:
        """Change what it does from the next request on."""
        unfinished = self.folder / "behaviour.part"
        unfinished.write_text(words)
        unfinished.rename(self.folder / "behaviour")

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings that send text messages here."""
        chosen = {"sms_provider": "http", "sms_url": self.url, "sms_token": TOKEN, "sms_allow_private": True}
        return {**chosen, "sms_timeout": 5.0, **more}


@contextmanager
def gateway(folder: Path, certificate: Path | None = None) -> Iterator[Gateway]:
    """Run a gateway until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    options = [str(certificate)] if certificate else []
    process = forks.python("tests.support.sms_gateway", str(folder), *options, env=dict(os.environ))
    try:
        yield Gateway(folder, int(process.stdout.readline()), "https" if certificate else "http")
    finally:
        process.kill()
        process.communicate()


class _Handler(BaseHTTPRequestHandler):
    folder: Path
    count = 0

    def do_POST(self) -> None:
        path = self.folder / "behaviour"
        kind, *rest = path.read_text().split() if path.exists() else ["accept"]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).count += 1
        number = type(self).count
        asked = {
            "path": self.path, "accepted": kind == "accept", "body": json.loads(body),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }  # fmt: skip
        unfinished = self.folder / f"{number:03d}.part"
        unfinished.write_text(json.dumps(asked))
        unfinished.rename(self.folder / f"{number:03d}.json")
        if kind == "silent":
            time.sleep(3600)
        status = {"accept": 202, "nonsense": 200, "redirect": 307}.get(kind) or int(rest[0])
        self.send_response(status)
        if kind == "redirect":
            self.send_header("Location", rest[0])
        answer = b"merci" if kind == "nonsense" else json.dumps({"id": f"sms-{number}"}).encode()
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    _Handler.folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)  # noqa: T201
    server.serve_forever()
