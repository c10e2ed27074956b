"""A TCP proxy to PostgreSQL that can be cut.

While it is cut, no bytes, connection ends or refusals pass. What was sent meanwhile arrives afterward, as when a network
recovers.

"""
from __future__ import annotations

import asyncio

PIECE = 1 << 16


class Proxy:
    """Listens on one port and forwards to another."""

    def __init__(self, port: int, target: int):
        self.port = port
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Opens the port."""
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", self.port)

    def cut(self) -> None:
        """Stops forwarding."""
        self._open.clear()

    def mend(self) -> None:
        """Resumes forwarding."""
        self._open.set()

    async def stop(self) -> None:
        """Closes all connections and the port."""
        if self._server:
            self._server.close()
        for task in [*self._tasks]:
            task.cancel()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        onward = None
        try:
            await self._open.wait()
            answers, onward = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._carry(reader, onward), self._carry(answers, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, onward):
                if end:
                    end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            await self._open.wait()
            writer.write(piece)
            await writer.drain()
        await self._open.wait()
        writer.write_eof()
