"""Calls that leave the house: TLS verified, no redirection, no proxy, never a private address (design.md §6).

The address is resolved once, checked and connected to: a name cannot turn private between the check and the call.
Each step has a time-out, and the whole call an end: a server that drips bytes holds nobody.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")  # the only IPv6 that is routed between networks (RFC 4291 §2.4)
_LARGEST = 64 * 1024  # bytes of an answer that are read
STEPS = 3  # a call ends after this many time-outs, were each of its bytes in time


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
    """Post JSON and return the answer, whatever its status. `timeout`: as `post`. Raises Unreachable."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return post(url, content, {"Accept": "application/json", **headers}, timeout=timeout, allow_private=allow_private)


def post(
    url: str, content: bytes, headers: Mapping[str, str], *, timeout: float, allow_private: bool = False
) -> Answer:
    """Post these bytes, which are JSON, and return the answer, whatever its status.

    `timeout`: seconds for each step; `STEPS` times that for all of them together. Raises Unreachable.
    """
    target = urlsplit(url)
    sent = {"Host": target.netloc, "Content-Type": "application/json", **headers}
    try:
        with _ending(timeout * STEPS) as call:
            connection = _opened(target, timeout, allow_private, call)
            try:
                path = target.path + (f"?{target.query}" if target.query else "") or "/"
                connection.request("POST", path, content, sent)
                answer = connection.getresponse()
                found = Answer(answer.status, answer.read(_LARGEST))
            except (OSError, http.client.HTTPException):
                if not call.over:
                    raise
            finally:
                connection.close()
            if call.over:  # what looks whole was cut by us
                raise TimeoutError
            return found
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(type(error).__name__) from None


class Streamed:
    """An answer that is read piece by piece."""

    def __init__(self, answer: http.client.HTTPResponse, call: _Call) -> None:
        self.status = answer.status
        self._answer = answer
        self._call = call

    def header(self, name: str) -> str | None:
        """Return a header, None when it is absent."""
        return self._answer.getheader(name)

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end. Raises Unreachable, also when fewer came than were announced."""
        try:
            found = self._answer.read(size)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable("TimeoutError" if self._call.over else type(error).__name__) from None
        if self._call.over:
            raise Unreachable("TimeoutError")
        if not found and self._answer.length:
            raise Unreachable("IncompleteRead")
        return found


@contextmanager
def get(
    url: str, headers: Mapping[str, str], *, timeout: float, lasting: float, allow_private: bool = False
) -> Iterator[Streamed]:
    """Open an answer to read piece by piece, whatever its status; no redirection is followed.

    `timeout`: seconds for each step; `lasting`: for the whole of it. Raises Unreachable.
    """
    target = urlsplit(url)
    with _ending(lasting) as call:
        try:
            connection = _opened(target, timeout, allow_private, call)
        except (OSError, ValueError) as error:
            raise Unreachable(type(error).__name__) from None
        try:
            try:
                path = (target.path or "/") + (f"?{target.query}" if target.query else "")
                connection.request(
                    "GET", path, headers={"Host": target.netloc, "Accept-Encoding": "identity", **headers}
                )
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable("TimeoutError" if call.over else type(error).__name__) from None
            yield Streamed(answer, call)
        finally:
            connection.close()


def _opened(target: SplitResult, timeout: float, allow_private: bool, call: _Call) -> http.client.HTTPConnection:
    """Return a connection to the address of a call, which was checked. Raises Unreachable where it may not be called, OSError."""
    host, secure = target.hostname or "", target.scheme == "https"
    if not secure and not allow_private:
        raise Unreachable("PlainHttp")
    port = target.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    connection.sock = _connected(host, port, timeout, allow_private, secure, call)
    return connection


class _Call:
    """The sockets of a call, shut at its end whatever the other side does."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.over = False

    def end(self) -> None:
        self.over = True
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def _ending(seconds: float) -> Iterator[_Call]:
    call = _Call()
    timer = threading.Timer(seconds, call.end)
    timer.daemon = True
    timer.start()
    try:
        yield call
    finally:
        timer.cancel()


def _connected(host: str, port: int, timeout: float, allow_private: bool, secure: bool, call: _Call) -> socket.socket:
    failure: OSError = OSError()
    for address in _addresses(host, port, allow_private):
        if call.over:
            raise TimeoutError
        try:
            found = socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
            continue
        call.sockets = [found]
        if not secure:
            return found
        try:
            found = ssl.create_default_context().wrap_socket(found, server_hostname=host, do_handshake_on_connect=False)
            call.sockets = [found]
            found.do_handshake()
            return found
        except OSError as error:
            found.close()
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
        if found.ipv4_mapped is None and found not in _UNICAST:
            return False
        found = found.ipv4_mapped or found
    return found.is_global and not found.is_multicast
