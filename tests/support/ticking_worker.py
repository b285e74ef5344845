"""A worker process whose time stands still: for each instant read on standard input, one tick, then « done »."""

from __future__ import annotations

import sys

from config import Config
from rdv import clock
from tests.support import forks
from tests.support.frozen import FrozenClock
from tests.support.ticks import tick

if __name__ == "__main__":
    app = forks.application(Config.from_env())
    for line in sys.stdin:
        clock.now = FrozenClock(line.strip())  # type: ignore[assignment]
        with app.app_context():
            tick(app)
        print("done", flush=True)  # noqa: T201
