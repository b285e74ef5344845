"""Telling platforms: nothing is lost or sent twice, retries at their hours, no address waits for another, nothing private."""

from __future__ import annotations

import signal
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import clock, jobs, outgoing_http, webhooks
from rdv.db import db, transaction
from rdv.models import AuditEntry, CandidateRequest, OutgoingMail, RequestEvent, WebhookDelivery, WebhookEndpoint
from rdv.webhooks import relaying, sending
from tests import make
from tests.support import databases, forks
from tests.support.receiver import is_signed, receiver
from tests.support.ticks import workers

NOW = "2026-11-24T08:00Z"


@pytest.fixture
def server(app, tmp_path, change_settings):
    change_settings(webhook_allow_private=True, webhook_timeout=5.0)
    with receiver(tmp_path / "receiver") as found:
        yield found


def endpoint_at(url, events=("created",), code="lba"):
    with transaction():
        return webhooks.create(make.platform(code), url, events, clock.now())


def request_of(code="lba", **columns):
    return make.candidate_request(make.cfa(), platform_id=make.platform(code).id, **columns)


def tell():
    webhooks.relay(clock.now())
    return webhooks.deliver_due()


def rows(**filters):
    db.session.rollback()
    return list(db.session.scalars(sa.select(WebhookDelivery).filter_by(**filters).order_by(WebhookDelivery.id)))


# -- nothing is lost --------------------------------------------------------------------------------------------------


def write_and_wait(url, folder, platform_id, cfa_id, opened, go_on):
    """A transaction that takes its event's identifier, then ends long after those that began later."""
    app = forks.application(databases.settings(url, Path(folder)))
    with app.app_context(), transaction() as session:
        request = CandidateRequest(
            cfa_id=cfa_id, platform_id=platform_id, mode="callback", first_name="Lent", last_name="D",
            email="lent@courriel.example", last_event_at=clock.now(),
        )  # fmt: skip
        session.add(request)
        session.flush()
        session.add(RequestEvent(request_id=request.id, kind="created", actor="candidate", at=clock.now()))
        session.flush()
        opened.set()
        go_on.wait(30)


def test_an_event_that_commits_after_later_ones_is_told(server, database_url, instance_dir, engine_name):
    endpoint_at(server.url)
    cfa = make.cfa()
    context = forks.context()
    opened, go_on = context.Event(), context.Event()
    late = context.Process(
        target=write_and_wait,
        args=(database_url, str(instance_dir), make.platform("lba").id, cfa.id, opened, go_on),
    )
    db.session.rollback()
    late.start()
    assert opened.wait(30)
    if engine_name == "postgresql":  # SQLite has one writer: nobody overtakes there
        first = make.candidate_request(cfa, platform_id=make.platform("lba").id)
        assert tell() == 1
        assert server.told[0]["request"]["id"] == first.public_id
    go_on.set()
    late.join(30)
    assert late.exitcode == 0
    tell()
    db.session.rollback()
    written = set(db.session.scalars(sa.select(CandidateRequest.public_id)))
    assert {each["request"]["id"] for each in server.told} == written
    ids = db.session.scalars(sa.select(RequestEvent.id).join(CandidateRequest).order_by(RequestEvent.id)).all()
    assert len(ids) == len(server.told)


def test_two_relays_and_senders_at_once_tell_each_event_once(server, process_env):
    endpoint_at(server.url)
    endpoint_at(server.url, code="onisep")
    for number in range(30):
        request_of("lba" if number % 2 else "onisep")
    env = {**process_env, "WEBHOOK_ALLOW_PRIVATE": "1"}
    db.session.rollback()
    with workers(2, env) as both:
        both.tick(clock.now())
    ids = [each["body"]["id"] for each in server.asked]
    assert (len(ids), len(set(ids))) == (30, 30)
    assert {(each.state, each.attempts) for each in rows()} == {("delivered", 1)}


