"""No lost mail (design.md §5.3): the real worker is killed at every step, against a real SMTP server.

Nothing is lost, at most one repeat, with the same Message-ID and the same bytes; no mail leaves twice when several
workers run at once.
"""

import signal
from collections import Counter
from contextlib import contextmanager
from email import message_from_bytes

import pytest
import sqlalchemy as sa

from rdv import clock, delivery
from rdv.db import db, transaction
from rdv.models import OutgoingMail
from tests.support import forks
from tests.support.mail_cases import CASES, House
from tests.support.smtp import sink, wait_until


@pytest.fixture
def relay(tmp_path):
    with sink(tmp_path / "sink") as found:
        yield found


@pytest.fixture
def start(process_env, relay):
    """`start("send")` runs a worker that stops at this step; killed at the end of the test whatever happens."""
    running = []

    @contextmanager
    def run(step):
        env = {
            **process_env,
            "MAIL_BACKEND": "smtp",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(relay.port),
            "MAIL_TLS": "none",
        }
        process = forks.python("tests.support.worker_process", step, env=env)
        running.append(process)
        yield process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def kill_at(start, step):
    with start(step) as process:
        assert process.stdout.readline() == f"{step}\n"
        kill(process)


def recover(monkeypatch, change_settings, relay):
    """Another worker comes, first at once (the claim still runs), then when the claim has ended."""
    change_settings(**relay.settings())
    before = len(relay.mails)
    at_once = delivery.deliver_due()
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + delivery.CLAIM)
    later = delivery.deliver_due()
    assert delivery.deliver_due() == 0
    assert len(relay.mails) == before + at_once + later
    return at_once, later


def status():
    db.session.rollback()
    return db.session.scalars(sa.select(OutgoingMail.status)).one()


@pytest.mark.parametrize(
    ("step", "sent_before_the_kill", "sent_at_once", "sent_later"),
    [
        ("claim", 0, 1, 0),  # nobody had it: the next look sends it
        ("render", 0, 0, 1),
        ("send", 0, 0, 1),
        ("mark", 1, 0, 1),  # accepted, not marked: one repeat, the same mail
    ],
)
def test_a_kill_loses_nothing_and_repeats_once_at_most(
    app, start, relay, monkeypatch, change_settings, step, sent_before_the_kill, sent_at_once, sent_later
):
    CASES["password_changed"](House())
    kill_at(start, step)
    assert len(relay.mails) == sent_before_the_kill
    assert status() == "pending"
    stored = db.session.scalars(sa.select(OutgoingMail.message_bytes)).one()
    assert (stored is not None) == (step in ("send", "mark"))
    assert recover(monkeypatch, change_settings, relay) == (sent_at_once, sent_later)
    assert status() == "sent"
    assert len(set(relay.mails)) == 1, "a repeat must be the same bytes"
    assert len({message_from_bytes(mail)["Message-ID"] for mail in relay.mails}) == 1
    assert stored in (None, relay.mails[0])


def test_a_kill_while_the_relay_holds_its_answer(app, start, relay, monkeypatch, change_settings):
    CASES["password_changed"](House())
    relay.behave("hang-before-250")
    with start("start") as process:
        wait_until(lambda: relay.mails, process)
        kill(process)
    relay.behave("accept")
    assert recover(monkeypatch, change_settings, relay) == (0, 1)
    assert status() == "sent"
    assert len(relay.mails) == 2
    assert len(set(relay.mails)) == 1


@pytest.mark.concurrent
def test_three_workers_send_each_mail_once(app, start, relay):
    house = House()
    with transaction() as session:
        for number in range(40):
            session.add(
                OutgoingMail(
                    public_id=f"m{number}", kind="password_changed", dedup_key=f"m{number}",
                    to_email=f"m{number}@courriel.example", user_id=house.adviser.id, not_before=clock.now(),
                )
            )  # fmt: skip
    with start("start") as one, start("start"), start("start"):
        wait_until(lambda: len(relay.mails) >= 40 and not _pending(), one)
    recipients = Counter(envelope["to"][0] for envelope in relay.envelopes)
    assert recipients == Counter(f"m{number}@courriel.example" for number in range(40))


def _pending():
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).where(OutgoingMail.status == "pending"))
