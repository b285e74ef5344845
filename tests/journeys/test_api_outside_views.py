"""What no view of the API answers: wrong addresses and methods, bodies too long, failures of a hook. All are problem documents (RFC 9457)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.support.browser import Client

MEMBERS = {"type", "title", "status", "detail"}


def is_problem(answer: Any, status: int) -> None:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert set(answer.json) >= MEMBERS
    assert answer.json["status"] == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert ("Retry-After" in answer.headers) == (status in (429, 503))


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/inconnue", "/api/v1", "/api/v1/inconnue", "/api/v2/inconnue", "/api/%00"]
)
def test_an_address_that_does_not_exist(client: Client, path: str) -> None:
    is_problem(client.get(path), 404)


def test_a_method_that_no_address_of_the_api_takes(client: Client, app: Flask) -> None:
    paths = {
        rule.rule.replace("<", "").replace(">", "") for rule in app.url_map.iter_rules() if rule.rule[:5] == "/api/"
    }
    assert len(paths) > 15
    for path in paths:
        answer = client.delete(path)
        is_problem(answer, 405)
        assert "OPTIONS" in answer.headers["Allow"], path


@pytest.mark.own_app
@pytest.mark.parametrize(
    ("failure", "status"),
    [(RuntimeError("zoe@courriel.example"), 500), (OperationalError("SELECT", {}, Exception()), 503)],
)
@pytest.mark.parametrize("when", ["before_request", "after_request"])
def test_what_fails_around_a_view(app: Flask, when: str, failure: Exception, status: int) -> None:
    app.testing, app.config["SHOW_FAILURES"], app.config["PROPAGATE_EXCEPTIONS"] = False, True, False
    broken = iter([True])

    def fail(response: Any = None) -> Any:
        if next(broken, False):
            raise failure
        return response

    getattr(app, when)(fail)
    client = app.test_client()
    for path in ("/api/v1/openapi.json", "/api/v1/button", "/api/partners/parcoursup/formations", "/api/inconnue"):
        broken = iter([True])
        answer = client.get(path)
        is_problem(answer, status)
        assert "zoe@" not in answer.text


def test_a_page_that_is_refused_says_when_to_come_back(client: Client, change_settings: Any, freeze: Any) -> None:
    freeze("2026-11-24T08:20:30.5Z")
    change_settings(limit_failed_secrets=1)
    answers = [client.get("/flux/inconnue.ics") for _ in range(2)]
    assert [each.status_code for each in answers] == [404, 429]
    assert answers[1].headers["Retry-After"] == str(39 * 60 + 30)  # what is left of the hour, rounded up