def test_an_event_that_cannot_be_told_stops_no_other(server, monkeypatch):
    endpoint_at(server.url)
    first, second = request_of(), request_of()
    real = relaying.content.of_request

    def broken(request, *arguments):
        if request.id == first.id:
            raise ValueError
        return real(request, *arguments)

    monkeypatch.setattr(relaying.content, "of_request", broken)
    assert tell() == 1
    assert [each["request"]["id"] for each in server.told] == [second.public_id]
    monkeypatch.undo()
    assert tell() == 1
    assert server.told[1]["request"]["id"] == first.public_id


def test_what_happened_before_an_address_is_not_told_to_it(server):
    request_of()
    webhooks.relay(clock.now())
    endpoint_at(server.url)
    assert tell() == 0


@pytest.mark.parametrize(("step", "repeats"), [("webhook-send", 1), ("webhook-mark", 2)])
def test_a_worker_killed_around_the_post_repeats_at_most_once(server, process_env, monkeypatch, step, repeats):
    endpoint_at(server.url)
    request_of()
    db.session.rollback()
    env = {**process_env, "WEBHOOK_ALLOW_PRIVATE": "1"}
    process = forks.python("tests.support.worker_process", step, env=env)
    try:
        assert process.stdout.readline() == f"{step}\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert tell() == 0  # the claim still runs
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + webhooks.CLAIM)
    assert tell() == 1
    assert tell() == 0
    asked = server.asked
    assert len(asked) == repeats
    assert len({(each["raw"], each["headers"]["x-rdv-event-id"]) for each in asked}) == 1


# -- retries ----------------------------------------------------------------------------------------------------------


def test_retries_at_their_hours_then_dead_and_told_once(server, freeze, monkeypatch):
    time = freeze(NOW)
    monkeypatch.setattr(sending.random, "random", lambda: 0.0)
    endpoint = endpoint_at(server.url)
    make.service_member(email="equipe@rdv-apprentissage.example")
    make.service_member(email="ancienne@rdv-apprentissage.example", active=False)
    request_of()
    server.behave("status 503")
    tell()
    start = clock.now()
    expected = [timedelta(minutes=1), timedelta(minutes=6), timedelta(minutes=36), timedelta(hours=2, minutes=36)]
    expected += [timedelta(hours=8, minutes=36), timedelta(hours=32, minutes=36), timedelta(hours=56, minutes=36)]
    expected += [timedelta(days=3)]
    for number, after in enumerate(expected, 1):
        time.to(start + after - timedelta(seconds=1))
        tell()
        assert len(server.asked) == number
        time.to(start + after)
        tell()
        assert len(server.asked) == number + 1
    (row,) = rows()
    assert (row.state, row.attempts, row.last_status) == ("failed", 9, 503)
    assert len({each["raw"] for each in server.asked}) == 1
    assert endpoint.disabled_at == clock.now()
    mails = db.session.scalars(sa.select(OutgoingMail)).all()
    assert [(mail.kind, mail.to_email) for mail in mails] == [("webhook_dead", "equipe@rdv-apprentissage.example")]
    # What happens next waits; nothing is asked of a dead address until the team says so, and then all of it leaves.
    second = request_of()
    time.tick(days=2)
    tell()
    assert len(server.asked) == 9
    server.behave("accept")
    with transaction():
        webhooks.set_active(webhooks.get(endpoint.public_id), True, clock.now())
    assert tell() == 1
    assert server.told[-1]["request"]["id"] == second.public_id
    assert len(db.session.scalars(sa.select(OutgoingMail.id)).all()) == 1


def test_waits_are_spread():
    waits = {sending.wait(3) for _ in range(50)}
    assert len(waits) > 40
    assert timedelta(minutes=30) <= min(waits) <= max(waits) <= timedelta(minutes=33)
    assert sending.wait(50) >= timedelta(hours=24)


