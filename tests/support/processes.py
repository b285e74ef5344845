"""Real processes of ours: started on a free port, found by a mark in their environment, awaited by polling."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = "RDV_TEST_MARK"


def free_port() -> int:
    """Return a port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Poll until the condition holds; AssertionError says what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s: {what}"
        time.sleep(0.05)


class Run:
    """A command of `flask --app wsgi …`, with its descendants; what it writes goes to a file."""

    def __init__(
        self, arguments: list[str], environ: dict[str, str], folder: Path, child_of_shell: bool = False
    ) -> None:
        self.mark = secrets.token_hex(8)
        self.output = folder / f"output-{self.mark}.txt"
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        if child_of_shell:  # a parent that does nothing but wait, as `make` does
            command = ["/bin/sh", "-c", '"$@" & wait', "sh", *command]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**environ, MARK: self.mark}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    @property
    def text(self) -> str:
        """What it has written so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def processes(self) -> dict[int, str]:
        """Return the living processes that carry the mark, and their command lines."""
        found = {}
        needle = f"{MARK}={self.mark}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if needle in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError):
                continue
        return found

    def find(self, words: str) -> list[int]:
        """Return the ids of its processes whose command line holds these words, oldest first."""
        return sorted(number for number, line in self.processes().items() if words in line)

    def wait_for_end(self, seconds: float = 30.0) -> int:
        """Wait for the command, then for every process it started; return its exit code."""
        code = self.process.wait(timeout=seconds)
        wait_until(lambda: not self.processes(), f"these should have ended: {self.processes()}", seconds)
        return code

    def kill(self) -> None:
        """End whatever is left, after a failed test."""
        for number in self.processes():
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(timeout=10)


def answers(url: str) -> bool:
    """Say whether a page answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
