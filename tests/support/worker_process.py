"""The real worker (`flask worker`), stopped for ever at one step, so that a test may kill it exactly there.

`python -m tests.support.worker_process STEP`: prints STEP when it is reached and goes no further. Steps: start (nothing
is stopped), claim, render, send, mark; sms-send, sms-mark; webhook-send,
webhook-mark. The hooks are here, in test code: the product knows none of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from config import Config
from rdv import delivery, mailer, outgoing_http, transport, worker
from rdv.sms.http import HttpProvider
from tests.support import forks


def stop(step: str) -> None:
    """Tell the test, then hold this step until the kill."""
    print(step, flush=True)  # noqa: T201
    time.sleep(3600)


def before(owner: Any, name: str, step: str) -> None:
    """Stop when this function is about to run."""
    setattr(owner, name, lambda *_arguments, **_options: stop(step))


def after(owner: Any, name: str, step: str) -> None:
    """Stop when this function has done its work."""
    function: Callable[..., Any] = getattr(owner, name)

    def stopped(*arguments: Any, **options: Any) -> None:
        function(*arguments, **options)
        stop(step)

    setattr(owner, name, stopped)


STEPS: dict[str, Callable[[], None]] = {
    "start": lambda: None,
    "claim": lambda: before(delivery.rounds, "claim", "claim"),
    "render": lambda: before(mailer, "render", "render"),  # claimed, nothing rendered
    "send": lambda: before(transport, "send", "send"),  # rendered and stored, nothing sent
    "mark": lambda: after(transport, "send", "mark"),  # the relay said 250, the row does not know
    "sms-send": lambda: before(HttpProvider, "send", "sms-send"),
    "webhook-send": lambda: before(outgoing_http, "post", "webhook-send"),
    "webhook-mark": lambda: after(outgoing_http, "post", "webhook-mark"),
    "sms-mark": lambda: after(HttpProvider, "send", "sms-mark"),
}

if __name__ == "__main__":
    STEPS[sys.argv[1]]()
    worker.MAIL_EVERY = 0.2  # type: ignore[assignment]
    worker.work(forks.application(Config.from_env()))