def test_one_delivery_that_is_never_accepted_does_not_cut_an_address_that_accepts_others(server, freeze):
    time = freeze(NOW)
    endpoint = endpoint_at(server.url)
    request_of()
    server.behave("status 500")
    tell()
    server.behave("accept")
    time.tick(minutes=2)
    tell()
    with transaction():
        row = db.session.scalars(sa.select(WebhookDelivery)).one()
        row.state, row.next_attempt_at, row.first_tried_at = "pending", clock.now(), clock.now() - timedelta(days=4)
    server.behave("status 500")
    time.tick(minutes=2)
    tell()
    assert [each.state for each in rows()] == ["failed"]
    assert endpoint.disabled_at is None


@pytest.mark.parametrize(("behaviour", "status", "error"), [
    ("status 404", 404, None), ("redirect {url}", 307, None), ("silent", None, "TimeoutError"),
    ("drip", None, "TimeoutError"),
])  # fmt: skip
def test_what_is_not_a_yes_is_tried_again(server, change_settings, behaviour, status, error):
    change_settings(webhook_allow_private=True, webhook_timeout=0.3)
    endpoint_at(server.url)
    request_of()
    server.behave(behaviour.format(url=server.url))
    assert tell() == 0
    (row,) = rows()
    assert (row.state, row.last_status, row.last_error) == ("pending", status, error)
    assert len(server.asked) == 1  # no redirection is followed


def test_a_slow_and_a_dead_address_delay_nobody(server, tmp_path, change_settings):
    """The slow one holds its post while the good one gets all of its own, in the same look."""
    change_settings(webhook_allow_private=True, webhook_timeout=3.0)
    with receiver(tmp_path / "slow") as slow:
        slow.behave("silent")
        endpoint_at(slow.url, code="parcoursup")
        endpoint_at("http://127.0.0.1:1/", code="affelnet")
        endpoint_at(server.url)
        for code in ("parcoursup", "affelnet", "lba") * 5:
            request_of(code)
        db.session.rollback()
        assert tell() == 5
        (held,) = slow.asked  # one at a time, and then it rests
        assert len(server.asked) == 5
        assert max(each["at"] for each in server.asked) < held["at"] + 2  # long before its three seconds were over
    assert sorted(each.attempts for each in rows()) == [0] * 8 + [1] * 7


def test_an_address_spoken_to_by_another_process_is_left_alone(server):
    endpoint = endpoint_at(server.url)
    request_of()
    with transaction():
        found = webhooks.get(endpoint.public_id)
        found.claimed_until, found.claim_token = clock.now() + webhooks.CLAIM, "autre"
    assert tell() == 0
    assert server.asked == []


def test_paused_waits_and_resumed_sends_all(server):
    endpoint = endpoint_at(server.url)
    with transaction():
        webhooks.set_active(webhooks.get(endpoint.public_id), False, clock.now())
    request_of()
    request_of()
    assert tell() == 0
    with transaction():
        webhooks.set_active(webhooks.get(endpoint.public_id), True, clock.now())
    assert tell() == 2


# -- secrets, test, again ---------------------------------------------------------------------------------------------


def test_both_secrets_sign_while_one_replaces_the_other(server, freeze):
    time = freeze(NOW)
    endpoint = endpoint_at(server.url)
    former = webhooks.secret(endpoint)
    with transaction():
        new = webhooks.rotate(webhooks.get(endpoint.public_id), clock.now())
    assert new != former
    request_of()
    tell()
    assert is_signed(server.asked[0], former)
    assert is_signed(server.asked[0], new)
    with transaction(), pytest.raises(webhooks.WrongEndpoint):
        webhooks.rotate(webhooks.get(endpoint.public_id), clock.now())
    time.tick(days=7)
    request_of()
    tell()
    assert not is_signed(server.asked[1], former)
    assert is_signed(server.asked[1], new)


def test_no_secret_is_stored(server):
    endpoint = endpoint_at(server.url)
    secret = webhooks.secret(endpoint)
    stored = db.session.execute(sa.select(sa.text("*")).select_from(WebhookEndpoint.__table__)).mappings().one()
    assert secret.removeprefix("whsec_") not in str(dict(stored))


