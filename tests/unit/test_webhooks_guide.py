"""docs/webhooks.md keeps its word: its code verifies what we sign, its lists are ours."""

from __future__ import annotations

import re
import time
from pathlib import Path

from rdv import signature
from rdv.models.request import OUTCOMES
from rdv.models.webhook import WEBHOOK_TYPES

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"type":"booked","name":"Zoé"}'.encode()


def test_the_example_in_python_accepts_what_we_send_and_nothing_else():
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    found: dict = {}
    exec(code, found)  # noqa: S102
    now = int(time.time())

    def headers(secret, at=now, body=BODY):
        signed = f"{signature.sign('autre', at, body)}, {signature.sign(secret, at, body)}"
        return {"X-RDV-Timestamp": str(at), "X-RDV-Signature": signed}

    assert found["is_ours"]("secret", headers("secret"), BODY)
    assert not found["is_ours"]("secret", headers("faux"), BODY)
    assert not found["is_ours"]("secret", headers("secret"), BODY + b" ")
    assert not found["is_ours"]("secret", headers("secret", now - 400), BODY)
    assert not found["is_ours"]("secret", {}, BODY)


def test_the_example_to_try_one_s_code_is_signed_as_we_sign():
    (vector,) = re.findall(r"`(v1=[0-9a-f]{64})`", GUIDE)
    assert vector == signature.sign("whsec_exemple", 1764057600, b'{"id":"1"}')


def test_every_event_and_outcome_is_told():
    told = re.findall(r"^\| `(\w+)` \|", GUIDE, re.M)
    assert set(told) & {*WEBHOOK_TYPES, "test"} == {*WEBHOOK_TYPES, "test"}
    for outcome in OUTCOMES:
        assert f"`{outcome}`" in GUIDE
