"""gunicorn's settings: `gunicorn -c python:rdv.gunicorn_conf wsgi:app`; command-line options prevail.

In the package, because a gunicorn.conf.py would have to stand at the top of the tree.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from rdv.parentage import die_with_parent

bind = f"127.0.0.1:{os.environ.get('PORT') or 5000}"
worker_class = "gthread"  # `sync` workers answer one slow client at a time: only behind nginx
workers = 2
threads = 4
timeout = 60  # seconds without a sign of life
graceful_timeout = 10  # seconds given to requests in hand
control_socket_disable = True  # it would write under the home folder, and two instances would share it
accesslog = None  # our own log masks tokens (rdv.web.access); gunicorn's would show addresses
loglevel = "warning"
if os.path.isdir("/dev/shm"):  # noqa: S108  gunicorn's own advice: a heartbeat file on a slow disk blocks workers
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def post_fork(server: Any, worker: Any) -> None:
    """A worker whose arbiter was killed ends at once: transactions roll back, and nothing holds the port."""
    die_with_parent(server.pid, signal.SIGKILL)
    # Until gunicorn sets its own, the arbiter's handlers stand here and would swallow a request to stop.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
