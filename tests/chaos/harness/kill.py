"""Scenario `kill`: SIGKILL at random moments under load."""
from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.databases import Database
from harness.installation import Installation
from harness.join import Verdict, join
from harness.ledger import Death, Ledgers
from harness.load import Load
from harness.options import Options
from harness.place import Place
from harness.processes import Unavailable

ORGANIZATIONS = 3
KEYS = 2
WARM_UP_SECONDS = 1.0
AFTER_THE_LAST_SECONDS = 2.0
REPLAY_GOAL_SECONDS = 5.0
REPLAY_PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.2
SHORTEST_LIFE_SECONDS = 0.02
# One in this many kills hits a process that is still starting.
IN_THE_START = 10
LONGEST_START_SECONDS = 0.4

Progress = Callable[[str], None]


@dataclass
class KillRun:
    """A run against one database."""

    title: str
    verdict: Verdict
    restarts: list[float] = field(default_factory=list)  # seconds until the port was open
    opened: list[float] = field(default_factory=list)  # when the port was open
    last_replay: float = 0.0  # seconds from the last start until no row of a killed process was running
    worst_replay: float = 0.0  # the longest that a killed process's row stayed running
    memory_mb: float = 0.0
    exit_code: int | None = None

    @property
    def good(self) -> bool:
        """Whether there are no findings, rows were closed in time and the last process exited cleanly."""
        return self.verdict.good and self.last_replay <= REPLAY_GOAL_SECONDS and self.exit_code == 0


class _Watch:
    """Polls the database to measure how long rows of killed processes stay `running`."""

    def __init__(self, database: Database):
        self._database = database
        self._starts: list[float] = []
        self._task = asyncio.create_task(self._look())
        self.worst = 0.0

    def started(self, moment: float) -> None:
        """Records that a process was started after a kill."""
        self._starts.append(moment)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            oldest = await self._database.in_background(self._database.oldest_running)
            successor = next((start for start in self._starts if oldest is not None and start > oldest), None)
            if successor is not None:
                self.worst = max(self.worst, time.time() - successor)
            await asyncio.sleep(LOOK_SECONDS)


async def run(place: Place, name: str, options: Options, progress: Progress) -> KillRun:
    """Kills the server again and again, and joins the ledgers."""
    database = place.database(name)
    provider = await place.provider(options.seed)
    installation = Installation(database, provider.port, place.folder)
    server = place.keep(installation.server)
    await installation.furnish(ORGANIZATIONS, KEYS)
    load = Load(server.port, installation.keys, options.rate, options.seed)
    watch = _Watch(database)
    made = KillRun(database.title, Verdict())
    load.start()
    await asyncio.sleep(WARM_UP_SECONDS)
    deaths = await _kill_often(installation, watch, made, options, progress)
    made.last_replay = await _replayed(database, server.started_at)
    await asyncio.sleep(AFTER_THE_LAST_SECONDS)
    await load.stop()
    await watch.stop()
    made.worst_replay = max(watch.worst, made.last_replay)
    made.memory_mb = server.peak_memory_mb()
    made.exit_code = await server.stop()
    ledgers = Ledgers(load.asked, await place.calls(provider), database.records(), deaths, made.opened)
    made.verdict = join(ledgers)
    return made


async def _kill_often(
    installation: Installation, watch: _Watch, made: KillRun, options: Options, progress: Progress
) -> list[Death]:
    server = installation.server
    dice = random.Random(f"{options.seed}/kill")
    deaths = []
    for number in range(1, options.kills + 1):
        early = dice.randrange(IN_THE_START) == 0
        if early and deaths:
            await asyncio.sleep(dice.uniform(0.0, LONGEST_START_SECONDS))
        else:
            if deaths:
                await _opened(installation, made)
            await asyncio.sleep(dice.uniform(SHORTEST_LIFE_SECONDS, 2 * options.between_kills))
        if not server.is_running():
            raise Unavailable(f"the server exited by itself: {server.last_words()}")
        deaths.append(await server.kill())
        server.start()
        watch.started(server.started_at)
        if number % 20 == 0:
            progress(f"{made.title}: {number} of {options.kills} kills")
    await _opened(installation, made)
    return deaths


async def _opened(installation: Installation, made: KillRun) -> None:
    made.restarts.append(await installation.server.ready())
    made.opened.append(time.time())


async def _replayed(database: Database, started_at: float) -> float:
    """Waits until no row from before this start is `running`; returns the seconds since the start."""
    while time.time() - started_at < REPLAY_PATIENCE_SECONDS:
        oldest = await database.in_background(database.oldest_running)
        if oldest is None or oldest > started_at:
            break
        await asyncio.sleep(LOOK_SECONDS / 2)
    return time.time() - started_at
