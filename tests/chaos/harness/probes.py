"""Repeatedly sends requests with bad keys, and requests console pages."""
from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field

from harness.installation import CHAIN, Installation
from harness.wire import ask

BETWEEN_SECONDS = 0.5
ANSWER_SECONDS = 20.0
# How long a page may take to notice that the database is down.
NOTICE_SECONDS = 4.0
TROUBLE = "database"
SPOOLED = re.compile(r"^failsoft_recorder_spooled(?:\{[^}]*\})? (\d+)", re.M)


@dataclass
class Probe:
    """One probe request and its response."""

    asked_at: float
    ended_at: float
    status: int
    reported: bool  # whether the answer reports the outage


@dataclass
class Probes:
    """The probes of one server during an outage."""

    installation: Installation
    metrics_port: int
    never_issued: list[Probe] = field(default_factory=list)
    revoked: list[Probe] = field(default_factory=list)
    pages: list[Probe] = field(default_factory=list)
    ready: list[Probe] = field(default_factory=list)
    spooled: int = 0  # peak number of waiting records
    memory_mb: float = 0.0  # peak

    going: bool = False

    def start(self) -> None:
        """Starts probing until stopped."""
        self.going = True
        self._tasks = [
            asyncio.create_task(self._again(probe)) for probe in (self._keys, self._page, self._readiness, self._size)
        ]

    def stop(self) -> None:
        """Stops probing. A cancellation alone can be lost if it coincides with the end of a wait."""
        self.going = False
        for task in self._tasks:
            task.cancel()

    async def _again(self, probe) -> None:
        while self.going:
            await probe()
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _keys(self) -> None:
        body = json.dumps({"model": CHAIN[0], "messages": [{"role": "user", "content": "let me in"}]}).encode()
        bad = ((self.installation.never_issued, self.never_issued), (self.installation.revoked, self.revoked))
        for key, probes in bad:
            headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
            probes.append(await self._ask("POST", "/v1/chat/completions", headers, body))

    async def _page(self) -> None:
        self.pages.append(await self._ask("GET", "/login", {"accept": "text/html"}))

    async def _readiness(self) -> None:
        self.ready.append(await self._ask("GET", "/readyz", {}))

    async def _size(self) -> None:
        self.memory_mb = max(self.memory_mb, self.installation.server.memory_mb())
        _, text = await ask(self.metrics_port, "GET", "/metrics", {}, ANSWER_SECONDS)
        found = SPOOLED.search(text)
        self.spooled = max(self.spooled, int(found[1]) if found else 0)

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Probe:
        asked_at = time.time()
        status, text = await ask(self.installation.server.port, method, path, headers, ANSWER_SECONDS, body)
        return Probe(asked_at, time.time(), status, TROUBLE in text.lower())


def during(probes: list[Probe], gone_at: float, back_at: float) -> list[Probe]:
    """The probes that were sent after everyone should have noticed the outage, and answered before it ended."""
    return [probe for probe in probes if gone_at + NOTICE_SECONDS <= probe.asked_at and probe.ended_at <= back_at]
