"""A platform that accepts everything at once, in a process of its own: 204 to each POST, and how many different events it got."""

from __future__ import annotations

import asyncio
import re

seen: list[bytes] = []


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one request and answer it; GET tells « posts different »."""
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"GET"):
        told = f"{len(seen)} {len(set(seen))}".encode()
        seen.clear()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
    else:
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        event = re.search(rb"(?i)x-rdv-event-id: (\S+)", head)
        seen.append(event[1] if event else b"")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def main() -> None:
    """Listen on a free port, and print it."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
