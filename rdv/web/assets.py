"""Static files whose address changes with their content, so that browsers keep them for a year."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask


def register(app: Flask) -> None:
    """Offer `asset_version(name)` to templates."""
    folder = Path(app.static_folder or "")

    @lru_cache(maxsize=64)
    def version(name: str, modified: int) -> str:
        return hashlib.sha256((folder / name).read_bytes()).hexdigest()[:10]

    def asset_version(name: str) -> str:
        return version(name, (folder / name).stat().st_mtime_ns)

    app.jinja_env.globals["asset_version"] = asset_version
