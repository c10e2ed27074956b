"""The resources of a run: its folder, its provider, its databases."""
from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from harness.cluster import Cluster
from harness.databases import Database, Postgres, Sqlite
from harness.ledger import Call
from harness.processes import Program, Unavailable, free_port
from harness.wire import ask

LEDGER_SECONDS = 60.0
CHAOS = Path(__file__).resolve().parents[1]


class Place:
    """Everything created here is removed at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="failsoft-chaos."))
        self._programs: list[Program] = []
        self._cluster: Cluster | None = None

    def keep(self, program: Program) -> Program:
        """Registers something to stop at the end."""
        self._programs.append(program)
        return program

    async def provider(self, seed: int, breaks: float = 0.03) -> Program:
        """Starts a provider with an empty ledger."""
        port = free_port()
        command = [sys.executable, "-B", "-m", "harness.provider", "--port", str(port), "--seed", str(seed)]
        log = self.folder / "provider.log"
        provider = self.keep(Program([*command, "--breaks", str(breaks)], port, log, {}, CHAOS))
        provider.start()
        await provider.ready()
        return provider

    async def calls(self, provider: Program) -> list[Call]:
        """Reads the provider's ledger and stops the provider."""
        status, text = await ask(provider.port, "GET", "/ledger", {}, LEDGER_SECONDS)
        if status != 200:
            raise Unavailable(f"the provider's ledger cannot be read: {status} {text} {provider.last_words()}")
        await provider.stop()
        return [Call(*fields) for fields in json.loads(text)]

    def cluster(self) -> Cluster:
        """The PostgreSQL server of this run."""
        if self._cluster is None:
            self._cluster = Cluster(self.folder)
        return self._cluster

    def database(self, name: str) -> Database:
        """An empty database."""
        return Sqlite(self.folder) if name == "sqlite" else Postgres(self.cluster())

    async def leave(self) -> None:
        """Stops all processes and removes the folder."""
        for program in self._programs:
            await program.kill()
        if self._cluster:
            self._cluster.remove()
        shutil.rmtree(self.folder, ignore_errors=True)
