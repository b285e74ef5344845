"""The bodies of the former contracts, and what today's service says of those that are not: its validator's words and order.

Recorded answers are replayed by the tests (tests/fixtures/former_contracts). Partners read `message`, their logs keep `data`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Issue = dict[str, Any]
_MISSING = object()


@dataclass(frozen=True)
class Text:
    """A string; `filled`: not empty; `said`: what is told of one that is blank; `optional`: null or left out."""

    filled: bool = False
    said: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class OneOf:
    """One of these words, in their letter case."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """True or false, or left out; null is neither."""


Shape = Mapping[str, Text | OneOf | Flag]

CONTEXT: Sequence[Shape] = (
    {"idParcoursup": Text(), "trainingHasJob": Flag(), "referrer": OneOf(("parcoursup",))},
    {"idActionFormation": Text(filled=True), "trainingHasJob": Flag(), "referrer": OneOf(("onisep",))},
    {
        "idCleMinistereEducatif": Text(filled=True),
        "trainingHasJob": Flag(),
        "referrer": OneOf(("parcoursup", "lba", "onisep", "jeune_1_solution", "affelnet")),
    },
)
TOKEN: Sequence[Shape] = ({"parcoursup_id": Text()}, {"onisep_id": Text()}, {"cle_ministere_educatif": Text()})
WISH: Shape = {"id": Text(said="l'id est obligatoire")} | {
    name: Text(optional=True)
    for name in (
        "cle_ministere_educatif", "mef", "cfd", "rncp", "code_postal", "uai_lieu_formation", "uai_formateur",
        "uai_formateur_responsable", "code_insee", "siret_lieu_formation", "siret_formateur",
        "siret_formateur_responsable",
    )
}  # fmt: skip


def one_of(shapes: Sequence[Shape], body: Any) -> list[Issue]:
    """Return what is wrong with a body that must have one of these shapes, nothing when it has."""
    found = [_of_object(shape, body, []) for shape in shapes]
    if not all(found):
        return []
    # A shape that differs by the content of its texts alone is the one that was meant.
    meant = [issues for issues in found if all(issue["code"] == "too_small" for issue in issues)]
    if len(meant) == 1:
        return [_told(issue) for issue in meant[0]]
    return [{"code": "invalid_union", "path": [], "message": "Invalid input", "errors": found}]


def each_of(shape: Shape, body: Any) -> list[Issue]:
    """Return what is wrong with a body that must be a list of objects of one shape."""
    if not isinstance(body, list):
        return [_told(_wrong_type("array", body, []))]
    return [_told(issue) for place, item in enumerate(body) for issue in _of_object(shape, item, [place])]


def message(issues: Sequence[Issue]) -> str:
    """Return the sentence of these issues: where each is, and what."""
    return ", ".join(f"body.{'.'.join(issue['path'])}: {issue['message']}" for issue in issues)


def _of_object(shape: Shape, value: Any, path: list[str | int]) -> list[Issue]:
    if not isinstance(value, dict):
        return [_wrong_type("object", value, path)]
    found = [
        issue for name, field in shape.items() for issue in _of_field(field, value.get(name, _MISSING), [*path, name])
    ]
    others = [name for name in value if name not in shape]
    if others:
        said = ", ".join(f'"{name}"' for name in others)
        text = f"Unrecognized key{'s' if len(others) > 1 else ''}: {said}"
        found.append({"code": "unrecognized_keys", "keys": others, "path": path, "message": text})
    return found


def _of_field(field: Text | OneOf | Flag, value: Any, path: list[str | int]) -> list[Issue]:
    if isinstance(field, OneOf):
        return [] if isinstance(value, str) and value in field.words else [_wrong_word(field.words, path)]
    if isinstance(field, Flag):
        return [] if value is _MISSING or isinstance(value, bool) else [_wrong_type("boolean", value, path)]
    if field.optional and (value is _MISSING or value is None):
        return []
    found = [] if isinstance(value, str) else [_wrong_type("string", value, path)]
    if field.filled and value in ("", []):  # a list has a length too
        found.append(_empty(value, path))
    if field.said and isinstance(value, str) and not value.strip():
        found.append({"code": "custom", "path": path, "message": field.said})
    return found


def _empty(value: str | list[Any], path: list[str | int]) -> Issue:
    origin, unit = ("string", "characters") if isinstance(value, str) else ("array", "items")
    text = f"Too small: expected {origin} to have >=1 {unit}"
    return {
        "origin": origin, "code": "too_small", "minimum": 1, "inclusive": True, "path": path, "message": text,
    }  # fmt: skip


def _wrong_type(expected: str, value: Any, path: list[str | int]) -> Issue:
    text = f"Invalid input: expected {expected}, received {_type_of(value)}"
    return {"expected": expected, "code": "invalid_type", "path": path, "message": text}


def _wrong_word(words: tuple[str, ...], path: list[str | int]) -> Issue:
    said = "|".join(f'"{word}"' for word in words)
    text = f"Invalid input: expected {said}" if len(words) == 1 else f"Invalid option: expected one of {said}"
    return {"code": "invalid_value", "values": list(words), "path": path, "message": text}


def _type_of(value: Any) -> str:
    if value is _MISSING:
        return "undefined"
    if value is None:
        return "null"
    names = {bool: "boolean", str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names[type(value)]


def _told(issue: Issue) -> Issue:
    """Return an issue as it is told outside a union: its members in another order, its path in words."""
    told = {"code": issue["code"], "path": [str(step) for step in issue["path"]], "message": issue["message"]}
    return told | {name: value for name, value in issue.items() if name not in told}
