"""The whole database as words: what a thief of a copy would search for a name."""

from __future__ import annotations

import unicodedata
import zlib
from email import message_from_bytes
from email.policy import default
from typing import Any

import sqlalchemy as sa

from rdv.db import db


def columns_with(*words: str) -> dict[str, set[str]]:
    """Return the columns of the database (« table.column ») that hold each of these words, accents and case aside."""
    db.session.rollback()
    found: dict[str, set[str]] = {word: set() for word in words}
    tables = sa.MetaData()
    tables.reflect(db.engine)
    with db.engine.connect() as connection:
        for table in tables.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                for name, value in row.items():
                    said = _folded(_words(value))
                    for word in words:
                        if _folded(word) in said:
                            found[word].add(f"{table.name}.{name}")
    return found


def _words(value: Any) -> str:
    if isinstance(value, memoryview):
        value = bytes(value)
    if not isinstance(value, bytes):
        return str(value)
    if value[:2] == b"\x78\x9c":
        value = zlib.decompress(value)
    said = value.decode("utf-8", "replace")
    if b"Message-ID:" in value:  # encoded words, quoted-printable, base64
        mail = message_from_bytes(value, policy=default)
        said += " ".join(str(header) for header in mail.values())
        said += " ".join(str(part.get_content()) for part in mail.walk() if not part.is_multipart())
    return said


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(ch for ch in plain if not unicodedata.combining(ch)).casefold().replace("\u00a0", " ")
