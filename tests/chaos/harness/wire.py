"""A minimal HTTP/1.1 client and server over asyncio."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

LONGEST_LINE = 1 << 20


class Cut(Exception):
    """The connection ended before the message did."""


@dataclass
class Head:
    """The first line of a message, and its headers by lowercase name."""

    first: str
    headers: dict[str, str]

    def length(self) -> int:
        """The length of the body."""
        return int(self.headers.get("content-length", "0"))


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Reads the head of the next message. Raises Cut if it is missing or incomplete."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError) as error:
        raise Cut from error
    first, *lines = raw.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return Head(first, {name.strip().lower(): value.strip() for name, _, value in pairs})


async def read_body(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """Yields the body in pieces: by its length, in chunks, or until the end. Raises Cut if it breaks off."""
    try:
        if head.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                yield (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
        elif head.length():
            yield await reader.readexactly(head.length())
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:
        raise Cut from error


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Builds a request that closes the connection afterward."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def ask(
    port: int, method: str, path: str, headers: dict[str, str], seconds: float, body: bytes = b""
) -> tuple[int, str]:
    """Sends one request; returns status and body, or status 0 and the reason if there was no response."""

    async def exchange() -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_LINE)
        try:
            writer.write(request(method, path, headers, body))
            head = await read_head(reader)
            answer = b"".join([piece async for piece in read_body(reader, head)])
            return int(head.first.split(" ")[1]), answer.decode(errors="replace")
        finally:
            writer.transport.abort()

    try:
        return await asyncio.wait_for(exchange(), seconds)
    except (OSError, Cut, asyncio.TimeoutError) as error:
        return 0, type(error).__name__
