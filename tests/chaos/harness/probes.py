"""Keys that must be refused and pages that must tell, asked again and again. Imports `wire`, `installation`."""
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
# For so long a page may not know yet that the database is gone.
NOTICE_SECONDS = 4.0
TROUBLE = "database"
SPOOLED = re.compile(r"^failsoft_recorder_spooled(?:\{[^}]*\})? (\d+)", re.M)


@dataclass
class Probe:
    """One question and its answer."""

    asked_at: float
    ended_at: float
    status: int
    told: bool  # the answer names the trouble


@dataclass
class Probes:
    """What was asked of one server meanwhile."""

    installation: Installation
    metrics_port: int
    never_issued: list[Probe] = field(default_factory=list)
    revoked: list[Probe] = field(default_factory=list)
    pages: list[Probe] = field(default_factory=list)
    ready: list[Probe] = field(default_factory=list)
    spooled: int = 0  # the most records that waited
    memory_mb: float = 0.0  # the most

    going: bool = False

    def start(self) -> None:
        """Begins, and goes on until it is told to stop."""
        self.going = True
        self._tasks = [
            asyncio.create_task(self._again(probe)) for probe in (self._keys, self._page, self._readiness, self._size)
        ]

    def stop(self) -> None:
        """Asks nothing more. A cancellation alone can be lost in a wait that ends in the same moment."""
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
    """Those that were asked while it was away for everybody to know, and answered before it was back."""
    return [probe for probe in probes if gone_at + NOTICE_SECONDS <= probe.asked_at and probe.ended_at <= back_at]
