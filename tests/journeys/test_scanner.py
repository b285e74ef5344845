"""A mail scanner opens every link of every mail: nothing changes, whoever the mail was for."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import SMTP
from html import unescape

import sqlalchemy as sa

from rdv import booking, clock, inbox, mailer, outcomes, personal_links, redirecting
from rdv.candidate import Candidate, Submission
from rdv.db import Base, db, transaction
from rdv.mail_links import Opened, send_again
from rdv.models import OutgoingMail
from rdv.redirecting import Target
from tests import make

# Telemetry that a GET may write (tests/journeys/test_url_map.py): wrong secrets, and where the public page was reached from.
TELEMETRY = ("throttle_count", "audit_entry")
ADDRESS = re.compile(r"https?://localhost[^\s\"<>]*")


def story():
    """A season of two centres in a few acts, each writing to somebody."""
    cfa = make.cfa(activated_at=None, email="accueil@cfa-tilleuls.example")
    site = make.site(cfa, email=None, latitude=50.6, longitude=3.06)
    other = make.cfa(email="la-bas@cfa-tilleuls.example")
    there = make.site(other, latitude=50.4, longitude=3.08)
    training, same = make.training(cfa, site), make.training(other, there)
    adviser, manager = make.adviser(cfa), make.manager(cfa)
    slots = [make.slot(adviser, site, starts_at=f"2026-12-{day:02d}T14:00") for day in (1, 2, 3, 4)]

    def ask(number, mode="callback", **changes):
        values = {
            "first_name": "Zoé", "last_name": "Lambert", "email": f"zoe{number}@courriel.example",
            "phone": f"+3319900{number:04d}", "asker": "parent", "asker_first_name": "Marie",
            "asker_email": f"marie{number}@courriel.example", "reasons": ["place"], "text": "Bonjour",
        }  # fmt: skip
        with transaction():
            return inbox.open_request(
                mode, cfa, Candidate(**{**values, **changes}), Submission(f"{number:024d}", "d"), clock.now(),
                training=training, callback_windows=["soir"] if mode == "callback" else None,
            )  # fmt: skip

    now, asked = clock.now(), [ask(number, "callback" if number % 2 else "message") for number in range(1, 9)]
    person = Candidate("Léa", "Petit", "lea@courriel.example", "+33199000077")
    with transaction():
        booking.book(slots[0], person, Submission("9" * 24, "d"), now, training)
        inbox.answer(asked[0], "Oui, venez.", "staff", now, user=adviser)
        outcomes.record(asked[1], "pas-de-reponse", "staff", now, user=adviser)
        outcomes.record(asked[2], "pas-pour-nous", "cfa_link", now)
        outcomes.record(asked[3], "joint", "cfa_link", now, user=adviser)
        redirecting.redirect(asked[3], Target(other, there, same), "staff", now, user=adviser, agreed=True)
        refused = redirecting.ask(asked[4], Target(other, there, same), "staff", now, user=adviser)
        redirecting.refuse(asked[4], refused, now)
        redirecting.ask(asked[5], Target(other), "staff", now, user=manager)
        personal_links.send_again(asked[6], now)
        for to in ((cfa.email, None), (adviser.email, adviser)):
            send_again(Opened(asked[7], *to), now)


def links_of(row):
    """Return every address that a mail shows, in either part."""
    message = message_from_bytes(mailer.render(row).content, policy=SMTP)
    text = "\n".join(message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return {unescape(address).removeprefix("http://localhost") for address in ADDRESS.findall(text)}


def everything():
    """Return every row of every table, telemetry left out."""
    db.session.rollback()
    with db.engine.connect() as connection:
        return {
            table.name: connection.execute(sa.select(table).order_by(*table.primary_key.columns)).all()
            for table in Base.metadata.sorted_tables
            if table.name not in TELEMETRY
        }


def test_opening_every_link_of_every_mail_changes_nothing(app, freeze):
    frozen = freeze("2026-11-24T08:00Z")
    story()
    rows = db.session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id)).all()
    assert {row.kind for row in rows} >= {
        "cfa_new_request", "cfa_link_again", "call_missed", "request_closed", "request_redirected", "redirect_asked",
        "redirect_refused", "request_answered", "booking_confirmed", "personal_link", "adviser_new_booking",
    }  # fmt: skip
    opened = sorted({address for row in rows for address in links_of(row)})
    assert len([address for address in opened if "resultat=" in address]) > 50
    before = everything()
    statuses = set()
    for days in (0, 61):  # as the mail arrives, and long after
        frozen.tick(seconds=days * 24 * 3600)
        client = app.test_client()
        for address in opened:
            for method in ("HEAD", "GET"):
                answer = client.open(address, method=method, follow_redirects=True)
                statuses.add(answer.status_code)
                assert "Set-Cookie" not in answer.headers or "/suivi/" not in address, address
                answer.close()
    assert everything() == before
    assert statuses <= {200, 404, 410}, statuses
