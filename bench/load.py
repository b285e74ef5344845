"""A closed-loop load: so many clients, each posting its own list of requests one after the other over HTTP/1.1."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass(frozen=True)
class Post:
    """One form to post."""

    path: str
    fields: dict[str, str]


@dataclass
class Result:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)  # seconds
    seconds: float = 0.0

    def quantile(self, share: float) -> float:
        """Return a latency in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


class Client:
    """One keep-alive connection; opened again when the server closes it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        fresh = self.writer is None
        try:
            return await self._once(method, path, body, headers or {})
        except (ConnectionError, asyncio.IncompleteReadError):
            self.writer = None
            if fresh:
                raise
            return await self._once(method, path, body, headers or {})

    async def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self.reader is not None
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: keep-alive\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if body:
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + body)
        await self.writer.drain()
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(answer.split(" ", 2)[1])
        length = next((int(line[15:]) for line in answer.split("\r\n") if line.startswith("content-length:")), 0)
        content = await self.reader.readexactly(length) if length and status != 304 else b""
        if "connection: close" in answer:
            self.writer.close()
            self.writer = None
        return status, content


async def _gather(port: int, lists: Sequence[Sequence[Post]]) -> Result:
    result = Result()
    clients = [Client(port) for _ in lists]

    async def walk(client: Client, posts: Sequence[Post]) -> None:
        for post in posts:
            body = urlencode(post.fields).encode()
            begun = time.perf_counter()
            status, _content = await client.request("POST", post.path, body)
            result.latencies.append(time.perf_counter() - begun)
            result.statuses[status] += 1

    begun = time.perf_counter()
    await asyncio.gather(*(walk(client, posts) for client, posts in zip(clients, lists, strict=True)))
    result.seconds = time.perf_counter() - begun
    return result


def post_all(port: int, lists: Sequence[Sequence[Post]]) -> Result:
    """Post every list at the same time, one client a list."""
    return asyncio.run(_gather(port, lists))


def fetch_all(port: int, paths: Sequence[str], clients: int = 8) -> list[str]:
    """Return the pages at these paths, in order."""

    async def run() -> list[str]:
        pages: list[str] = [""] * len(paths)

        async def walk(start: int) -> None:
            client = Client(port)
            for index in range(start, len(paths), clients):
                status, content = await client.request("GET", paths[index])
                if status != 200:
                    raise SystemExit(f"GET {paths[index]} : {status}")
                pages[index] = content.decode()

        await asyncio.gather(*(walk(start) for start in range(clients)))
        return pages

    return asyncio.run(run())


def polls(port: int, wanted: Sequence[tuple[str, dict[str, str]]], rate: float) -> Result:
    """Ask for these paths at a rate that does not wait for answers; latencies count from the intended start of each."""

    async def run() -> Result:
        result, rested = Result(), [Client(port) for _ in range(8)]
        begun = time.perf_counter()

        async def ask(intended: float, path: str, headers: dict[str, str]) -> None:
            client = rested.pop() if rested else Client(port)
            status, _content = await client.request("GET", path, headers=headers)
            rested.append(client)
            result.latencies.append(time.perf_counter() - begun - intended)
            result.statuses[status] += 1

        asked = []
        for number, (path, headers) in enumerate(wanted):
            intended = number / rate
            await asyncio.sleep(max(0.0, intended - (time.perf_counter() - begun)))
            asked.append(asyncio.create_task(ask(intended, path, headers)))
        await asyncio.gather(*asked)
        result.seconds = time.perf_counter() - begun
        return result

    return asyncio.run(run())
