"""The document of the API and the API itself say the same: routes, statuses, bodies; odd calls are refused, never failed on."""

from __future__ import annotations

import json
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

EXAMPLES = 20  # of each operation, kind of data and caller
BUDGET = 25.0  # seconds, on each engine: what is left is not tried
PAGES = {"/api/v1/documentation"}  # for people
CHECKS = [
    checks.not_a_server_error, conformance.status_code_conformance, conformance.content_type_conformance,
    conformance.response_headers_conformance, conformance.response_schema_conformance,
]  # fmt: skip
# What the document does not allow is refused; but the button, which any page calls, draws nothing rather than fail.
LENIENT = {"/api/v1/button"}
# What the document allows is not refused for its form. Elsewhere rules stand that no schema says: one identifier at least,
# days in their order, a cursor that was given; such a refusal names the field.
PLAIN = {"/api/v1/training-links", "/api/v1/requests/{public_id}"}


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


def test_a_number_without_a_fraction_is_an_integer(app):
    body = (
        '{"slot": "a", "training": {"cle": "b"}, "consent": true, "guests": %s,'
        ' "candidate": {"first_name": "Zoé", "last_name": "Lambert"}}'
    )
    for said, wrong in (("1.0", []), ("1.5", ["guests"]), ("1e400", ["guests"])):
        with app.test_request_context("/", method="POST", data=(body % said).encode(), content_type="application/json"):
            try:
                assert shape.body("BookingSent")["guests"] == 1
                refused = []
            except problems.ApiProblem as error:
                refused = [each["field"] for each in error.more["errors"]]
            assert refused == wrong


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


def held(case, mode, answer) -> list:
    """Return what must hold of a call with a key besides: what is allowed is taken, what is not is refused."""
    path = case.operation.path
    if mode is schemathesis.GenerationMode.NEGATIVE:
        return [] if path in LENIENT else [conformance.negative_data_rejection]
    if "\0" in repr_of(case):  # no schema says that a text holds none
        return []
    if path in PLAIN:
        return [conformance.positive_data_acceptance]
    if answer.status_code in (400, 422) and path not in LENIENT:
        assert answer.json()["errors"], answer.text
    return []


def repr_of(case) -> str:
    """Return all that a call says, as it was drawn."""
    said = (case.path_parameters, case.query, case.body)
    return json.dumps(said, ensure_ascii=False, default=str).replace("\\u0000", "\0")


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
        case.validate_response(answer, checks=CHECKS + (held(case, mode, answer) if headers else []))
        assert "set-cookie" not in answer.headers
        if not headers and operation.definition.raw["security"]:
            assert answer.status_code in (401, 404, 405, 413), answer.text

    try:
        call()
    except Unsatisfiable:  # nothing odd can be said there
        return calls
    return calls
