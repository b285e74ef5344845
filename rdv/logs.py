"""One JSON line an event on standard error: route names and opaque ids, never a person's data nor a token."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from flask import Flask

from rdv import clock

_encode = json.JSONEncoder(ensure_ascii=False).encode  # kept: json.dumps() makes one for each line


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": clock.now().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "facts", {}))
        if record.exc_info and record.exc_info[1]:
            line["exceptions"] = list(_told(record.exc_info[1]))
        return _encode(line)


def _told(error: BaseException) -> Iterator[dict[str, Any]]:
    """Tell an exception and what caused it by class and place: their texts may quote a row, so they stay out."""
    seen: BaseException | None = error
    while seen is not None:
        frames = traceback.extract_tb(seen.__traceback__)
        yield {
            "class": type(seen).__name__,
            "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def configure(app: Flask) -> None:
    """Send the application's log to standard error; repeated calls (tests) replace the handler."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    app.logger.handlers[:] = [handler]
    app.logger.propagate = False
    app.logger.setLevel(logging.INFO)
