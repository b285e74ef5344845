"""What the server of `forks.py` holds before it forks: imported there, and nowhere else."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import aiosmtpd.smtp  # noqa: F401  imported for the processes to come
import flask.cli  # noqa: F401
import pytest  # noqa: F401
import werkzeug.serving  # noqa: F401
from jinja2 import FileSystemBytecodeCache

import rdv.cli
import rdv.models
import rdv.worker  # noqa: F401
from tests import make  # noqa: F401
from tests.support import databases, forks
from tests.support.applications import LentApplication

# Engines connect to nothing before they are asked.
ADDRESSES = {"sqlite": "sqlite:///nowhere.sqlite", "postgresql": "postgresql+psycopg://nobody@/nothing"}

nowhere = Path(tempfile.gettempdir())
compiled = os.environ.get(forks.TEMPLATES)
templates = FileSystemBytecodeCache(compiled) if compiled else None
for engine, address in ADDRESSES.items():
    forks.ready[engine] = LentApplication(databases.settings(address, nowhere), templates)
gc.collect()
gc.freeze()  # the collector of a process writes into none of the pages that it shares with the others
