"""A platform's server in a process of its own, that checks what it is told by docs/webhooks.md alone: `with receiver(folder) as found:`.

It shares no code with the service: the signature is computed here anew. It keeps each request as a JSON file and misbehaves
on demand (`found.behave("status 503")`): accept | status CODE | redirect URL | silent | drip.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support import forks


class Receiver:
    """The running server: `url`, `asked` (every request, in order)."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}/rdv/evenements?compte=7"

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Every request: when (monotonic seconds of this machine), path, headers, raw body in base64, and what it says."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]

    @property
    def told(self) -> list[dict[str, Any]]:
        """What each said."""
        return [each["body"] for each in self.asked]

    def behave(self, words: str) -> None:
        """Change what it does from the next request on."""
        unfinished = self.folder / "behaviour.part"
        unfinished.write_text(words)
        unfinished.rename(self.folder / "behaviour")


def is_signed(asked: dict[str, Any], secret: str) -> bool:
    """Say whether a request carries a signature made with this secret."""
    raw, headers = base64.b64decode(asked["raw"]), asked["headers"]
    signed = headers["x-rdv-timestamp"].encode() + b"." + raw
    expected = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return expected in [each.strip() for each in headers["x-rdv-signature"].split(",")]


@contextmanager
def receiver(folder: Path) -> Iterator[Receiver]:
    """Run a server until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    process = forks.python("tests.support.receiver", str(folder), env=dict(os.environ))
    try:
        yield Receiver(folder, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


class _Handler(BaseHTTPRequestHandler):
    folder: Path
    count = 0

    def do_POST(self) -> None:
        path = self.folder / "behaviour"
        kind, *rest = path.read_text().split() if path.exists() else ["accept"]
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).count += 1
        name = self.folder / f"{type(self).count:05d}.part"
        asked = {
            "at": time.monotonic(), "path": self.path, "raw": base64.b64encode(raw).decode(), "body": json.loads(raw),
            "headers": {key.lower(): value for key, value in self.headers.items()},
        }  # fmt: skip
        name.write_text(json.dumps(asked))
        name.rename(name.with_suffix(".json"))
        if kind == "silent":
            time.sleep(3600)
        if kind == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(3600):
                self.wfile.write(b"a")
                self.wfile.flush()
                time.sleep(0.05)
        self.send_response({"accept": 204, "redirect": 307}.get(kind) or int(rest[0]))
        if kind == "redirect":
            self.send_header("Location", rest[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_arguments: Any) -> None:
        """Say nothing of who hangs up."""


if __name__ == "__main__":
    _Handler.folder = Path(sys.argv[1])
    server = _Server(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)  # noqa: T201
    server.serve_forever()
