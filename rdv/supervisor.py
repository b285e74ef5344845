"""`flask serve`: one command that runs the whole service, and leaves nothing behind.

The parent holds the signals and two children, gunicorn and the worker. It waits for signals in one place (`sigwait`)
rather than in handlers, so that no signal is lost between two lines. Each child has a session of its own: Ctrl-C
reaches the parent alone, which stops them in order; the kernel stops them if the parent is killed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rdv.parentage import die_with_parent

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCHED = (*STOP_SIGNALS, signal.SIGCHLD)
GRACE = 20.0  # seconds: longer than gunicorn's own, and than one mail in hand


class PortBusy(Exception):
    """Another program listens there."""


def listen(port: int) -> socket.socket:
    """Take the port of the loopback at once: nobody else can have it while the database is prepared."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise PortBusy(str(error)) from error
    return listener


@dataclass
class Child:
    """A process of ours, named for the messages."""

    name: str
    process: subprocess.Popen[bytes]

    def signal_group(self, signum: signal.Signals) -> None:
        """Signal the child and whatever it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signum)


class Supervisor:
    """Runs the children until a signal comes or one of them ends."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self.environ = dict(environ)
        self.children: list[Child] = []

    def run(self, listener: socket.socket) -> int:
        """Return the exit code: 0 when asked to stop, 1 when a child ended by itself."""
        kept = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        try:
            return self._run(listener)
        finally:
            for child in self.children:
                if child.process.poll() is None:
                    child.signal_group(signal.SIGKILL)
                    child.process.wait()
            signal.pthread_sigmask(signal.SIG_SETMASK, kept)

    def _run(self, listener: socket.socket) -> int:
        number = listener.fileno()
        web = ["-m", "gunicorn", "-c", "python:rdv.gunicorn_conf", "--bind", f"fd://{number}", "wsgi:app"]
        self._start("le serveur web", web, (number,))
        listener.close()
        self._start("le travailleur", ["-m", "flask", "--app", "wsgi", "worker"])
        while True:
            if signal.sigwait(WATCHED) in STOP_SIGNALS:
                self._stop()
                return 0
            ended = [child for child in self.children if child.process.poll() is not None]
            if ended:
                for child in ended:
                    told = f"Arrêt : {child.name} s’est terminé (code {child.process.returncode})."
                    print(told, file=sys.stderr, flush=True)  # noqa: T201
                self._stop()
                return 1

    def _start(self, name: str, arguments: list[str], descriptors: tuple[int, ...] = ()) -> None:
        parent = os.getpid()

        def prepare() -> None:
            signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a mask is inherited
            die_with_parent(parent)

        process = subprocess.Popen(  # noqa: S603  our own interpreter, fixed arguments
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,
            preexec_fn=prepare,  # safe: this process has one thread
        )
        self.children.append(Child(name, process))

    def _stop(self) -> None:
        """Ask, wait, insist; a second Ctrl-C insists at once."""
        for child in self.children:
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE
        while any(child.process.poll() is None for child in self.children):
            left = deadline - time.monotonic()
            received = signal.sigtimedwait(WATCHED, left) if left > 0 else None
            if received is None or received.si_signo in STOP_SIGNALS:
                break
        for child in self.children:
            child.signal_group(signal.SIGKILL)
            child.process.wait()
