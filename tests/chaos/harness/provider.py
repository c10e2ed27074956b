"""An OpenAI-compatible provider that fails on purpose and keeps a ledger, in its own process for speed.

    python3 -m harness.provider --port P --seed N [--first-fails 0.3] [--second-fails 0.1] [--breaks 0.03]

The seed, the nonce and the model determine how it handles a call. GET /ledger returns the ledger as JSON.

"""
from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import random
import re
import signal
import socket
import struct

from harness.ledger import NONCE_PREFIX, Call
from harness.wire import LONGEST_LINE, Cut, Head, read_body, read_head

NONCE = re.compile(rf"{NONCE_PREFIX}[0-9a-z-]+")
FAULTS = ("503", "503", "429", "429", "reset", "garbage", "garbage", "hang")
HANG_SECONDS = 30.0  # much longer than the gateway waits
RESET = struct.pack("ii", 1, 0)  # zero linger time: closing resets the connection

# The behavior of the models; models that are not listed always answer.
FIRST, SECOND = "first", "second"


@dataclasses.dataclass(frozen=True)
class Odds:
    """The probability of each fault, from 0 to 1."""

    seed: int
    first_fails: float
    second_fails: float
    breaks: float

    def dice(self, nonce: str, model: str) -> random.Random:
        """Deterministic for the same call of the same run."""
        return random.Random(f"{self.seed}/{nonce}/{model}")

    def fault(self, dice: random.Random, model: str) -> str:
        """How the call fails; empty if it does not."""
        odds = {FIRST: self.first_fails, SECOND: self.second_fails}.get(model, 0.0)
        return dice.choice(FAULTS) if dice.random() < odds else ""


class Provider:
    """Answers calls and records each."""

    def __init__(self, odds: Odds):
        self._odds = odds
        self._calls: list[Call] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection, call after call."""
        try:
            while True:
                head = await read_head(reader)
                body = b"".join([piece async for piece in read_body(reader, head)])
                await self._answer(head, body, writer)
        except (Cut, OSError):
            writer.transport.abort()

    async def _answer(self, head: Head, body: bytes, writer: asyncio.StreamWriter) -> None:
        if " /ledger " in head.first:
            ledger = json.dumps([dataclasses.astuple(call) for call in self._calls]).encode()
            await _whole(writer, 200, "application/json", ledger)
            return
        asked = json.loads(body)
        model = asked["model"]
        found = NONCE.search(asked["messages"][-1]["content"])
        nonce = found[0] if found else "none"
        dice = self._odds.dice(nonce, model)
        fault = self._odds.fault(dice, model)
        streamed = bool(asked.get("stream"))
        events = dice.randint(5, 30)
        breaks = streamed and not fault and dice.random() < self._odds.breaks
        call = Call(nonce, model, fault, breaks, streamed, len(body) // 4 + 1, events)
        self._calls.append(call)
        if fault:
            await self._fail(fault, writer)
        elif streamed:
            await self._stream(call, dice, asked, writer)
        else:
            await asyncio.sleep(dice.uniform(0.0, 0.06))
            await _whole(writer, 200, "application/json", _completion(call))
        call.written = not breaks

    async def _fail(self, fault: str, writer: asyncio.StreamWriter) -> None:
        if fault == "hang":
            await asyncio.sleep(HANG_SECONDS)
            fault = "reset"
        if fault == "reset":
            _reset(writer)
            raise Cut
        if fault == "garbage":
            await _whole(writer, 200, "text/html", b"<html><body>maintenance</body></html>")
            return
        error = {"error": {"message": f"{fault} on purpose", "type": "server_error", "code": None, "param": None}}
        await _whole(writer, int(fault), "application/json", json.dumps(error).encode())

    async def _stream(self, call: Call, dice: random.Random, asked: dict, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        last = dice.randint(1, call.output_tokens) if call.broke else call.output_tokens
        for number in range(last):
            # Every answer contains its request's nonce, so that a misdirected answer is detected.
            await _event(writer, _chunk(call, {"content": f"{call.nonce} " if number == 0 else "word "}, None))
            await asyncio.sleep(dice.uniform(0.003, 0.02))
        if call.broke:
            _reset(writer)
            raise Cut
        await _event(writer, _chunk(call, {}, "stop"))
        if (asked.get("stream_options") or {}).get("include_usage"):
            await _event(writer, {**_chunk(call, {}, None), "choices": [], "usage": _usage(call)})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def _whole(writer: asyncio.StreamWriter, status: int, kind: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _event(writer: asyncio.StreamWriter, event: dict) -> None:
    frame = b"data: " + json.dumps(event).encode() + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
    await writer.drain()


def _usage(call: Call) -> dict:
    total = call.input_tokens + call.output_tokens
    return {"prompt_tokens": call.input_tokens, "completion_tokens": call.output_tokens, "total_tokens": total}


def _chunk(call: Call, delta: dict, finish: str | None) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": call.model, "choices": [choice]}


def _completion(call: Call) -> bytes:
    message = {"role": "assistant", "content": f"{call.nonce} " + "word " * (call.output_tokens - 1)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": call.model, "choices": [choice]}
    return json.dumps({**answer, "usage": _usage(call)}).encode()


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="harness.provider")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first-fails", type=float, default=0.3)
    parser.add_argument("--second-fails", type=float, default=0.1)
    parser.add_argument("--breaks", type=float, default=0.03)
    given = parser.parse_args()
    provider = Provider(Odds(given.seed, given.first_fails, given.second_fails, given.breaks))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", given.port, limit=LONGEST_LINE, backlog=1024)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.close)
    try:
        await server.serve_forever()
    except asyncio.CancelledError:
        pass


if __name__ == "__main__":
    asyncio.run(_main())
