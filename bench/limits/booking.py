"""The floor of a booking over HTTP: one Flask file, the raw driver, the same rows, a 303.

No form token, no validation, no limit of abuse, no equal slot, no page: what remains is the price of the rows.
Run by gunicorn: `gunicorn -k gthread -w 2 --threads 4 'bench.limits.booking:app'`, with DATABASE_URL.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from datetime import UTC, datetime

import psycopg
from flask import Flask, Response, redirect, request

app = Flask(__name__)
URL = os.environ["DATABASE_URL"]
SQLITE = URL.removeprefix("sqlite:///") if URL.startswith("sqlite") else None
local = threading.local()
turn = threading.Lock()

TAKE = """UPDATE slot SET seats_taken = seats_taken + 1, version = version + 1, updated_at = {now}
 WHERE public_id = {slot} AND status = 'open' AND starts_at > {now} AND seats_taken < capacity RETURNING id, cfa_id, site_id, adviser_id, starts_at"""
REQUEST_COLUMNS = """public_id, reference, cfa_id, site_id, mode, asker, first_name, last_name, email, reasons, callback_windows,
 status, outcome, owner_id, submission_id, submission_digest, search_text, link_version, version, last_event_at, created_at, updated_at"""
REQUEST_VALUES = """{pid}, {reference}, {cfa}, {site}, 'slot', 'candidate', {first}, {last}, {email}, '[]', '[]',
 'closed', 'meeting_set', {owner}, {submission}, {digest}, {search}, 1, 1, {now}, {now}, {now}"""
MAIL_COLUMNS = (
    "public_id, kind, dedup_key, to_email, request_id, booking_id, data, not_before, status, attempts, created_at"
)
ONE_STATEMENT = f"""
WITH taken AS ({TAKE.format(now="%(now)s", slot="%(slot)s")}),
 request AS (INSERT INTO candidate_request ({REQUEST_COLUMNS}) SELECT {
    REQUEST_VALUES.format(
        pid="%(pid)s",
        reference="%(reference)s",
        cfa="cfa_id",
        site="site_id",
        first="%(first)s",
        last="%(last)s",
        email="%(email)s",
        owner="adviser_id",
        submission="%(submission)s",
        digest="%(digest)s",
        search="%(search)s",
        now="%(now)s",
    )
} FROM taken RETURNING id),
 event AS (INSERT INTO request_event (request_id, kind, actor, at, data, internal)
   SELECT id, 'booked', 'candidate', %(now)s, '{{}}', false FROM request),
 booked AS (INSERT INTO booking (public_id, request_id, slot_id, cfa_id, starts_at, guests, seats, walk_in, uid, sequence, status, person_key,
     created_at, updated_at)
   SELECT %(bid)s, request.id, taken.id, taken.cfa_id, taken.starts_at, 0, 1, false, %(uid)s, 0, 'booked', %(key)s, %(now)s, %(now)s
   FROM request, taken RETURNING id, request_id),
 first_mail AS (INSERT INTO outgoing_mail ({MAIL_COLUMNS})
   SELECT %(m1)s, 'booking_confirmed', 'booking_confirmed:' || %(bid)s, %(email)s, request_id, id, '{{}}', %(now)s, 'pending', 0, %(now)s FROM booked)
INSERT INTO outgoing_mail ({MAIL_COLUMNS})
   SELECT %(m2)s, 'adviser_new_booking', 'adviser_new_booking:' || %(bid)s, %(email)s, request_id, id, '{{}}', %(now)s, 'pending', 0, %(now)s FROM booked
RETURNING request_id"""


def facts(slot: str) -> dict[str, object]:
    now = datetime.now(UTC)
    form = request.form
    return {
        "now": now, "slot": slot, "pid": secrets.token_hex(8), "reference": secrets.token_hex(5), "bid": secrets.token_hex(8),
        "first": form["first_name"], "last": form["last_name"], "email": form["email"], "submission": secrets.token_hex(12),
        "digest": secrets.token_hex(32), "search": form["first_name"] + " " + form["last_name"], "uid": secrets.token_hex(16) + "@bench",
        "key": secrets.token_hex(32), "m1": secrets.token_hex(8), "m2": secrets.token_hex(8),
    }  # fmt: skip


def on_postgresql(values: dict[str, object]) -> bool:
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(URL.replace("postgresql+psycopg", "postgresql"), autocommit=True)
    return local.connection.execute(ONE_STATEMENT, values).fetchone() is not None


def on_sqlite(values: dict[str, object]) -> bool:
    if not hasattr(local, "connection"):
        local.connection = sqlite3.connect(SQLITE, isolation_level=None, timeout=30)
        local.connection.execute("PRAGMA synchronous=FULL")
        local.connection.execute("PRAGMA foreign_keys=ON")
    values = {**values, "now": values["now"].replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")}  # type: ignore[attr-defined]
    run = local.connection.execute
    with turn:
        run("BEGIN IMMEDIATE")
        taken = run(TAKE.format(now=":now", slot=":slot"), values).fetchone()
        if taken is None:
            run("ROLLBACK")
            return False
        values |= dict(zip(("slot_id", "cfa", "site", "owner", "starts"), taken, strict=True))
        names = {
            name: f":{name}"
            for name in (
                "pid",
                "reference",
                "cfa",
                "site",
                "first",
                "last",
                "email",
                "owner",
                "submission",
                "digest",
                "search",
                "now",
            )
        }
        values["request"] = run(
            f"INSERT INTO candidate_request ({REQUEST_COLUMNS}) VALUES ({REQUEST_VALUES.format(**names)}) RETURNING id",
            values,
        ).fetchone()[0]
        run(
            "INSERT INTO request_event (request_id, kind, actor, at, data, internal) VALUES (:request, 'booked', 'candidate', :now, '{}', 0)",
            values,
        )
        values["booking"] = run(
            "INSERT INTO booking (public_id, request_id, slot_id, cfa_id, starts_at, guests, seats, walk_in, uid, sequence, status,"
            " person_key, created_at, updated_at)"
            " VALUES (:bid, :request, :slot_id, :cfa, :starts, 0, 1, 0, :uid, 0, 'booked', :key, :now, :now) RETURNING id",
            values,
        ).fetchone()[0]
        for number, kind in (("m1", "booking_confirmed"), ("m2", "adviser_new_booking")):
            run(
                f"INSERT INTO outgoing_mail ({MAIL_COLUMNS}) VALUES (:{number}, '{kind}', '{kind}:' || :bid, :email, :request, :booking,"
                " '{}', :now, 'pending', 0, :now)",
                values,
            )
        run("COMMIT")
    return True


@app.get("/sante")
def alive() -> str:
    return "ok"


@app.post("/rendez-vous/<slot>")
def book(slot: str) -> Response | tuple[str, int]:
    values = facts(slot)
    if (on_sqlite if SQLITE else on_postgresql)(values):
        return redirect(f"/suivi/{values['pid']}", 303)  # type: ignore[return-value]
    return "complet", 409
