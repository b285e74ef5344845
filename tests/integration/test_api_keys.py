"""Keys of the API: what is kept of them, what ends them, what limits them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import api_keys, clock
from rdv.db import db, transaction
from rdv.errors import TooManyRequests, WrongTransition
from rdv.models import ApiKey, ApiRefusal, AuditEntry
from tests import make

NOW = "2026-11-24T08:00Z"


@pytest.fixture(autouse=True)
def _frozen(freeze):
    freeze(NOW)


def bearer(made: api_keys.NewKey) -> str:
    return f"Bearer {made.secret}"


def call(made: api_keys.NewKey, scope: str = "trainings:read") -> ApiKey:
    return api_keys.authenticate(bearer(made), scope, clock.now())


def test_only_a_hash_is_kept(app):
    made = make.api_key("lba")
    assert made.secret.startswith("rdv_")
    assert len(made.secret) > 40
    for row in db.session.execute(sa.text("SELECT * FROM api_key")).all():
        assert made.secret not in str(tuple(row))
        assert made.secret[4:] not in str(tuple(row))
    assert made.key.secret_hash == hashlib.sha256(made.secret.encode()).hexdigest()
    for entry in db.session.scalars(sa.select(AuditEntry)):
        assert made.secret[4:] not in str(entry.data)
    assert call(made).platform.code == "lba"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer rdv_",
        "Basic cmR2OnJkdg==",
        "Bearer " + "x" * 50,
        "Bearer rdv_" + "a" * 43,
        "rdv_é" * 9,
    ],
)
def test_without_a_key_nobody_enters(app, header):
    make.api_key("lba")
    with pytest.raises(api_keys.NoKey):
        api_keys.authenticate(header, "trainings:read", clock.now())


def test_the_word_bearer_has_no_case(app):
    made = make.api_key("lba")
    assert api_keys.authenticate(f"bearer  {made.secret}", "trainings:read", clock.now()).id == made.key.id


def test_a_scope_that_was_not_given_is_refused_by_name(app):
    made = make.api_key("lba", "trainings:read")
    assert call(made)
    with pytest.raises(api_keys.ScopeMissing, match="requests:write"):
        call(made, "requests:write")


def test_a_stopped_platform_speaks_no_more(app):
    made = make.api_key("lba")
    with transaction():
        made.key.platform.active = False
    with pytest.raises(api_keys.PlatformStopped):
        call(made)


def test_a_rotation_lets_both_keys_work_then_one(app, freeze):
    watch = freeze(NOW)
    old = make.api_key("lba", "requests:write")
    with transaction():
        new = api_keys.rotate(old.key, clock.now(), days=3)
    assert new.secret != old.secret
    assert (new.key.platform_id, new.key.scopes) == (old.key.platform_id, ["requests:write"])
    watch.tick(days=3, seconds=-1)
    assert call(old, "requests:write").id != call(new, "requests:write").id
    watch.tick(seconds=1)
    assert call(new, "requests:write")
    with pytest.raises(api_keys.KeyEnded):
        call(old, "requests:write")
    with pytest.raises(WrongTransition), transaction():
        api_keys.rotate(old.key, clock.now())


def test_a_revoked_key_ends_at_once(app):
    made = make.api_key("lba")
    with transaction():
        api_keys.revoke(made.key, clock.now())
    with pytest.raises(api_keys.KeyEnded):
        call(made)
    for act in (api_keys.revoke, api_keys.rotate):
        with pytest.raises(WrongTransition), transaction():
            act(made.key, clock.now())


def test_what_happens_to_keys_stands_in_the_journal(app):
    person = make.service_member()
    made = make.api_key("lba")
    with transaction():
        new = api_keys.rotate(made.key, clock.now(), by=person)
        api_keys.revoke(new.key, clock.now(), by=person)
    told = db.session.execute(
        sa.select(AuditEntry.action, AuditEntry.user_id, AuditEntry.object_id).order_by(AuditEntry.id)
    )
    assert [tuple(row) for row in told if row.action.startswith("api_key.")] == [
        ("api_key.created", None, made.key.public_id),
        ("api_key.rotated", person.id, made.key.public_id),
        ("api_key.created", person.id, new.key.public_id),
        ("api_key.revoked", person.id, new.key.public_id),
    ]


def test_an_unknown_scope_is_a_mistake_of_ours(app):
    with pytest.raises(ValueError, match="everything"), transaction():
        api_keys.create(make.platform(), "essais", ["everything"], clock.now())


def test_the_last_use_is_noted_once_an_hour(app, freeze):
    watch = freeze(NOW)
    made = make.api_key("lba")
    first = clock.now()
    for minutes, expected in ((0, 0), (59, 0), (1, 60), (30, 60)):
        watch.tick(minutes=minutes)
        call(made)
        db.session.rollback()  # noted by another connection
        assert made.key.last_used_at == first + timedelta(minutes=expected)


def test_calls_are_limited_a_minute_and_an_hour_each_key_apart(app, freeze, change_settings):
    watch = freeze(NOW)
    change_settings(limit_api_per_minute=2, limit_api_per_hour=3)
    made, other = make.api_key("lba"), make.api_key("lba")
    call(made), call(made)
    with pytest.raises(TooManyRequests) as refused:
        call(made)
    assert refused.value.until == clock.now() + timedelta(minutes=1)
    assert call(other)
    watch.tick(minutes=1)
    with pytest.raises(TooManyRequests) as refused:  # three were counted in this hour, the refused one too
        call(made)
    assert refused.value.until == clock.now() + timedelta(minutes=59)
    watch.tick(minutes=59)
    assert call(made)


def test_refusals_are_kept_without_content_and_forgotten(app, freeze):
    watch = freeze(NOW)
    made = make.api_key("lba")
    api_keys.note_refusal(made.key.id, "api.v1.requests", 422, "contenu-invalide", clock.now())
    for _ in range(3):
        db.session.rollback()  # another call, which sees what the last one noted
        api_keys.note_refusal(made.key.id, "api.v1.requests", 429, "trop-d-appels", clock.now())
    db.session.rollback()
    assert [each.status for each in api_keys.last_refusals(made.key)] == [429, 422]
    watch.tick(days=31)
    with transaction():
        api_keys.purge(clock.now())
    assert db.session.scalars(sa.select(ApiRefusal)).all() == []


# -- the command line -------------------------------------------------------------------------------------------------


def run(app, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["api-keys", *arguments])
    db.session.rollback()
    db.session.expire_all()
    return result.exit_code, result.output


def test_keys_from_the_command_line(app):
    code, told = run(app, "create", "--platform", "affelnet", "--name", "essais", "--scope", "trainings:read")
    assert code == 0
    secret = told.split()[-1]
    key = api_keys.authenticate(f"Bearer {secret}", "trainings:read", clock.now())
    assert (key.platform.code, key.scopes) == ("affelnet", ["trainings:read"])
    code, told = run(app, "rotate", key.public_id, "--days", "1")
    assert code == 0
    assert "1\u00a0jour" in told
    code, told = run(app, "rotate", key.public_id)
    assert code == 1
    assert "déjà remplacée" in told
    code, told = run(app, "list")
    assert "remplacée" in told
    assert "en service" in told
    assert secret not in told
    assert run(app, "revoke", key.public_id)[0] == 0
    assert run(app, "revoke", key.public_id)[0] == 1
    code, told = run(app, "create", "--platform", "inconnue", "--name", "essais")
    assert code == 1
    assert "parcoursup" in told
