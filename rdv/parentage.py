"""A child process that ends with its parent, even when the parent is killed without a word (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, signum: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel for this signal when `parent` dies; end now when it already has.

    Linux only: elsewhere (a developer's Mac) the signal handlers of the parent still stop its children.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signum))
    if os.getppid() != parent:  # it died between the fork and the line above
        os._exit(1)
