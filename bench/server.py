"""The servers under load: gunicorn with an application, on a database made for the run; and their CPU time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
OURS = ["-c", "python:rdv.gunicorn_conf", "wsgi:app"]
LIMIT = ["-c", "python:rdv.gunicorn_conf", "bench.limits.booking:app"]


def environment(database_url: str, instance: Path) -> dict[str, str]:
    """Return the environment of a server: production's code, limits raised by their documented settings."""
    return {
        **os.environ,
        "APP_ENV": "development",
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "http://localhost",  # that of the benchmark's own process: validators of calendars hold it
        "INSTANCE_DIR": str(instance),
        "SECRET_KEY": "bench-key-of-32-characters-or-more",
        "FORM_MAX_SECONDS": "86400",
        "LIMIT_FEED_READS": "1000000",
        "LIMIT_POSTS_PER_ADDRESS": "1000000",
        "LIMIT_POSTS_PER_CONTACT": "1000000",
        "LIMIT_POSTS_PER_CFA": "1000000",
    }


@dataclass
class Running:
    """A server that answers."""

    port: int
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Return the CPU seconds used so far by the server and its workers."""
        return sum(cpu_seconds(pid) for pid in family(self.process.pid))


@contextmanager
def serving(arguments: list[str], database_url: str) -> Iterator[Running]:
    """Run gunicorn until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        env = environment(database_url, Path(folder)) | {"PORT": str(port)}
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *arguments], cwd=ROOT, env=env, stdout=log, stderr=log
            )
        try:
            _wait(port, process, Path(folder) / "log")
            yield Running(port, process)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/sante", timeout=2).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"the server did not answer:\n{log.read_text(errors='replace')[-2000:]}")


def cpu_seconds(pid: int) -> float:
    """Return the user and system CPU seconds of one process, 0 once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += children.get(current, [])
    return found
