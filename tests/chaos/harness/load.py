"""An open-loop load generator that keeps the callers' ledger.

Requests start on schedule whether or not earlier ones were answered, and are never retried.

"""
from __future__ import annotations

import asyncio
import json
import random
import time
import uuid

from harness.installation import CHAIN, Key
from harness.ledger import NONCE_PREFIX, Asked
from harness.wire import LONGEST_LINE, Cut, Head, read_body, read_head, request

ANSWER_SECONDS = 60.0
OWN_LIST = 0.3  # the share of requests with their own list of models
WORDS = "Tell me what happened to the lighthouse keeper in the storm of the year. "


class Load:
    """Sends a fixed number of requests per second, half of them streams."""

    def __init__(self, port: int, keys: list[Key], rate: float, seed: int):
        self.asked: list[Asked] = []
        self._port = port
        self._keys = keys
        self._rate = rate
        self._dice = random.Random(f"{seed}/load")
        self._open: set[asyncio.Task[None]] = set()
        self._driver: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the load."""
        self._driver = asyncio.create_task(self._drive())

    async def stop(self) -> None:
        """Stops starting requests, and waits for the responses in flight."""
        if self._driver:
            self._driver.cancel()
        if self._open:
            await asyncio.wait(self._open)

    @property
    def answered(self) -> int:
        """The number of complete answers so far."""
        return sum(asked.answered for asked in self.asked)

    async def _drive(self) -> None:
        begin = time.monotonic()
        number = 0
        while True:
            await asyncio.sleep(max(0.0, begin + number / self._rate - time.monotonic()))
            number += 1
            task = asyncio.create_task(self._one(number))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _one(self, number: int) -> None:
        key = self._dice.choice(self._keys)
        nonce = f"{NONCE_PREFIX}{number}-{self._dice.getrandbits(64):016x}"
        asked = Asked(nonce, key.organization, self._dice.random() < 0.5, time.time())
        own_list = self._dice.random() < OWN_LIST
        body = {
            "model": CHAIN[0],
            "messages": [{"role": "user", "content": WORDS * self._dice.randint(1, 12) + nonce}],
            "session_id": nonce,
            "stream": asked.streamed,
            **({"models": CHAIN[1:]} if own_list else {}),
        }
        self.asked.append(asked)
        try:
            await asyncio.wait_for(self._exchange(asked, key, json.dumps(body).encode()), ANSWER_SECONDS)
        except ConnectionRefusedError:
            asked.trouble = "refused"
        except (OSError, Cut):
            asked.trouble = "cut"
        except asyncio.TimeoutError:
            asked.trouble = "timeout"
        except (ValueError, KeyError, IndexError):
            asked.trouble = "garbled"
        finally:
            asked.ended_at = time.time()

    async def _exchange(self, asked: Asked, key: Key, body: bytes) -> None:
        headers = {"authorization": f"Bearer {key.text}", "content-type": "application/json"}
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=LONGEST_LINE)
        try:
            writer.write(request("POST", "/v1/chat/completions", headers, body))
            head = await read_head(reader)
            asked.status = int(head.first.split(" ")[1])
            asked.request_id = _digits(head.headers.get("x-request-id", ""))
            asked.model = head.headers.get("x-failsoft-model", "")
            if asked.status == 200 and asked.streamed:
                await _read_stream(asked, reader, head)
            else:
                _read_whole(asked, b"".join([piece async for piece in read_body(reader, head)]))
        finally:
            writer.transport.abort()


def _digits(text: str) -> str:
    try:
        return uuid.UUID(text).hex
    except ValueError:
        return ""


def _read_whole(asked: Asked, body: bytes) -> None:
    answer = json.loads(body)
    asked.whole = True
    if asked.status != 200:
        error = answer["error"]
        asked.code = str(error.get("code") or error.get("type") or "unknown")
        return
    asked.begun_at = time.time()
    _check(asked, answer["model"], answer["choices"][0]["message"]["content"])


async def _read_stream(asked: Asked, reader: asyncio.StreamReader, head: Head) -> None:
    rest = b""
    async for piece in read_body(reader, head):
        *frames, rest = (rest + piece).split(b"\n\n")
        for frame in frames:
            data = frame.removeprefix(b"data: ")
            if data == b"[DONE]":
                asked.whole = True
            elif frame.startswith(b"data: "):
                _read_frame(asked, json.loads(data))
    if not asked.whole and not asked.code:
        raise Cut


def _read_frame(asked: Asked, chunk: dict) -> None:
    if error := chunk.get("error"):
        detail = error.get("code")
        unrecorded = "recording_unavailable" in json.dumps(error) or "could not be recorded" in error.get("message", "")
        asked.code = "recording_unavailable" if unrecorded else str(detail or "broken")
        return
    content = chunk["choices"][0]["delta"].get("content") if chunk["choices"] else None
    if content and not asked.begun:
        asked.begun_at = time.time()
        _check(asked, chunk["model"], content)


def _check(asked: Asked, model: str, content: str) -> None:
    """An answer to another request, or one whose head names another model, counts as no answer."""
    if asked.nonce not in content or model != asked.model:
        asked.trouble = "mixed up"
