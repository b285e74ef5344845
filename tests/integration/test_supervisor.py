"""`flask serve` answers, refuses a busy port clearly, and leaves no process behind, however it ends."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.processes import Run, answers, free_port, wait_until

# What is tried here is the operating system, not the database.
pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def serve(process_env, tmp_path):
    """`with serve() as run:` a whole service, ready."""

    @contextmanager
    def start(*options: str, child_of_shell: bool = False) -> Iterator[Run]:
        port = free_port()
        run = Run(["serve", "--port", str(port), *options], process_env, tmp_path, child_of_shell)
        run.url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: run.process.poll() is not None or answers(run.url + "/sante"), "no answer on /sante")
            wait_until(lambda: run.process.poll() is not None or "worker started" in run.text, "no worker")
            assert run.process.poll() is None, run.text
            yield run
        finally:
            run.kill()

    return start


def test_ctrl_c_stops_everything_and_the_next_start_finds_the_data(serve, instance_dir):
    for _ in range(2):
        with serve() as run:
            assert f"RDV Apprentissage est prêt : {run.url}" in run.text
            # The parent, gunicorn and its two workers, the worker.
            wait_until(lambda: len(run.processes()) == 5, f"five processes: {run.processes()}")
            run.process.send_signal(signal.SIGINT)
            assert run.wait_for_end() == 0, run.text
            assert "Traceback" not in run.text
    assert instance_dir.exists()


def test_sigterm_stops_everything(serve):
    with serve() as run:
        run.process.terminate()
        assert run.wait_for_end() == 0, run.text


def test_sigterm_to_the_group_stops_everything(serve):
    with serve() as run:
        os.killpg(run.process.pid, signal.SIGTERM)
        assert run.wait_for_end() == 0, run.text


def test_death_of_the_parent_stops_everything(serve):
    with serve() as run:
        run.process.kill()
        assert run.wait_for_end() == -signal.SIGKILL


def test_death_of_make_stops_everything(serve):
    with serve("--with-parent", child_of_shell=True) as run:
        run.process.kill()
        run.wait_for_end()


@pytest.mark.parametrize("command", ["gunicorn", "wsgi worker"])
def test_death_of_a_child_stops_the_other_and_says_so(serve, command):
    with serve() as run:
        os.kill(run.find(command)[0], signal.SIGKILL)
        assert run.wait_for_end() == 1
        assert "s’est terminé" in run.text


def test_a_busy_port_is_told_before_anything_is_done(process_env, tmp_path):
    process_env["DATABASE_URL"] = f"sqlite:///{tmp_path / 'untouched.sqlite'}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = Run(["serve", "--port", str(port)], process_env, tmp_path)
        assert run.wait_for_end() == 1
    assert f"Le port {port} est déjà utilisé" in run.text
    assert not (tmp_path / "untouched.sqlite").exists()


def test_the_port_is_free_again_at_once(serve):
    with serve() as run:
        port = int(run.url.rsplit(":", 1)[1])
        run.process.terminate()
        run.wait_for_end()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
