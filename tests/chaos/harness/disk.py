"""Scenario `disk`: there is no space left for records.

On SQLite no file of the server may grow beyond a limit. On PostgreSQL the database is stopped and the spool is small.
The process is then killed, so that only the spool holds what it has answered.

"""
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.databases import Database, Postgres, Sqlite
from harness.installation import Installation
from harness.join import Verdict, join
from harness.ledger import Ledgers
from harness.load import Load
from harness.options import Options
from harness.place import Place
from harness.processes import Program

ORGANIZATIONS = 1
KEYS = 2
RATE = 100.0
BREAKS = 0.0
SPARE_KIB = 6_144  # how much the files may still grow
SPOOL_BYTES = 1_048_576
FULL_PATIENCE_SECONDS = 60.0
WITHHELD_ENOUGH = 40
FULL_SECONDS = 1.0  # how long the disk then stays full
AFTER_SECONDS = 2.0
RECORDED_PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1

Progress = Callable[[str], None]


@dataclass
class DiskRun:
    """One full disk."""

    title: str
    verdict: Verdict = field(default_factory=Verdict)
    answered_before: int = 0  # until the first answer was withheld
    answered_after: int = 0  # after space was freed
    withheld_after: int = 0
    recorded_seconds: float = 0.0  # from the restart until every answer was in the database

    def complaints(self) -> list[str]:
        """The violated goals, other than the ledgers'."""
        found = [
            (self.answered_before == 0, "nothing was answered before the space was used up"),
            (self.verdict.figures["withheld"] == 0, "nothing was withheld: the space was never used up"),
            (self.answered_after == 0, "nothing was answered after space was freed"),
        ]
        return [words for holds_not, words in found if holds_not]

    @property
    def good(self) -> bool:
        return self.verdict.good and not self.complaints()


async def run(place: Place, name: str, options: Options, progress: Progress) -> DiskRun:
    """Fills the disk once, frees space, and joins the ledgers."""
    database = place.database(name)
    provider = await place.provider(options.seed, BREAKS)
    settings = {"FAILSOFT_SPOOL_BYTES": str(SPOOL_BYTES)}
    installation = Installation(database, provider.port, place.folder, settings)
    place.keep(installation.server)
    await installation.furnish(ORGANIZATIONS, KEYS)
    made = DiskRun(database.title)
    full = await _start_with_little_space(place, installation, database)
    load = Load(full.port, installation.keys, RATE, options.seed)
    load.start()
    if isinstance(database, Postgres):
        await asyncio.sleep(AFTER_SECONDS)
        await database.in_background(place.cluster().stop)
    await _until_full(load, made)
    progress(f"{database.title}: full after {made.answered_before:,} answers")
    await asyncio.sleep(FULL_SECONDS)
    await load.stop()
    deaths = [await full.kill()]
    if isinstance(database, Postgres):
        await database.in_background(place.cluster().start)
    later = await _with_space_again(place, installation, database, load, options, made)
    asked = load.asked + later.asked
    made.verdict = join(Ledgers(asked, await place.calls(provider), database.records(), deaths))
    return made


async def _start_with_little_space(place: Place, installation: Installation, database: Database) -> Program:
    """On SQLite, restarts the server with a limit slightly above the current file size."""
    if not isinstance(database, Sqlite):
        return installation.server
    await installation.server.stop()
    full = place.keep(installation.program(file_blocks=database.size() // 1024 + SPARE_KIB))
    full.start()
    await full.ready()
    return full


async def _until_full(load: Load, made: DiskRun) -> None:
    began = time.time()
    while time.time() - began < FULL_PATIENCE_SECONDS:
        withheld = sum(asked.withheld for asked in load.asked)
        if not withheld:
            made.answered_before = load.answered
        if withheld >= WITHHELD_ENOUGH:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _with_space_again(
    place: Place, installation: Installation, database: Database, before: Load, options: Options, made: DiskRun
) -> Load:
    """Starts a process without the limit, with a little load to check that it answers again."""
    spacious = place.keep(installation.program())
    spacious.start()
    await spacious.ready()
    load = Load(spacious.port, installation.keys, RATE, options.seed + 1)
    load.start()
    await asyncio.sleep(AFTER_SECONDS)
    await load.stop()
    made.answered_after = load.answered
    made.withheld_after = sum(asked.withheld for asked in load.asked)
    while time.time() - spacious.started_at < RECORDED_PATIENCE_SECONDS:
        recorded, _ = await database.in_background(database.counts)
        if recorded >= load.answered + before.answered and database.oldest_running() is None:
            break
        await asyncio.sleep(LOOK_SECONDS)
    made.recorded_seconds = time.time() - spacious.started_at
    await spacious.stop()
    return load
