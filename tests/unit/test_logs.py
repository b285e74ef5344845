"""What the log says of a failure: where, never about whom."""

from __future__ import annotations

import json
import logging
import sys

import pytest
import sqlalchemy as sa

from rdv.db import transaction
from rdv.logs import JsonFormatter
from rdv.models import Cfa
from tests import make


def formatted(error: BaseException) -> str:
    try:
        raise error
    except BaseException:
        record = logging.LogRecord("rdv", logging.ERROR, __file__, 1, "failure", (), sys.exc_info())
    return JsonFormatter().format(record)


def test_the_texts_of_exceptions_stay_out():
    try:
        try:
            raise ValueError("zoe@exemple.fr")
        except ValueError as cause:
            raise KeyError("06 12 34 56 78") from cause
    except KeyError as error:
        line = formatted(error)
    told = json.loads(line)["exceptions"]
    assert [each["class"] for each in told] == ["KeyError", "ValueError"]
    assert any("test_logs.py" in place for place in told[0]["where"])
    assert "zoe" not in line
    assert "06 12" not in line


def add_twice(siret: str) -> None:
    with transaction() as session:
        session.add(Cfa(siret=siret, email="zoe@exemple.fr"))


def test_a_database_error_quotes_nobody(app):
    cfa = make.cfa()
    with pytest.raises(sa.exc.IntegrityError) as caught:
        add_twice(cfa.siret)
    assert "zoe" not in str(caught.value)
    assert "zoe" not in formatted(caught.value)