def test_a_test_event_tells_of_nobody(server):
    endpoint = endpoint_at(server.url)
    with transaction():
        webhooks.send_test(webhooks.get(endpoint.public_id), clock.now())
    assert tell() == 1
    (said,) = server.told
    assert (said["type"], said["platform"], said["request"]) == ("test", "lba", None)


def test_sent_again_with_the_same_identifier_and_bytes(server):
    endpoint_at(server.url)
    request_of()
    tell()
    (row,) = rows()
    member = make.service_member()
    with transaction():
        assert webhooks.resend(row.public_id, clock.now(), member)
    assert tell() == 1
    first, second = server.asked
    assert first["raw"] == second["raw"]
    assert first["body"]["id"] == second["body"]["id"]
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "webhook_delivery.retried")).one()
    assert (entry.user_id, entry.object_id) == (member.id, row.public_id)


def test_asked_again_while_it_travels_it_leaves_again(server):
    """What was asked is done: the mark of the first attempt does not end the second before it began."""
    endpoint = endpoint_at(server.url)
    request_of()
    webhooks.relay(clock.now())
    token = sending._claim(endpoint.id)
    with transaction():
        parcel = sending._next(endpoint.id, token)
    result = sending.post(parcel)
    public_id = db.session.scalars(sa.select(WebhookDelivery.public_id)).one()
    with transaction():
        assert webhooks.resend(public_id, clock.now())
    with transaction():
        sending._mark(parcel, result)
        sending._release(endpoint.id, token)
    assert tell() == 1
    assert len(server.asked) == 2
    assert [(each.state, each.attempts) for each in rows()] == [("delivered", 1)]


def test_deliveries_are_kept_thirty_days(server, freeze):
    time = freeze(NOW)
    endpoint_at(server.url)
    request_of()
    tell()
    time.tick(days=30)
    jobs.purge(clock.now())
    assert len(rows()) == 1
    time.tick(seconds=1)
    jobs.purge(clock.now())
    assert rows() == []


# -- where it may be told ---------------------------------------------------------------------------------------------


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "url",
    ["http://exemple.fr/rdv", "ftp://exemple.fr", "https://", "https://a:b@exemple.fr/", "https://exemple.fr/#ici",
     "https://exemple.fr:port/", "exemple.fr", "https://exemple.fr/" + "a" * 500, "https://[::1", "https://exemple .fr/"],
)  # fmt: skip
def test_addresses_that_are_refused(app, url):
    with transaction(), pytest.raises(webhooks.WrongEndpoint):
        webhooks.create(make.platform("lba"), url, ["created"], clock.now())


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1", "::", "fd00::1", "fe80::1%1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1"],
)  # fmt: skip
def test_a_name_that_turns_private_is_refused_when_connecting(app, server, change_settings, monkeypatch, address):
    """DNS rebinding: public when the address was typed, private now. Nothing is connected to."""
    change_settings(webhook_allow_private=False)
    endpoint_at("https://evenements.exemple.fr/rdv")
    request_of()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    resolved = [(family, socket.SOCK_STREAM, 6, "", (address, server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: resolved)
    monkeypatch.setattr(socket, "create_connection", lambda *_a, **_o: pytest.fail("connected"))
    assert tell() == 0
    (row,) = rows()
    assert (row.state, row.last_error) == ("pending", "PrivateAddress")


@pytest.mark.sqlite_only
def test_the_address_that_was_checked_is_the_one_connected_to(app, change_settings, monkeypatch):
    """A name that answers a public address once and a private one next is asked once."""
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])
    connected = []

    def resolve(_host, port, **_options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address, _timeout):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(outgoing_http.Unreachable, match="ConnectionRefusedError"):
        outgoing_http.post("https://evenements.exemple.fr/", b"{}", {}, timeout=1)
    assert connected == [("8.8.8.8", 443)]
