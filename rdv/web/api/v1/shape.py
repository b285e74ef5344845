"""What callers send, held to the schemas of the document itself: one description, for who reads and for what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from flask import request

from rdv import clock
from rdv.web.api.v1 import schemas
from rdv.web.problems import ApiProblem

Schema = dict[str, Any]
_TYPES: dict[str, tuple[type, str]] = {
    "object": (dict, "un objet est attendu"),
    "array": (list, "une liste est attendue"),
    "string": (str, "un texte est attendu"),
    "integer": (int, "un nombre entier est attendu"),
    "boolean": (bool, "true ou false est attendu"),
}


def body(schema: str) -> dict[str, Any]:
    """Return the JSON object of this call; raise ApiProblem when it cannot be read or is not what the document says."""
    if request.mimetype != "application/json":
        raise ApiProblem("type-refuse")
    try:
        found = json.loads(request.get_data(cache=False).decode("utf-8"), parse_constant=_refuse, parse_float=_number)
        # Neither the character NUL nor half a surrogate pair can be kept.
        if "\0" in _flat(found).encode("utf-8").decode():
            raise ValueError
    except (ValueError, RecursionError):
        raise ApiProblem("json-illisible") from None
    faults = [{"field": where, "message": what} for where, what in _faults(found, schemas.SCHEMAS[schema], "")]
    if faults:
        raise ApiProblem("contenu-invalide", errors=faults[:20])
    told: dict[str, Any] = found
    return told


def _number(text: str) -> float | int:
    """Return a number; JSON Schema holds 1.0 for an integer."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _refuse(_constant: str) -> None:
    raise ValueError


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(map(_flat, [*value, *value.values()]))
    if isinstance(value, list):
        return "".join(map(_flat, value))
    return value if isinstance(value, str) else ""


def _faults(value: Any, schema: Schema, where: str) -> Iterator[tuple[str, str]]:
    if "$ref" in schema:
        schema = schemas.SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    kind, said = _TYPES[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        yield where or "(corps)", said
    elif "const" in schema and value != schema["const"]:
        yield where, f"{json.dumps(schema['const'])} est attendu"
    elif "enum" in schema and value not in schema["enum"]:
        yield where, "une de ces valeurs est attendue\u00a0: " + ", ".join(schema["enum"])
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, where)
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield where, f"de {schema.get('minItems', 0)} à {schema['maxItems']} éléments sont attendus"
            return
        for number, item in enumerate(value):
            yield from _faults(item, schema["items"], f"{where}[{number}]")
    elif isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield where, f"de {schema.get('minLength', 0)} à {schema['maxLength']} caractères sont attendus"
    elif not isinstance(value, bool) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield where, f"un nombre de {schema['minimum']} à {schema['maximum']} est attendu"


def _object_faults(value: dict[str, Any], schema: Schema, where: str) -> Iterator[tuple[str, str]]:
    known = schema["properties"]
    prefix = f"{where}." if where else ""
    for name in schema.get("required", ()):
        if name not in value:
            yield prefix + name, "ce champ est obligatoire"
    for name, item in value.items():
        if name not in known:
            yield prefix + name[:60], "ce champ n’existe pas"
        else:
            yield from _faults(item, known[name], prefix + name)
    if len(value) < schema.get("minProperties", 0):
        yield where, "un champ au moins est attendu"


# -- the query --------------------------------------------------------------------------------------------------------


def number(name: str, default: int, most: int) -> int:
    """Return a whole number of the query between 1 and `most`; raise ApiProblem otherwise."""
    text = request.args.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise wrong(name, f"un nombre de 1 à {most} est attendu")
    return int(text)


def day_or(name: str, default: date) -> date:
    """Return a day of the query, or another when none is said; raise ApiProblem when it is no day."""
    return day(name) or default


def day(name: str) -> date | None:
    """Return a day of the query (2026-12-01), None when none is said; raise ApiProblem when it is no day."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) or not 2000 <= int(text[:4]) < 2200:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise wrong(name, "un jour est attendu, par exemple 2026-12-01") from None


def instant(name: str) -> datetime | None:
    """Return an instant of the query, with its offset; raise ApiProblem otherwise."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a « + » that was not escaped
        if found.tzinfo is None or not 2000 <= found.year < 2200:
            raise ValueError
        return found.astimezone(clock.UTC)
    except (ValueError, OverflowError):
        raise wrong(name, "un instant avec son décalage est attendu, par exemple 2026-12-01T09:00:00+01:00") from None


def word(name: str, among: tuple[str, ...], default: str) -> str:
    """Return a word of the query; raise ApiProblem when it is none of those."""
    text = request.args.get(name, default)
    if text not in among:
        raise wrong(name, "une de ces valeurs est attendue\u00a0: " + ", ".join(among))
    return text


def cursor(name: str = "after") -> str:
    """Return where a list goes on, empty at its beginning; raise ApiProblem when it is no cursor of ours."""
    text = request.args.get(name, "")
    if not re.fullmatch(r"[a-z0-9]{0,16}", text, re.ASCII):
        raise wrong(name, "la valeur «\u00a0next\u00a0» de la page précédente est attendue")
    return text


def wrong(name: str, message: str) -> ApiProblem:
    """Return the refusal of a parameter of the query."""
    return ApiProblem("appel-mal-forme", f"{name}\u00a0: {message}.", errors=[{"field": name, "message": message}])
