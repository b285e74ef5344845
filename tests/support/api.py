"""Calls of the API v1 in tests: each answer is held to the document that we publish."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from rdv.api_keys import NewKey
from rdv.web.api.v1.document import PATHS
from rdv.web.api.v1.schemas import SCHEMAS

VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}, validate_formats=True
    )
    for name in SCHEMAS
}


class Caller:
    """A platform's program: `get` and `post` with its key, or without."""

    def __init__(self, client: FlaskClient, made: NewKey | None) -> None:
        self._client, self._headers = client, {"Authorization": f"Bearer {made.secret}"} if made else {}
        self._sent = 0

    def get(self, path: str, status: int = 200, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        """Read, and expect a status."""
        return self._held("get", path, status, query_string=query, headers={**self._headers, **(headers or {})})

    def post(self, path: str, body: Any, status: int, key: str | None = None) -> TestResponse:
        """Send, with a new Idempotency-Key unless told."""
        self._sent += 1
        headers = {**self._headers, "Idempotency-Key": key or f"essai-{id(self)}-{self._sent}"}
        return self._held("post", path, status, json=body, headers=headers)

    def _held(self, method: str, path: str, status: int, **options: Any) -> TestResponse:
        answer = self._client.open(path, method=method.upper(), **options)
        assert answer.status_code == status, answer.text
        conforms(method, path, answer)
        return answer


def conforms(method: str, path: str, answer: TestResponse) -> None:
    """Hold an answer to the document: its status is foreseen, its content is what the schema says; and no cookie, ever."""
    assert "Set-Cookie" not in answer.headers
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json"
        VALIDATORS["Problem"].validate(answer.json)
        assert answer.json["status"] == answer.status_code
    rule = next(each for each in PATHS if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path))
    foreseen = PATHS[rule][method]["responses"]
    assert str(answer.status_code) in foreseen, f"{method} {path}: {answer.status_code} is not in the document"
    content = foreseen[str(answer.status_code)].get("content")
    if content is None:
        assert not answer.data
        return
    schema = content[answer.mimetype]["schema"]
    if "$ref" in schema:
        VALIDATORS[schema["$ref"].rsplit("/", 1)[1]].validate(answer.json)
