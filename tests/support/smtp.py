"""Start the sink of `smtp_sink.py` and read what it kept."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import forks

DEADLINE = 60  # seconds: the machine may be busy


class SmtpSink:
    """The running sink: `port`, `mails`, `behave("recipient 550")`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @property
    def mails(self) -> list[bytes]:
        """What was received, in order, byte for byte."""
        return [path.read_bytes() for path in sorted(self.folder.glob("*.eml"))]

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """Sender, recipients and use of TLS of each."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]

    def behave(self, words: str) -> None:
        """Change what the sink does from the next command on."""
        unfinished = self.folder / "behaviour.part"
        unfinished.write_text(words)
        unfinished.rename(self.folder / "behaviour")

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings that send mails here."""
        return {"mail_backend": "smtp", "mail_server": "127.0.0.1", "mail_port": self.port, "mail_tls": "none", **more}


@contextmanager
def sink(folder: Path, tls: str = "none", certificate: Path | None = None) -> Iterator[SmtpSink]:
    """Run a sink until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--tls", tls, *(["--certificate", str(certificate)] if certificate else [])]
    process = forks.python("tests.support.smtp_sink", str(folder), *options, env=dict(os.environ))
    try:
        yield SmtpSink(folder, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def wait_until(what: Callable[[], Any], process: forks.Process | None = None) -> Any:
    """Return the first true value, or fail after the deadline or the death of the process."""
    deadline = time.monotonic() + DEADLINE
    while not (found := what()):
        assert process is None or process.poll() is None, f"the process ended: {process.communicate()}"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return found
