"""One JSON line an event on standard error: route names and opaque ids, never a person's data nor a token."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from flask import Flask

from rdv import clock


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
        if record.exc_info:
            # The traceback names code; the exception's own text may quote a row, so it stays out.
            kind = record.exc_info[0]
            line["exception"] = kind.__name__ if kind else None
            line["where"] = self.formatException(record.exc_info).splitlines()[:-1]
        return json.dumps(line, ensure_ascii=False)


def configure(app: Flask) -> None:
    """Send the application's log to standard error; repeated calls (tests) replace the handler."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    app.logger.handlers[:] = [handler]
    app.logger.propagate = False
    app.logger.setLevel(logging.INFO)
