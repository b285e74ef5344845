"""The document of the API and the API itself say the same: routes, statuses, bodies; odd calls are refused, never failed on."""

from __future__ import annotations

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.specs.openapi import checks as conformance

from rdv import clock
from rdv.web import problems
from rdv.web.api.v1 import shape
from rdv.web.api.v1.document import PATHS, document
from rdv.web.api.v1.schemas import IDENTIFIERS
from rdv.web.api.v1.trainings import partner_ids
from tests import make
from tests.support.pages import visit

EXAMPLES = 12  # of each operation, kind of data and caller
BUDGET = 50.0  # seconds, for the whole: what is left is not tried
PAGES = {"/api/v1/documentation"}  # for people
CHECKS = [
    checks.not_a_server_error, conformance.status_code_conformance, conformance.content_type_conformance,
    conformance.response_headers_conformance, conformance.response_schema_conformance,
]  # fmt: skip


def test_every_route_stands_in_the_document_and_conversely(app):
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(problems.PREFIX + "/") and rule.rule not in PAGES
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path, calls in PATHS.items() for method in calls}


def test_the_document_names_every_identifier_that_we_read():
    assert set(IDENTIFIERS) == {"id", "cfd", *partner_ids.SPELLINGS}


def test_every_refusal_of_the_document_has_its_page():
    statuses = {status for calls in PATHS.values() for each in calls.values() for status in each["responses"]}
    assert {status for status in statuses if int(status) >= 400} <= {
        str(each.status) for each in problems.PROBLEMS.values()
    }


def test_people_read_the_same_as_programs(client):
    page = visit(client, "/api/v1/documentation")
    for path, calls in PATHS.items():
        for method, each in calls.items():
            assert f"{method.upper()} {path}" in page.text
            assert each["summary"].replace("\u00a0", " ") in page.text
    linked = {str(node.get("href")) for node in page.all("a")}
    assert {each for each in linked if "/problemes/" in each} == {
        f"/api/problemes/{code}" for code in problems.PROBLEMS
    }
    assert client.get("/api/v1/openapi.json").json == document()


def test_bodies_are_held_to_the_published_schemas(app):
    body = {"mode": "fax", "training": {}, "candidate": {"first_name": ""}, "surprise": 1, "reasons": "frais"}
    with (
        app.test_request_context("/api/v1/requests", method="POST", json=body),
        pytest.raises(problems.ApiProblem) as refused,
    ):
        shape.body("RequestSent")
    assert {each["field"] for each in refused.value.more["errors"]} == {
        "mode", "training", "candidate.last_name", "candidate.first_name", "surprise", "reasons", "consent",
    }  # fmt: skip


@pytest.mark.sqlite_only  # two thousand calls; what depends on the engine is tried in test_api_v1
def test_odd_calls_are_answered_as_the_document_says(app, freeze):
    freeze("2026-11-24T08:00Z")
    app.config["SHOW_FAILURES"] = True  # a failure is an answer 500
    cfa = make.cfa()
    site = make.site(cfa)
    make.slot(make.adviser(cfa, site), site, trainings=[make.training(cfa, site, parcoursup_id="0")])
    keyed = {"Authorization": f"Bearer {make.api_key('carif_oref').secret}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    ends, calls = clock.monotonic() + BUDGET, 0
    for found in schema.get_all_operations():
        for mode in schemathesis.GenerationMode:
            for headers in (keyed, {}):
                calls += tried(found.ok(), mode, headers, ends)
    assert calls > 200


def tried(operation, mode, headers, ends) -> int:
    """Make odd calls of one operation until an instant, and return how many; none fails, each answer is in the document."""
    calls = 0

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case):
        nonlocal calls
        if clock.monotonic() > ends:
            return
        calls += 1
        case.headers = {
            name: value for name, value in (case.headers or {}).items() if name != "Authorization"
        } | headers
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        assert "set-cookie" not in answer.headers
        if not headers and operation.definition.raw["security"]:
            assert answer.status_code in (401, 404, 405, 413), answer.text

    try:
        call()
    except Unsatisfiable:  # nothing odd can be said there
        return calls
    return calls
