"""Who may import whom (design: flat domain, web by audience), read from the source itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Entry points and processes: above the domain.
ABOVE = ("web", "cli", "worker", "supervisor", "gunicorn_conf", "__init__")
HTTP_NAMES = {"request", "session", "g", "flash", "abort", "redirect", "make_response", "jsonify", "after_this_request"}
MAY_RENDER = ("mails", "outbox")
CLOCK_CALLS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
    ("func", "now"), ("func", "current_timestamp"), ("func", "current_date"),
}  # fmt: skip


@dataclass
class Source:
    """A module: its dotted name, its tree, and what it imports as (module, name or '')."""

    name: str
    tree: ast.Module
    imports: list[tuple[str, str]] = field(default_factory=list)

    @property
    def unit(self) -> str:
        """The domain module or package it belongs to: « booking » for rdv.booking.take."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "__init__"


@cache
def sources(root: Path = ROOT) -> dict[str, Source]:
    """Return every module of rdv/ and config, by dotted name; imports inside functions count too."""
    found = {}
    for path in [root / "config.py", *sorted((root / "rdv").rglob("*.py"))]:
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Source(name, ast.parse(path.read_text(encoding="utf-8"), str(path)))
    for source in found.values():
        source.imports = list(_imports(source, found))
    return found


def _imports(source: Source, known: dict[str, Source]):
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.name}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, "") if whole in known else (node.module or "", alias.name)


def domain() -> list[Source]:
    return [each for name, each in sources().items() if name.startswith("rdv.") and each.unit not in ABOVE]


def of_rdv(source: Source) -> set[str]:
    return {module for module, _ in source.imports if module == "rdv" or module.startswith("rdv.")}


def test_the_lowest_modules_import_nothing_of_ours():
    for name in ("config", "rdv.clock", "rdv.errors", "rdv.identifiers"):
        assert of_rdv(sources()[name]) == set(), name


def test_models_know_the_database_and_the_clock_only():
    allowed = {"rdv.db", "rdv.clock", "rdv.identifiers"}
    for source in domain():
        if source.unit == "models":
            beyond = {module for module in of_rdv(source) - allowed if not module.startswith("rdv.models")}
            assert beyond == set(), source.name


def test_the_database_knows_nothing_above_it():
    assert of_rdv(sources()["rdv.db"]) <= {"rdv.clock"}


def test_the_domain_does_not_know_http():
    wrong = []
    for source in domain():
        for module, name in source.imports:
            web = module == "rdv.web" or module.startswith(
                ("rdv.web.", "rdv.cli", "flask_login", "flask_wtf", "werkzeug.exceptions")
            )
            http = module in ("flask", "flask.globals") and name in HTTP_NAMES
            template = module == "flask" and name.startswith("render_template") and source.unit not in MAY_RENDER
            whole = module == "rdv"  # create_app
            # Extension objects are unbound: one module holds them all.
            if (web or http or template or whole) and source.unit != "extensions":
                wrong.append(f"{source.name}: {module} {name}")
    assert wrong == []


def test_the_domain_has_no_import_cycle():
    names = {source.unit for source in domain()}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for source in domain():
        graph[source.unit] |= {module.split(".")[1] for module in of_rdv(source) if "." in module} & names - {
            source.unit
        }
    assert cycles(graph) == []


def test_packages_of_the_domain_have_no_cycle_inside():
    inside = {source.name: {m for m in of_rdv(source) if m in sources()} - {source.name} for source in domain()}
    inside = {name: {module for module in modules if module in inside} for name, modules in inside.items()}
    assert cycles(inside) == []


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the cycles of a graph, each once, by depth-first search."""
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append([*trail[trail.index(name) :], name])
            return
        if name in done:
            return
        for other in sorted(graph[name]):
            walk(other, [*trail, name])
        done.add(name)

    for name in sorted(graph):
        walk(name, [])
    return found


def test_cycles_are_seen():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c", "a"]]
    assert cycles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_only_the_transaction_commits():
    for source in sources().values():
        if source.name == "rdv.db" or source.name.startswith("rdv.web.admin"):
            continue  # Flask-Admin's own commit passes through rdv.db.admin_write
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr != "commit", f"{source.name}:{node.lineno}"


def test_only_the_clock_reads_the_time():
    wrong = []
    for source in sources().values():
        if source.name == "rdv.clock":
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                owner_name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if (owner_name, node.func.attr) in CLOCK_CALLS:
                    wrong.append(f"{source.name}:{node.lineno}: {owner_name}.{node.func.attr}()")
        # A name bound at import time would not be frozen by the tests.
        wrong += [
            f"{source.name}: from rdv.clock import now" for each in source.imports if each == ("rdv.clock", "now")
        ]
    assert wrong == []


def test_an_audience_does_not_import_another():
    audiences = {path.name for path in (ROOT / "rdv/web").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {"public", "staff", "admin", "api", "feeds"} <= audiences
    for source in sources().values():
        parts = source.name.split(".")
        if source.name.startswith("rdv.web.") and parts[2] in audiences:
            others = {module.split(".")[2] for module in of_rdv(source) if module.startswith("rdv.web.")} & audiences
            assert others <= {parts[2]}, source.name


@pytest.mark.parametrize("unit", ["ical", "exports"])
def test_what_writes_files_is_given_data(unit):
    for source in domain():
        if source.unit == unit:
            assert not {"rdv.db"} & of_rdv(source), source.name
            assert not [module for module, _ in source.imports if module.startswith(("sqlalchemy", "flask"))], (
                source.name
            )


def test_no_module_is_a_drawer():
    names = {path.stem for path in (ROOT / "rdv").rglob("*") if path.suffix in ("", ".py")}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc", "tools", "lib", "service", "services"}
