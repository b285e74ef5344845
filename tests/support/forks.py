"""Real processes of ours that begin at once: forked from a server that has imported the service and built its applications.

`python -m …` imports the service again, which takes longer than what most tests do with it. A forked process differs in
nothing else: it has its own memory, engine, connections, environment and streams, and is killed as any other.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, TextIO

from flask import Flask

from config import Config
from rdv import create_app

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
TEMPLATES = "TESTS_TEMPLATES"  # names the folder where this run keeps its compiled templates

# Filled in the server alone (tests/support/forks_server.py): the applications that a forked process finds ready.
ready: dict[str, Any] = {}


def context() -> ForkServerContext:
    """Return the context whose processes are forked so: `forks.context().Process(target=…)`, `.Barrier(2)`, `.Queue()`."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.support.forks_server"])
    return found


def application(config: Config) -> Flask:
    """Return the application of a forked process, ready or new; its engine has no connection yet."""
    engine = "sqlite" if config.database_url.startswith("sqlite") else "postgresql"
    found = ready.pop(engine, None)
    if found is None or not found.suits(config):
        return create_app(config)
    app: Flask = found.take(config)
    return app


class Process:
    """A running process with the streams and the verbs of `subprocess.Popen`."""

    def __init__(self, act: Callable[..., object], *arguments: Any, env: dict[str, str]) -> None:
        forking = context()
        stdin, to_stdin = forking.Pipe(duplex=False)
        from_stdout, stdout = forking.Pipe(duplex=False)
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace", delete=False) as errors:
            self._errors = Path(errors.name)
        self._process = forking.Process(target=_run, args=(act, arguments, env, stdin, stdout, str(self._errors)))
        self._process.start()
        self.pid = self._process.pid
        self.stdin: TextIO = os.fdopen(os.dup(to_stdin.fileno()), "w")
        self.stdout: TextIO = os.fdopen(os.dup(from_stdout.fileno()), "r")
        for end in (stdin, to_stdin, from_stdout, stdout):
            end.close()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            assert self.pid is not None
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; return what it wrote on its two streams. A second call returns nothing more."""
        if self.stdout.closed:
            return "", ""
        self.stdin.close()
        self.wait(timeout)
        with self.stdout:
            output = self.stdout.read()
        errors = self._errors.read_text(encoding="utf-8", errors="replace")
        self._errors.unlink()
        return output, errors


def python(module: str, *arguments: str, env: dict[str, str]) -> Process:
    """Run `python -m module arguments`, in this environment."""
    return Process(_as_main, module, arguments, env=env)


def _as_main(module: str, arguments: tuple[str, ...]) -> None:
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _run(
    act: Callable[..., object], arguments: tuple[Any, ...], env: dict[str, str], stdin: Any, stdout: Any, errors: str
) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(env)
    for number, end in ((0, stdin), (1, stdout)):
        os.dup2(end.fileno(), number)
        end.close()
    with Path(errors).open("ab") as file:
        os.dup2(file.fileno(), 2)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115  for the whole life of the process
    sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, encoding="utf-8", buffering=1)  # noqa: SIM115
    try:
        act(*arguments)
    finally:
        sys.stdout.flush()
