"""Mails through a real SMTP server in another process: bytes unchanged, time-outs, verified TLS, refusals."""

import pytest
import sqlalchemy as sa
import trustme

from rdv import delivery, transport
from rdv.db import db
from rdv.models import OutgoingMail
from tests.support.mail_cases import CASES, NOW, House
from tests.support.smtp import sink, wait_until

# The transport reads no row; how failures are kept in the database is tested in test_delivery.py on both engines.
pytestmark = pytest.mark.sqlite_only
MAIL = b"Subject: Essai\r\nTo: zoe@courriel.example\r\n\r\nUne ligne\r\n.un point\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    ours, stranger = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(folder / "ca.pem"))
    stranger.cert_pem.write_to_path(str(folder / "stranger.pem"))
    ours.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "right.pem"))
    ours.issue_cert("relais.example").private_key_and_cert_chain_pem.write_to_path(str(folder / "other-name.pem"))
    return folder


@pytest.fixture
def plain(app, tmp_path, change_settings):
    with sink(tmp_path / "sink") as found:
        change_settings(**found.settings(mail_timeout=5))
        yield found


def send(content=MAIL):
    transport.send("essai", "zoe@courriel.example", content)


def refused():
    with pytest.raises(transport.NotSent) as refusal:
        send()
    return refusal.value


def test_the_stored_bytes_arrive_unchanged_though_flask_is_testing(app, plain, freeze):
    assert app.testing
    freeze(NOW)
    CASES["booking_confirmed"](House())
    assert delivery.deliver_due() == 1
    stored = db.session.scalars(sa.select(OutgoingMail.message_bytes)).one()
    assert plain.mails == [stored]
    assert plain.envelopes == [{"from": "rdv@rdv-apprentissage.example", "to": ["zoe@courriel.example"], "tls": False}]


def test_lines_that_begin_with_a_dot_arrive_too(plain):
    send()
    assert plain.mails == [MAIL]


@pytest.mark.parametrize(
    ("behaviour", "told", "permanent", "relay_down"),
    [
        ("recipient 550", "SMTPRecipientsRefused 550", True, False),
        ("recipient 451", "SMTPRecipientsRefused 451", False, False),
        ("recipient 421", "SMTPRecipientsRefused 421", False, True),
        ("data 554", "SMTPDataError 554", True, False),
        ("data 452", "SMTPDataError 452", False, False),
    ],
)
def test_refusals_are_told_apart(plain, behaviour, told, permanent, relay_down):
    plain.behave(behaviour)
    refusal = refused()
    assert (str(refusal), refusal.permanent, refusal.relay_down) == (told, permanent, relay_down)
    assert plain.mails == []


@pytest.mark.parametrize("behaviour", ["silent-greeting", "hang-before-250"])
def test_a_relay_that_says_nothing_is_left_after_the_time_out(plain, change_settings, behaviour):
    change_settings(mail_timeout=0.3)
    plain.behave(behaviour)
    refusal = refused()  # a relay waited for without end would fail by the time-out of the test
    assert refusal.relay_down
    assert not refusal.permanent


def test_a_relay_that_forgets_to_say_goodbye_does_not_cause_a_repeat(plain, change_settings):
    change_settings(mail_timeout=0.3)
    plain.behave("close-after-250")
    send()
    assert plain.mails == [MAIL]


def test_no_relay_at_all(app, plain, change_settings):
    change_settings(mail_port=1)
    assert (str(refused()), refused().relay_down) == ("ConnectionRefusedError", True)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("certificate", "ca_file", "accepted"),
    [
        ("right.pem", "ca.pem", True),
        ("right.pem", "stranger.pem", False),  # signed by somebody else
        ("right.pem", None, False),  # signed by nobody the machine knows
        ("other-name.pem", "ca.pem", False),  # right signature, wrong host
    ],
)
def test_tls_sends_to_the_relay_it_verified_alone(
    app, change_settings, tmp_path, authority, tls, certificate, ca_file, accepted
):
    with sink(tmp_path / "sink", tls, authority / certificate) as relay:
        file = str(authority / ca_file) if ca_file else ""
        change_settings(**relay.settings(mail_tls=tls, mail_ca_file=file, mail_timeout=5))
        if accepted:
            send()
            assert wait_until(lambda: relay.mails) == [MAIL]
            assert relay.envelopes[0]["tls"]
        else:
            refusal = refused()
            assert str(refusal) == "SSLCertVerificationError"
            assert refusal.relay_down
            assert not refusal.permanent
            assert relay.mails == []


def test_a_relay_without_tls_gets_nothing_when_tls_is_asked(plain, change_settings):
    change_settings(mail_tls="starttls")
    assert str(refused()) == "SMTPNotSupportedError"
    assert plain.mails == []
