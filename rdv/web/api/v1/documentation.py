"""The document of the API, its page, and the page of each refusal: for programs, then for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from rdv import api_keys
from rdv.errors import NotFound
from rdv.web import problems
from rdv.web.api.blueprint import bp
from rdv.web.api.v1 import answering, cors
from rdv.web.api.v1.document import PATHS, document
from rdv.web.api.v1.schemas import SCHEMAS, Schema

FRESH = 3600  # seconds


@bp.route("/api/v1/openapi.json", methods=["GET", "OPTIONS"], provide_automatic_options=False)
def v1_openapi() -> ResponseReturnValue:
    """The document, for programs; pages of the platforms may read it too."""
    if request.method == "OPTIONS":
        answer = make_response("", 204)
        answer.headers["Allow"] = "GET, HEAD, OPTIONS"
        return cors.allow(answer)
    return cors.allow(answering.read(document(), FRESH, public=True))


@bp.get("/api/v1/documentation")
def v1_documentation() -> ResponseReturnValue:
    """The same, for people."""
    page = render_template(
        "api/documentation.html", operations=operations(), scopes=api_keys.SCOPES, objects=objects(),
        problems=problems.PROBLEMS.values(),
    )  # fmt: skip
    return _kept(page)


@bp.get("/api/problemes/<code>")
def problem(code: str) -> ResponseReturnValue:
    """What a refusal means, and what to do: its type is this address."""
    found = problems.PROBLEMS.get(code)
    if found is None:
        raise NotFound("Ce refus n’existe pas. La documentation de l’API les présente tous.")
    return _kept(render_template("api/problem.html", problem=found))


def _kept(page: str) -> ResponseReturnValue:
    answer = make_response(page)
    answer.headers["Cache-Control"] = f"public, max-age={FRESH}"
    return answer


@dataclass(frozen=True)
class Field:
    """One parameter or property, as the page shows it."""

    name: str
    kind: str
    required: bool
    said: str


@dataclass(frozen=True)
class Operation:
    """One call, as the page shows it."""

    method: str
    path: str
    anchor: str
    summary: str
    said: str
    scope: str | None
    parameters: list[Field]
    body: str | None
    answers: list[tuple[str, str, str | None]]  # status, what it means, its object


def operations() -> list[Operation]:
    """Return every call of the document."""
    return [
        Operation(
            method.upper(), path, each["operationId"].replace("_", "-"), each["summary"], each["description"], each.get("x-scope"),
            [
                Field(one["name"], _kind(one["schema"]), one["required"], one["description"])
                for one in each.get("parameters", [])
            ],
            _named(each["requestBody"]["content"]) if "requestBody" in each else None,
            [
                (status, answer["description"], _named(answer.get("content", {})))
                for status, answer in each["responses"].items()
            ],
        )
        for path, calls in PATHS.items() for method, each in calls.items()
    ]  # fmt: skip


def objects() -> list[tuple[str, list[Field]]]:
    """Return every object of the document, with its properties."""
    return [
        (
            name,
            [
                Field(key, _kind(one), key in schema.get("required", ()), str(one.get("description", "")))
                for key, one in schema["properties"].items()
            ],
        )
        for name, schema in SCHEMAS.items()
    ]


def _named(content: dict[str, Any]) -> str | None:
    for media in content.values():
        if "$ref" in media["schema"]:
            return str(media["schema"]["$ref"]).rsplit("/", 1)[1]
    return None


_KINDS = {
    "string": "texte",
    "integer": "entier",
    "boolean": "booléen",
    "object": "objet",
    "array": "liste",
    "null": "vide",
}


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " ou ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join("vide" if one is None else str(one) for one in schema["enum"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    formats = {"date-time": "instant", "date": "jour", "uri": "adresse"}
    said = [formats.get(schema.get("format", ""), _KINDS[each]) if each == "string" else _KINDS[each] for each in types]
    if "array" in types:
        said = [f"liste de {_kind(schema['items'])}"]
    return " ou ".join(said)
