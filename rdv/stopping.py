"""Whether this process was asked to stop: long work looks between two of its steps, ends clean, and goes on another day."""

from __future__ import annotations

import threading

asked = threading.Event()
