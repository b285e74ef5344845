"""The HTTP provider against a real gateway in another process: the contract of docs/sms.md."""

from __future__ import annotations

import os
import socket

import pytest
import trustme

from rdv import outgoing_http
from rdv.sms.http import HttpProvider
from rdv.sms.provider import SmsProviderDown, SmsPutOff, SmsRefused
from tests.support.sms_gateway import TOKEN, gateway

# The provider reads no row; what becomes of a failure is tested in test_sms.py on both engines.
pytestmark = pytest.mark.sqlite_only
TO = "+33639980001"


@pytest.fixture
def open_gateway(app, tmp_path, change_settings):
    with gateway(tmp_path / "gateway") as found:
        change_settings(**found.settings())
        yield found


def send(key="cle-1"):
    return HttpProvider().send(TO, "RDV déplacé à 14h", key)


def test_what_is_posted(open_gateway):
    assert send() == "sms-1"
    (asked,) = open_gateway.asked
    assert asked["path"] == "/envois?compte=cfa"
    assert asked["body"] == {"to": TO, "text": "RDV déplacé à 14h", "sender": "RDV CFA", "reference": "cle-1"}
    headers = asked["headers"]
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["idempotency-key"] == "cle-1"
    assert headers["content-type"] == "application/json"
    assert headers["host"].startswith("127.0.0.1:")


def test_a_repeat_with_the_same_key_reaches_the_person_once(open_gateway):
    send()
    send()
    assert (len(open_gateway.asked), len(open_gateway.delivered)) == (2, 1)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, SmsRefused), (413, SmsRefused), (422, SmsRefused),
        (409, SmsPutOff), (425, SmsPutOff),
        (401, SmsProviderDown), (403, SmsProviderDown), (404, SmsProviderDown), (408, SmsProviderDown),
        (429, SmsProviderDown), (500, SmsProviderDown), (503, SmsProviderDown), (204, SmsProviderDown),
    ],
)  # fmt: skip
def test_statuses_are_told_apart(open_gateway, status, error):
    open_gateway.behave(f"status {status}")
    with pytest.raises(error, match=f"^HTTP {status}$"):
        send()


def test_an_accepted_message_without_identifier_is_accepted(open_gateway):
    open_gateway.behave("nonsense")
    assert send() is None


def test_a_redirection_is_not_followed_with_the_token(open_gateway):
    open_gateway.behave(f"redirect {open_gateway.url}")
    with pytest.raises(SmsProviderDown, match="HTTP 307"):
        send()
    assert len(open_gateway.asked) == 1


def test_silence_ends_with_the_time_out(open_gateway, change_settings):
    change_settings(**open_gateway.settings(sms_timeout=0.3))
    open_gateway.behave("silent")
    with pytest.raises(SmsProviderDown, match="TimeoutError"):
        send()


def test_nobody_there(app, change_settings):
    change_settings(sms_url="http://127.0.0.1:1/", sms_token=TOKEN, sms_allow_private=True)
    with pytest.raises(SmsProviderDown, match="ConnectionRefusedError"):
        send()


def test_a_private_address_is_refused_unless_it_is_chosen(open_gateway, change_settings):
    change_settings(**open_gateway.settings(sms_allow_private=False))
    with pytest.raises(SmsProviderDown, match="PlainHttp"):
        send()
    change_settings(**open_gateway.settings(sms_url=open_gateway.url.replace("http", "https"), sms_allow_private=False))
    with pytest.raises(SmsProviderDown, match="PrivateAddress"):
        send()
    assert open_gateway.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "::1",
     "fd00::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"],
)  # fmt: skip
def test_addresses_of_no_public_network(monkeypatch, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)),
        (family, socket.SOCK_STREAM, 6, "", (address, 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: answer)
    with pytest.raises(outgoing_http.Unreachable, match="PrivateAddress"):
        outgoing_http.post_json("https://sms.exemple.fr/", {}, {}, timeout=1)


@pytest.mark.parametrize(("certificate", "accepted"), [("right", True), ("other-name", False), ("stranger", False)])
def test_tls_is_verified(app, tmp_path, change_settings, monkeypatch, certificate, accepted):
    ours, stranger = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority = stranger if certificate == "stranger" else ours
    name = "autre.example" if certificate == "other-name" else "127.0.0.1"
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with gateway(tmp_path / "gateway", tmp_path / "server.pem") as found:
        change_settings(**found.settings())
        if accepted:
            assert send() == "sms-1"
        else:
            with pytest.raises(SmsProviderDown, match="SSLCertVerificationError"):
                send()
            assert found.asked == []
