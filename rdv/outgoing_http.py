"""Calls that leave the house: TLS verified, no redirection, no proxy, never a private address (design.md §6).

The address is resolved once, checked and connected to: a name cannot turn private between the check and the call.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LARGEST = 64 * 1024  # bytes of an answer that are read


class Unreachable(Exception):
    """Nobody answered; `str()` is the class of the failure, never an address."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


def post_json(
    url: str, body: Any, headers: Mapping[str, str], *, timeout: float, allow_private: bool = False
) -> Answer:
    """Post JSON and return the answer, whatever its status. `timeout`: seconds for each step. Raises Unreachable."""
    target = urlsplit(url)
    host = target.hostname or ""
    secure = target.scheme == "https"
    content = json.dumps(body, ensure_ascii=False).encode()
    sent = {"Host": target.netloc, "Content-Type": "application/json", "Accept": "application/json", **headers}
    try:
        if not secure and not allow_private:
            raise Unreachable("PlainHttp")
        port = target.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        connection.sock = _connected(host, port, timeout, allow_private, secure)
        try:
            connection.request("POST", target.path + (f"?{target.query}" if target.query else "") or "/", content, sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(_LARGEST))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(type(error).__name__) from None


def _connected(host: str, port: int, timeout: float, allow_private: bool, secure: bool) -> socket.socket:
    failure: OSError = OSError()
    for address in _addresses(host, port, allow_private):
        try:
            bare = socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
            continue
        if not secure:
            return bare
        try:
            return ssl.create_default_context().wrap_socket(bare, server_hostname=host)
        except OSError as error:
            bare.close()
            failure = error
    raise failure


def _addresses(host: str, port: int, allow_private: bool) -> list[str]:
    """Return the addresses of a name; raises Unreachable when one of them is not of the public internet."""
    found = list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    if not allow_private and not all(_is_public(address) for address in found):
        raise Unreachable("PrivateAddress")
    return found


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.sixtofour or found.teredo or found in _NAT64:
            return False  # an IPv4 address in disguise
        found = found.ipv4_mapped or found
    return found.is_global and not found.is_multicast
