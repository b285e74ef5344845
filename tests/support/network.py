"""The tests talk to this machine only."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class NetworkRefused(RuntimeError):
    """A test tried to leave this machine."""


def _check(address: Any) -> None:
    if not isinstance(address, tuple):
        return  # a unix socket's path
    host = str(address[0])
    if host in ("", "localhost"):
        return
    try:
        if ipaddress.ip_address(host.split("%")[0]).is_loopback:
            return
    except ValueError:
        pass
    raise NetworkRefused(f"tests do not use the network: {host}")


@contextmanager
def loopback_only() -> Iterator[None]:
    """Refuse every connection, datagram and name look-up that leaves the machine."""
    kept = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
    kept_look_up = socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> Any:
        _check(address)
        return kept["connect"](self, address)

    def connect_ex(self: socket.socket, address: Any) -> Any:
        _check(address)
        return kept["connect_ex"](self, address)

    def sendto(self: socket.socket, *arguments: Any) -> Any:
        _check(arguments[-1])
        return kept["sendto"](self, *arguments)

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        _check((host.decode() if isinstance(host, bytes) else host or "",))
        return kept_look_up(host, *arguments, **options)

    for name, guard in (("connect", connect), ("connect_ex", connect_ex), ("sendto", sendto)):
        setattr(socket.socket, name, guard)
    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        for name in kept:
            delattr(socket.socket, name)  # what stood below, in _socket.socket, shows again
        socket.getaddrinfo = kept_look_up
