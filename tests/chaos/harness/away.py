"""Scenario `away`: PostgreSQL is stopped, frozen or cut off under load, and comes back."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.cluster import Cluster
from harness.databases import Postgres
from harness.installation import Installation
from harness.join import Verdict, join
from harness.ledger import Ledgers
from harness.load import Load
from harness.options import Options
from harness.place import Place
from harness.probes import Probe, Probes, during
from harness.processes import free_port
from harness.proxy import Proxy

ORGANIZATIONS = 2
KEYS = 2
BEFORE_SECONDS = 2.0
AFTER_SECONDS = 2.0
RECORDED_GOAL_SECONDS = 60.0
LOOK_SECONDS = 0.25
PROGRESS_SECONDS = 60.0
MEMORY_GOAL_MB = 512.0

Progress = Callable[[str], None]


@dataclass
class AwayRun:
    """One outage."""

    absence: str
    seconds: float
    verdict: Verdict = field(default_factory=Verdict)
    meanwhile: int = 0  # requests sent during the outage
    recorded_seconds: float = 0.0  # from the end of the outage until every answer was in the database
    never_issued: list[Probe] = field(default_factory=list)
    revoked: list[Probe] = field(default_factory=list)
    pages: list[Probe] = field(default_factory=list)  # probes of pages that had to report the outage
    ready: list[Probe] = field(default_factory=list)
    spooled: int = 0
    memory_before_mb: float = 0.0
    memory_mb: float = 0.0
    exit_code: int | None = None

    def complaints(self) -> list[str]:
        """The violated goals, other than the ledgers'."""
        figures = self.verdict.figures
        refused = [probe for probe in self.never_issued + self.revoked if probe.status != 401]
        mute = [probe for probe in self.pages if probe.status != 503 or not probe.reported]
        found = [
            (figures["withheld"] > 0, f"{figures['withheld']} answers were withheld"),
            (bool(refused), f"{len(refused)} bad keys were answered {sorted({p.status for p in refused})}"),
            (not self.pages, "no page answered during the outage"),
            (bool(mute), f"{len(mute)} pages did not report the outage, with status {sorted({p.status for p in mute})}"),
            (self.recorded_seconds > RECORDED_GOAL_SECONDS, "the records were not in the database in time"),
            (self.memory_mb > MEMORY_GOAL_MB, f"it used {self.memory_mb:.0f} MB of memory"),
            (self.exit_code != 0, f"it ended with {self.exit_code} after a request to stop"),
        ]
        return [words for holds_not, words in found if holds_not]

    @property
    def good(self) -> bool:
        return self.verdict.good and not self.complaints()


async def run(place: Place, absence: str, options: Options, progress: Progress) -> AwayRun:
    """Takes the database away once, and joins the ledgers."""
    cluster = place.cluster()
    proxy = Proxy(free_port(), cluster.port)
    await proxy.start()
    database = Postgres(cluster, proxy.port if absence == "cut" else None)
    provider = await place.provider(options.seed, breaks=0.0)
    metrics_port = free_port()
    settings = {"FAILSOFT_METRICS_LISTEN": f"127.0.0.1:{metrics_port}"}
    installation = Installation(database, provider.port, place.folder, settings)
    server = place.keep(installation.server)
    await installation.furnish(ORGANIZATIONS, KEYS)
    load = Load(server.port, installation.keys, options.away_rate, options.seed)
    probes = Probes(installation, metrics_port)
    made = AwayRun(absence, options.seconds)
    probes.start()
    try:
        load.start()
        await asyncio.sleep(BEFORE_SECONDS)
        made.memory_before_mb = probes.memory_mb
        gone_at, returns_at = await _absence(cluster, proxy, load, made, progress)
        back_at = time.time()
        await asyncio.sleep(AFTER_SECONDS)
        await load.stop()
        await _recorded(database, load.answered, back_at)
        made.recorded_seconds = time.time() - back_at
    finally:
        probes.stop()
    made.exit_code = await server.stop()
    made.meanwhile = sum(gone_at <= asked.sent_at <= returns_at for asked in load.asked)
    made.never_issued, made.revoked = probes.never_issued, probes.revoked
    made.pages, made.ready = (during(some, gone_at, returns_at) for some in (probes.pages, probes.ready))
    made.spooled, made.memory_mb = probes.spooled, probes.memory_mb
    made.verdict = join(Ledgers(load.asked, await place.calls(provider), database.records()))
    await proxy.stop()
    return made


async def _absence(cluster: Cluster, proxy: Proxy, load: Load, made: AwayRun, progress: Progress) -> tuple[float, float]:
    """Returns when the outage began and ended. PostgreSQL may take a moment longer to come back."""
    gone_at = time.time()
    await _switch(cluster, proxy, made.absence, gone=True)
    while (left := gone_at + made.seconds - time.time()) > 0:
        await asyncio.sleep(min(left, PROGRESS_SECONDS))
        progress(f"PostgreSQL {made.absence}: {time.time() - gone_at:.0f} s, {load.answered:,} answered")
    returns_at = time.time()
    await _switch(cluster, proxy, made.absence, gone=False)
    return gone_at, returns_at


async def _switch(cluster: Cluster, proxy: Proxy, absence: str, gone: bool) -> None:
    if absence == "cut":
        proxy.cut() if gone else proxy.mend()
        return
    ways = {"stopped": (cluster.start, cluster.stop), "frozen": (cluster.thaw, cluster.freeze)}
    await asyncio.get_running_loop().run_in_executor(None, ways[absence][gone])


async def _recorded(database: Postgres, answered: int, back_at: float) -> None:
    """Waits until this many answers are recorded and no row is `running`; gives up soon after the goal."""
    while time.time() - back_at < RECORDED_GOAL_SECONDS + LOOK_SECONDS:
        recorded, _ = await database.in_background(database.counts)
        if recorded >= answered and await database.in_background(database.oldest_running) is None:
            return
        await asyncio.sleep(LOOK_SECONDS)
