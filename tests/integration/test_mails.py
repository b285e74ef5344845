"""What every mail says. `UPDATE_SNAPSHOTS=1 pytest tests/integration/test_mails.py` rewrites tests/snapshots/mail/."""

import os
import re
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from rdv import mailer
from rdv.db import transaction
from rdv.mails import KINDS
from rdv.mails.people import greeting, plain_name
from tests import make
from tests.support.dom import parse
from tests.support.lint import lint
from tests.support.mail_cases import CANDIDATE, CASES, NOW, House

SNAPSHOTS = Path(__file__).resolve().parents[1] / "snapshots" / "mail"
# Texts do not depend on the engine; what they read from it is tested in test_delivery.py on both.
pytestmark = pytest.mark.sqlite_only


_rendered: dict[str, bytes] = {}


@pytest.fixture
def message(request):
    """A mail as its reader's mailbox gets it; each case is rendered once for all the tests here."""
    case = request.param
    if case not in _rendered:
        request.getfixturevalue("app")
        request.getfixturevalue("freeze")(NOW)
        _rendered[case] = mailer.render(CASES[case](House())).content
    message = message_from_bytes(_rendered[case], policy=SMTP)
    message.case = case
    return message


def every_case(*names):
    return pytest.mark.parametrize("message", names or sorted(CASES), indirect=True)


def part(message, kind):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


@every_case()
def test_words_are_those_that_were_read_and_approved(message):
    heads = "".join(f"{name}: {message[name]}\n" for name in ("From", "To", "Reply-To", "Subject", "Message-ID"))
    for suffix, shown in (("txt", f"{heads}\n{part(message, 'plain')}"), ("html", part(message, "html"))):
        kept = SNAPSHOTS / f"{message.case}.{suffix}"
        if os.environ.get("UPDATE_SNAPSHOTS") == "1":
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(shown, encoding="utf-8")
        assert shown == kept.read_text(encoding="utf-8")


def test_every_kind_has_a_case_and_no_snapshot_is_forgotten():
    assert {kind for kind in KINDS if not any(case.startswith(kind) for case in CASES)} == set()
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(CASES)


@every_case()
def test_the_french_is_clean_and_the_html_accessible(message):
    html = part(message, "html")
    quoted = re.findall(r"[\w.-]+@[\w.-]+\.example", html)
    # <main> and inline styles: mailboxes drop the first and need the second.
    allowed = ("<main> with words", "style= is refused", "inline code is refused", '<table role="presentation"')
    problems = [each for each in lint(html, "/", quoted) if not any(words in each for words in allowed)]
    assert problems == []
    root, _, _ = parse(html)
    for table in root.all("table"):
        assert table.get("role") == "presentation" or table.all("th"), "a layout table must say so"
    assert not root.all("img, script, link")
    assert 2 <= len(message["Subject"]) <= 100
    assert "\n\n\n" not in part(message, "plain")


@every_case()
def test_the_text_part_says_all_that_the_html_says(message):
    text, html = part(message, "plain"), part(message, "html")
    root, _, _ = parse(html)
    flat = " ".join(text.replace("\u00a0", " ").split())
    for node in root.all("p, td.button, th, h1"):
        words = " ".join(node.text.replace("\u00a0", " ").split())
        assert words in flat or words == message["Subject"].replace("\u00a0", " ") or node.all("a"), words
    for link in root.all("a"):
        assert link.get("href") in text


@every_case(
    *[case for case in sorted(CASES) if case.startswith(("booking", "missed", "request", "redirect_asked", "personal"))]
)
def test_a_candidate_receives_nothing_that_was_typed_in_a_form(message):
    everything = str(message["Subject"]) + part(message, "plain") + part(message, "html")
    assert "piege" not in everything
    ours = "(CFA|Site|Bob|Carla) Démonstration"
    assert "Démonstration" not in re.sub(ours, "", everything)
    assert "05678" not in re.sub(r"[^\w]", "", everything)
    assert CANDIDATE not in message["From"] + message["Reply-To"] + everything


@every_case(*[case for case in sorted(CASES) if case.startswith(("cfa_", "adviser", "outcomes", "redirect_refused"))])
def test_a_cfa_receives_no_contact_details_and_no_message(message):
    everything = str(message["Subject"]) + part(message, "plain") + part(message, "html")
    digits = re.sub(r"\D", "", everything)
    assert CANDIDATE not in everything
    assert "0199005678" not in digits
    assert "33199005678" not in digits
    assert "piege" not in everything
    assert CANDIDATE not in message["Reply-To"]


@every_case("booking_confirmed")
def test_headers_keep_away_messages_at_home_and_answers_with_the_cfa(message):
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["From"] == "RDV Apprentissage <rdv@rdv-apprentissage.example>"
    assert message["Reply-To"] == "bob@cfa-tilleuls.example"
    assert message["Message-ID"] == "<courriel-demo@localhost>"
    assert message["Date"].datetime.isoformat() == "2026-11-20T08:00:00+00:00"
    assert message.get_content_type() == "multipart/mixed"  # its words, then the invitation as a file
    words = next(message.iter_parts())
    assert [each.get_content_type() for each in words.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    assert message.as_bytes().isascii()


def test_an_odd_address_of_the_cfa_does_not_hold_back_the_mail(app, freeze):
    freeze(NOW)
    row = CASES["request_received_callback"](House())
    with transaction():
        row.request.recipient_email = "accueil@cfa.example ; direction@cfa.example"
    assert b"Reply-To: aide@rdv-apprentissage.example\r\n" in mailer.render(row).content


@every_case("adviser_new_booking", "booking_confirmed_overseas_by_phone")
def test_a_folded_subject_keeps_its_spaces(message):
    assert message["Subject"].replace("\u00a0", " ") in part(message, "html").replace("\u00a0", " ")
    assert max(map(len, message.as_bytes().split(b"\r\n"))) <= 78


def test_a_subject_holds_one_line(app, freeze):
    freeze(NOW)
    house = House()
    with transaction():
        house.cfa.name = "CFA\r\nBcc: tous@courriel.example"
    row = CASES["request_answered_by_adviser"](house)
    head = mailer.render(row).content.split(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Zoé", "Zoé"),
        (" Anne-Laure ", "Anne-Laure"),
        ("N'Diaye", "N’Diaye"),
        ("Marie Ange", "Marie Ange"),
        ("piege.example", None),
        ("http://x", None),
        ("x/y", None),
        ("Zoé2", None),
        ("a_b", None),
        ("Zoé, cliquez", None),
        ("Zoé\nBcc", None),
        ("a" * 41, None),
        ("", None),
    ],
)
def test_only_a_plain_name_is_repeated(typed, kept):
    assert plain_name(typed) == kept


@pytest.mark.parametrize(
    ("first_name", "words"),
    [("Zoé", "Bonjour Zoé,"), ("Marie Anne", "Bonjour Marie Anne,"), ("Gagnez mille euros", "Bonjour,")],
)
def test_a_greeting_holds_a_first_name_not_a_sentence(app, first_name, words):
    assert greeting(make.candidate_request(make.cfa(), first_name=first_name)) == words
