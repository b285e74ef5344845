"""Rules that every address respects, whoever adds it: a walk of the URL map, with every row that may stand in one.

A rule that a new page breaks on purpose is excused by endpoint in one of the lists below, with the reason.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask, request
from werkzeug.routing import BuildError, Rule
from werkzeug.test import TestResponse

from rdv import clock, links
from rdv.db import Base, db
from rdv.web.staff.blueprint import OPEN
from tests import make
from tests.support.lint import lint
from tests.support.pages import sign_in

# GETs that may write, and where, each in a short transaction of its own (rdv.db.note): telemetry, audit of reads.
TELEMETRY = {
    # Last use, at most hourly; since when it shows what it shows; the events that had to be rendered, droppable.
    "feeds.feed": {"calendar_feed", "rendered_event"},
    "staff.feed": {"rendered_event"},
    "staff.request_detail": {"request_viewer"},  # two people on one request see each other
    # Reached from another site: the centre's link is in place, kept once a day at most.
    "public.cfa": {"cfa"},
    "public.training": {"cfa"},
    # Calls with a key: counted, its last use at most hourly, what was refused to it.
    **{
        f"api.v1_{name}": {"api_key", "api_refusal", "throttle_count"}
        for name in ("training", "slots", "bookable_trainings", "requests", "request", "statistics")
    },
    "api.former_parcoursup_list": {"throttle_count"},  # counted against its network, as calls without a key are
    # Opening personal data, or putting it on paper, is told to the journal.
    "staff.day_sheet": {"audit_entry"},
    "staff.sign_in_sheet": {"audit_entry"},
    "admin_centres.details_view": {"audit_entry"},
    "admin_centres.edit_view": {"audit_entry"},
    "admin_comptes.details_view": {"audit_entry"},
    "admin_comptes.edit_view": {"audit_entry"},
    "admin_lieux.details_view": {"audit_entry"},
}
TOLD_APART = ("throttle_count", "audit_entry", "request_viewer")  # written by what TELEMETRY names alone
SECRET_HOLES = {"token", "secret"}  # an address that holds one counts the wrong ones (throttle_count)
NAMED_OTHERWISE = {"export_type", "filename"}  # holes of Flask-Admin that hold no name of a row
NOT_ROWS = ["csv", "inconnu"]
COOKIELESS = ("public", "api", "feeds", "health", "static", "cfa_link")
ANSWERS_OF_A_CLOSED_DOOR = (301, 302, 303, 308, 400, 401, 403, 404, 405)
# Flask-Admin's own addresses, those of machines, and those of the former service.
WORDS_OF_OTHERS = ("/admin", "/static", "/api", "/.well-known", "/assets")
ENGLISH = {
    "login", "logout", "signin", "signout", "settings", "profile", "team", "user", "users", "request", "requests", "slot", "slots",
    "booking", "bookings", "search", "new", "edit", "delete", "create", "update", "calendar", "feeds", "feed", "password", "reset",
    "training", "trainings", "cancel", "move", "confirm", "health", "home", "dashboard", "outbox", "mail", "mails", "link",
}  # fmt: skip
WRITES = re.compile(
    r"\s*(?:WITH\b.*\b)?(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM|REPLACE\s+INTO|MERGE\s+INTO)\s+\"?(?P<table>\w+)",
    re.IGNORECASE | re.DOTALL,
)


@pytest.fixture
def world(app):
    """One row of each kind; `world["people"]` holds somebody for each role, `world["names"]` what may stand in addresses."""
    app.config["SHOW_FAILURES"] = True  # a failure is an answer 500, told with the others
    cfa = make.cfa()
    site = make.site(cfa)
    training = make.training(cfa, site, parcoursup_id="12345", rco_id="24_1|24_2|24_3")
    adviser, manager, service = make.adviser(cfa), make.manager(cfa), make.service_member()
    kind = make.meeting_type(cfa)
    slot = make.slot(adviser, site, kind, capacity=3)
    booking = make.booking(slot)
    called = make.candidate_request(cfa, mode="callback", site_id=site.id, training_id=training.id)
    past = make.slot(adviser, site, kind, starts_at=clock.now() - timedelta(days=2))
    other_cfa = make.cfa()
    stranger = make.manager(other_cfa, first_name="Charlie")
    rows = [cfa, site, training, kind, slot, past, booking, booking.request, called, adviser]
    names = [row.public_id for row in rows]
    names += [called.reference, training.training_key, cfa.siret, "inconnu", "2026-11-24", "1"]
    names += [str(row.id) for row in (slot, booking, called)]
    signed = [links.personal(booking.request), links.personal(called), links.answer(called)]
    signed += [links.activate(cfa, cfa.email), links.invitation(adviser), links.password_reset(adviser)]
    asked = {"asker": "parent", "asker_first_name": "Marie", "asker_email": "marie@courriel.example"}
    today = make.booking(  # a late meeting of the day, read by both of its people
        make.slot(adviser, site, kind, starts_at=clock.now() + timedelta(minutes=30)), request=asked
    )
    signed += [links.personal(today.request), links.personal(today.request, "marie@courriel.example")]
    tokens = [address.rsplit("/", 1)[1] for address in signed]
    people = {"adviser": adviser, "manager": manager, "service": service, "stranger": stranger}
    return {"people": people, "names": names, "tokens": tokens, "own": [row.public_id for row in rows]}


def told(problems: Iterable[str]) -> str:
    """Return each problem once, one a line."""
    return "\n" + "\n".join(sorted(set(problems)))


def rules(app: Flask) -> list[Rule]:
    return sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)


def addresses(app: Flask, rule: Rule, names: list[str], tokens: Iterable[str] = ()) -> Iterator[str]:
    """Yield the addresses of a rule, each name in its hole; with several holes, the same name in all, then mixtures."""
    adapter = app.url_map.bind("localhost")
    holes = sorted(rule.arguments)
    rows = NOT_ROWS if NAMED_OTHERWISE & set(holes) else names
    fitting = [*tokens, "inconnu"] if SECRET_HOLES & set(holes) else rows
    choices = [dict.fromkeys(holes, name) for name in fitting] if holes else [{}]
    if len(holes) > 1:
        mixtures = itertools.islice(itertools.product([*tokens, *names], repeat=len(holes)), 60)
        choices += [dict(zip(holes, mixture, strict=True)) for mixture in mixtures]
    seen = set()
    for values in choices:
        try:
            address = adapter.build(rule.endpoint, {**(rule.defaults or {}), **values})
        except BuildError:  # a converter refuses this name
            continue
        if address not in seen:
            seen.add(address)
            yield address


def gets(app: Flask, names: list[str], tokens: Iterable[str] = ()) -> Iterator[tuple[Rule | None, str]]:
    for rule in rules(app):
        if "GET" in (rule.methods or ()) and rule.endpoint != "static":
            for address in addresses(app, rule, names, tokens):
                yield rule, address


@contextmanager
def writes_noted() -> Iterator[list[str]]:
    """Collect the statements that write, with the endpoint that sent them."""
    noted: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        match = WRITES.match(statement)
        if not match:
            return
        allowed = TELEMETRY.get(request.endpoint or "", set())
        if SECRET_HOLES & set(request.view_args or {}):
            allowed = allowed | {"throttle_count"}
        if match["table"] not in allowed:
            noted.append(f"{request.endpoint}: {statement[:120]}")

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def kept_rows() -> dict[str, int]:
    """Count the rows of every table: a write that passes by another way shows here."""
    with db.engine.connect() as connection:
        tables = [table for table in Base.metadata.sorted_tables if table.name not in TOLD_APART]
        return {table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables}


def test_nobody_enters_without_signing_in(app, client, world):
    app.config["WTF_CSRF_ENABLED"] = False  # what is tried is the door, not the form
    wrong = []
    for rule in rules(app):
        closed = rule.endpoint.startswith("staff.") and rule.endpoint not in OPEN
        if not closed and not rule.rule.startswith(("/equipe", "/admin")):
            continue
        if rule.endpoint.startswith("admin") and "static" in rule.endpoint:
            continue  # style sheets
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            for address in addresses(app, rule, world["names"][:4]):
                answer = client.open(address, method=method)
                to_sign_in = (
                    "/connexion" in (answer.location or "") if answer.status_code in (301, 302, 303, 308) else True
                )
                slash = answer.status_code == 308 and (answer.location or "").split("?")[0].endswith(address + "/")
                if answer.status_code not in ANSWERS_OF_A_CLOSED_DOOR or not (to_sign_in or slash or method == "POST"):
                    wrong.append(f"{method} {address}: {answer.status_code} {answer.location}")
    assert not wrong, told(wrong)


def test_the_guard_of_the_staff_opens_what_leads_to_a_session_only():
    assert not OPEN - {"staff.sign_in", "staff.forgotten", "staff.reset", "staff.accept_invitation", "staff.activate"}


def test_the_service_pages_are_for_the_service_team(app, world):
    wrong = []
    for role in ("adviser", "manager"):
        client = app.test_client()
        sign_in(client, world["people"][role])
        for rule, address in gets(app, ["1"]):
            if rule.rule.startswith("/admin") and "static" not in rule.endpoint:
                answer = client.get(address)
                if answer.status_code not in (302, 303, 403, 404):
                    wrong.append(f"{role} {address}: {answer.status_code}")
    assert not wrong, told(wrong)


def test_another_cfa_s_objects_do_not_exist(app, world):
    client = app.test_client()
    sign_in(client, world["people"]["stranger"])
    wrong = []
    for rule, address in gets(app, world["own"]):
        if rule.rule.startswith("/equipe") and any("id" in hole for hole in rule.arguments):
            answer = client.get(address)
            if answer.status_code != 404:
                wrong.append(f"{address}: {answer.status_code}")
    assert not wrong, told(wrong)


@pytest.mark.parametrize("role", ["anonymous", "adviser", "manager", "service"])
def test_reading_is_harmless_and_pages_are_well_made(app, world, role):
    """One walk, because it is long: no write, no failure, no cookie where none may be, headers, and the lint."""
    client = app.test_client()
    if role != "anonymous":
        sign_in(client, world["people"][role])
    before = kept_rows()
    wrong: dict[str, str] = {}
    linted: set[str] = set()
    closed = None
    with writes_noted() as noted:
        everything = [*gets(app, world["names"], world["tokens"]), (None, "/nulle-part"), (None, "/static/css/rdv.css")]
        for rule, address in everything:
            if rule is not None and rule is closed:
                continue  # who does not enter is sent away before the name in the address is read
            answer = client.get(address)
            name = rule.endpoint if rule else address
            for problem in (*problems_of_headers(answer, name), *problems_of_page(answer, address, linted)):
                wrong.setdefault(f"{name} ({answer.status_code}): {problem}", address)
            if rule is not None and rule.rule.startswith(("/equipe", "/admin")) and sent_away(answer):
                closed = rule
            answer.close()
    assert not noted, told(noted)
    assert not wrong, told(f"{problem} — {address}" for problem, address in wrong.items())
    assert kept_rows() == before


def sent_away(answer: TestResponse) -> bool:
    """Say whether somebody who may not enter is sent to sign in, or to their own pages."""
    return answer.status_code in (302, 303) and bool(re.match(r"/(connexion|admin)\b", answer.location or ""))


def problems_of_headers(answer: TestResponse, name: str) -> Iterator[str]:
    """Yield what the headers of any answer miss."""
    headers = answer.headers
    if answer.status_code >= 500:
        yield "failure"
    policies = headers.getlist("Content-Security-Policy")
    if len(policies) != 1 or "default-src 'none'" not in policies[0] or "'unsafe-" in policies[0]:
        yield f"policy {policies}"
    if headers.get("X-Content-Type-Options") != "nosniff":
        yield "no nosniff"
    if headers.get("Referrer-Policy") not in ("same-origin", "no-referrer"):
        yield "referrer"
    for expected in ("Permissions-Policy", "Cross-Origin-Opener-Policy", "Cache-Control"):
        if expected not in headers:
            yield f"no {expected}"
    if name.split(".")[0] in COOKIELESS and "Set-Cookie" in headers:
        yield f"cookie {headers['Set-Cookie'].split('=')[0]!r}"


def problems_of_page(answer: TestResponse, address: str, linted: set[str]) -> list[str]:
    """Return what the lint says of a page of ours (Flask-Admin's are its own), unless it was `linted` word for word."""
    redirected = answer.status_code in (301, 302, 303, 307, 308)
    if answer.mimetype != "text/html" or redirected or address.startswith("/admin"):
        return []
    html = answer.get_data(as_text=True)
    words = re.sub(r'(name="(?:csrf|form)_token"[^>]*) value="[^"]+"', r"\1", html)
    if words in linted:
        return []
    linted.add(words)
    return lint(html, address)


def test_addresses_are_plain_french_in_kebab_case(app):
    part = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]{2,12})?")
    wrong = []
    for rule in rules(app):
        if rule.rule.startswith(WORDS_OF_OTHERS):
            continue
        for piece in rule.rule.strip("/").split("/"):
            fixed = re.sub(r"<[^>]*>", "x", piece)
            if piece and not part.fullmatch(fixed):
                wrong.append(f"{rule.rule}: {piece}")
            if set(re.split(r"[-.]", piece)) & ENGLISH:
                wrong.append(f"{rule.rule}: English")
    assert not wrong, told(wrong)


def test_rows_are_never_addressed_by_their_number(app):
    wrong = [
        rule.rule for rule in rules(app)
        if not rule.rule.startswith(WORDS_OF_OTHERS)
        and any(type(converter).__name__ == "IntegerConverter" for converter in rule._converters.values())
    ]  # fmt: skip
    assert not wrong, told(wrong)
