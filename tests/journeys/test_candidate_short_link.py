"""`/r/<code>`: the short address of a text message."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from rdv import links
from rdv.db import db, transaction
from rdv.models import ThrottleCount
from tests import make
from tests.support.pages import visit

MOBILE = "+33639980001"


@pytest.fixture
def booked(app):
    cfa = make.cfa()
    site = make.site(cfa)
    return make.booking(
        make.slot(make.adviser(cfa), site), request={"email": None, "phone": MOBILE, "first_name": "Zoé"}
    )


def short(booked) -> str:
    return urlsplit(links.short(booked.request, MOBILE)).path


def test_it_leads_to_the_personal_page_and_changes_nothing(client, booked):
    answer = client.get(short(booked))
    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert "Rendez-vous confirmé" in visit(client, answer.location).text


def test_a_telephone_may_write_it_in_capitals(client, booked):
    assert client.get("/r/" + short(booked)[3:].upper()).status_code == 303


def test_a_wrong_code_leads_nowhere_and_is_counted(client, booked, change_settings):
    change_settings(limit_failed_secrets=3)
    code = short(booked)
    last = "b" if code[-1] == "a" else "a"
    status = client.get(code[:-1] + last).status_code
    assert status == client.get("/r/inconnu").status_code == client.get("/r/" + booked.request.public_id).status_code
    assert status in (403, 404, 410)
    assert db.session.query(ThrottleCount).one().count == 3
    assert client.get("/r/x").status_code == 429
    assert client.get(code).status_code == 303  # who has the right one still enters


def test_it_dies_with_the_number_and_with_the_links(client, booked):
    code = short(booked)
    with transaction():
        booked.request.phone = "+33639980002"
    assert client.get(code).status_code != 303
    code = urlsplit(links.short(booked.request, "+33639980002")).path
    assert client.get(code).status_code == 303
    with transaction():
        booked.request.link_version += 1
    assert client.get(code).status_code != 303


def test_the_page_of_who_has_no_mail_says_that_a_text_message_leaves(client, booked, change_settings):
    page = visit(client, client.get(short(booked)).location)
    assert "Une confirmation est envoyée par SMS au 06 39 98 00 01." in page.text
    change_settings(sms_provider="none")
    assert "Notez votre référence" in visit(client, client.get(short(booked)).location).text
