"""A real SMTP server in a process of its own: keeps what it receives as files, and misbehaves on demand.

`python -m tests.support.smtp_sink FOLDER [--tls starttls|tls --certificate PEM]` prints its port. How it behaves at the
next command stands in FOLDER/behaviour, so that a test changes it without a restart:
accept | recipient CODE | data CODE | silent-greeting | hang-before-250 | close-after-250 (hangs on QUIT).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

FOR_EVER = 3600


class Sink:
    """Handler of aiosmtpd: keeps mails whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count(1)

    def behaviour(self) -> list[str]:
        path = self.folder / "behaviour"
        return path.read_text().split() if path.exists() else ["accept"]

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        kind, *code = self.behaviour()
        if kind == "recipient":
            return f"{code[0]} refused by the test"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Session, envelope: Envelope) -> str:
        kind, *code = self.behaviour()
        if kind == "data":
            return f"{code[0]} refused by the test"
        number = next(self.numbers)
        facts = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
        }
        (self.folder / f"{number:03d}.json").write_text(json.dumps(facts))
        unfinished = self.folder / f"{number:03d}.part"
        unfinished.write_bytes(envelope.original_content or b"")
        unfinished.rename(self.folder / f"{number:03d}.eml")
        if kind == "hang-before-250":
            await asyncio.sleep(FOR_EVER)
        return "250 kept"

    async def handle_QUIT(self, _server: Any, _session: Session, _envelope: Envelope) -> str:
        if self.behaviour()[0] == "close-after-250":
            await asyncio.sleep(FOR_EVER)
        return "221 bye"


class Silent(asyncio.Protocol):
    """A server that takes the call and says nothing."""


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tls", choices=("none", "starttls", "tls"), default="none")
    parser.add_argument("--certificate")
    options = parser.parse_args()
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    handler = Sink(options.folder)

    def protocol() -> asyncio.Protocol:
        if handler.behaviour()[0] == "silent-greeting":
            return Silent()
        starttls = context if options.tls == "starttls" else None
        return SMTP(handler, hostname="sink.example", tls_context=starttls, require_starttls=starttls is not None)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if options.tls == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
