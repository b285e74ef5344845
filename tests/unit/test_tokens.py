"""Links and form tokens: bound to one thing, revocable, dated."""

from __future__ import annotations

import pytest

from rdv import tokens
from rdv.errors import FormExpired, FormRefused, LinkInvalid


def test_a_link_says_what_was_signed(app):
    link = tokens.read_link("personal", tokens.sign_link("personal", "abc", "zoe@exemple.fr", 3))
    assert (link.object_id, link.version) == ("abc", 3)
    tokens.check_link(link, "ZOE@exemple.fr", 3)


@pytest.mark.parametrize(("recipient", "version"), [("tom@exemple.fr", 3), (None, 3), ("zoe@exemple.fr", 4)])
def test_a_link_dies_with_its_recipient_or_its_version(app, recipient, version):
    link = tokens.read_link("personal", tokens.sign_link("personal", "abc", "zoe@exemple.fr", 3))
    with pytest.raises(LinkInvalid):
        tokens.check_link(link, recipient, version)


def test_a_link_serves_one_purpose(app):
    token = tokens.sign_link("personal", "abc", "zoe@exemple.fr", 1)
    for other in (token[:-2] + "xx", "", "a.b", token + "."):
        with pytest.raises(LinkInvalid):
            tokens.read_link("personal", other)
    with pytest.raises(LinkInvalid):
        tokens.read_link("answer", token)


def test_a_link_holds_no_personal_data(app):
    import base64

    token = tokens.sign_link("personal", "abc", "zoe@exemple.fr", 1)
    body = token.split(".")[0]
    assert b"zoe" not in base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def test_a_link_ages(app, freeze):
    time = freeze("2026-11-24T08:00Z")
    token = tokens.sign_link("answer", "abc", None, 1)
    time.tick(days=60)
    assert tokens.read_link("answer", token, max_age=60 * 86400)
    time.tick(seconds=1)
    with pytest.raises(LinkInvalid):
        tokens.read_link("answer", token, max_age=60 * 86400)


def test_a_form_token_belongs_to_its_form(app):
    token = tokens.sign_form("book", "slot1")
    assert tokens.read_form("book", "slot1", token).submission_id
    for purpose, object_id, given in (
        ("book", "slot2", token),
        ("message", "slot1", token),
        ("book", "slot1", None),
        ("book", "slot1", "x"),
    ):
        with pytest.raises(FormRefused):
            tokens.read_form(purpose, object_id, given)


def test_each_rendering_is_one_submission(app):
    first, second = tokens.sign_form("book", "s"), tokens.sign_form("book", "s")
    assert tokens.read_form("book", "s", first).submission_id != tokens.read_form("book", "s", second).submission_id
    again = tokens.sign_form("book", "s", tokens.read_form("book", "s", first).submission_id)
    assert tokens.read_form("book", "s", again).submission_id == tokens.read_form("book", "s", first).submission_id


def test_a_form_is_neither_too_quick_nor_too_old(app, freeze, change_settings):
    change_settings(form_min_seconds=2, form_max_seconds=3600)
    time = freeze("2026-11-24T08:00Z")
    token = tokens.sign_form("book", "s")
    with pytest.raises(FormRefused):
        tokens.read_form("book", "s", token)
    time.tick(seconds=2)
    tokens.read_form("book", "s", token)
    time.tick(hours=1)
    with pytest.raises(FormExpired):
        tokens.read_form("book", "s", token)
