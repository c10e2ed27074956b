"""Failsoft as shipped, with key check, catalog and chain; recording off, or durable in one of the two databases."""
from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from harness.machine import Unavailable
from harness.process import PinnedProcess, inherited_environment
from harness.targets.base import Target
from harness.workloads import ASKED, STEADY_MODEL, UNREACHABLE_MODEL, Workload

COMMAND_SECONDS = 60
COUNTS = "SELECT (SELECT count(*) FROM requests WHERE outcome = 'answered'), (SELECT count(*) FROM fallback_events)"
POSTGRES_VARIABLE = "FAILSOFT_TEST_POSTGRES_URL"


class FailsoftSqlite(Target):
    """An organization with a provider, a model for each behavior, and a stored fallback for each that fails."""

    name = "failsoft-sqlite"
    title = "Failsoft, durable recording on SQLite"
    recording = "durable"

    def prepare(self) -> None:
        self._master_key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._api_key = ""
        self._database = self._empty_database("first")
        self.first_start_seconds = self._first_start()
        self._database = self._empty_database("bench")
        self._api_key = self._create_organization()
        self.process = self._serve()
        self.wait_for("GET", "/readyz", None, time.monotonic())
        try:
            self._fill_catalogue()
        finally:
            self.stop()

    def command(self) -> list[str]:
        return [str(self.place.failsoft), "serve", "--listen", f"127.0.0.1:{self.port}"]

    def environment(self) -> dict[str, str]:
        """One thread for requests, as for every gateway here; a failing model stays in the chain."""
        return {
            "DATABASE_URL": self._database,
            "FAILSOFT_DRAIN_NOTICE_SECONDS": "0",
            "FAILSOFT_MASTER_KEY": self._master_key,
            "FAILSOFT_ALLOW_PRIVATE_UPSTREAMS": "127.0.0.1/32",
            # Keeps a failing model out of cooldown, so that it is called and fails every time.
            "FAILSOFT_COOLDOWN": "false",
            # All requests belong to one organization, so its share is the whole.
            "FAILSOFT_ORGANIZATION_REQUESTS": "10000",
            "FAILSOFT_RECORDING": self.recording,
            "FAILSOFT_SPOOL": str(self.work / "spool.db"),
            "FAILSOFT_WORKERS": "1",
            "FAILSOFT_DRAIN_SECONDS": "5",
            "TOKIO_WORKER_THREADS": "1",
        }

    def headers(self) -> list[str]:
        return [f"authorization: Bearer {self._api_key}"] if self._api_key else []

    def marks(self, workload: Workload) -> list[str]:
        """The answer must name the model that gave it."""
        return [f'"model":"{workload.answered_by or workload.model}"']

    def unrecorded(self, answers: int, failovers: int) -> int | None:
        recorded, events = self._count_records()
        return abs(answers - recorded) + abs(failovers - events)

    def _empty_database(self, name: str) -> str:
        return f"sqlite://{self._file(name)}?mode=rwc"

    def _count_records(self) -> tuple[int, int]:
        connection = sqlite3.connect(self._file("bench"))
        try:
            return connection.execute(COUNTS).fetchone()
        finally:
            connection.close()

    def _file(self, name: str) -> Path:
        return self.work / f"{name}.db"

    def _first_start(self) -> float:
        """The seconds from the start on an empty database, which creates every table, until it is ready."""
        began = time.monotonic()
        self.process = self._serve()
        seconds = self.wait_for("GET", "/readyz", None, began)
        self.stop()
        return seconds

    def _serve(self) -> PinnedProcess:
        return PinnedProcess(self.command(), self.place.core, self.work / "log", self.environment())

    def _create_organization(self) -> str:
        """Creates the organization on the command line; returns its key."""
        command = [str(self.place.failsoft), "org", "create", "--name", "bench", "--email", "bench@example.com"]
        command += ["--password-stdin", "--json"]
        done = subprocess.run(
            command,
            input=secrets.token_urlsafe(24) + "\n",
            env={**inherited_environment(), **self.environment()},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"`failsoft org create` failed: {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)["api_key"]

    def _fill_catalogue(self) -> None:
        bench = self._provider("bench", self.place.provider_port)
        # Bound for the lifetime of this target, but not listening: a call is refused at once.
        self._unreachable = socket.socket()
        self._unreachable.bind(("127.0.0.1", 0))
        unreachable = self._provider("unreachable", self._unreachable.getsockname()[1])
        limits = {workload.model: workload.time_limit_ms for workload in ASKED.values()}
        for model, limit in sorted(limits.items()):
            # No retries of the same model, so a failover is two calls, as in the other targets.
            fields = {"name": model, "upstream_model": model, "num_retries": 0}
            fields["provider_id"] = unreachable if model == UNREACHABLE_MODEL else bench
            if limit:
                fields.update(first_frame_timeout_ms=limit, answer_timeout_ms=limit)
            self._post("/v1/model-router/models", fields)
        for model in sorted({workload.model for workload in ASKED.values() if workload.answered_by}):
            self._post("/fallback", {"model": model, "fallback_models": [STEADY_MODEL]})

    def _provider(self, name: str, port: int) -> str:
        """Creates a provider at that port; returns its id."""
        fields = {"name": name, "preset": "custom", "credential": "sk-bench-provider"}
        return self._post("/v1/model-router/providers", {**fields, "base_url": f"http://127.0.0.1:{port}/v1"})["id"]

    def _post(self, path: str, fields: dict) -> dict:
        headers = {"authorization": f"Bearer {self._api_key}", "content-type": "application/json"}
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, json.dumps(fields).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=COMMAND_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")[:300]
            raise Unavailable(f"POST {path} was answered {error.code}: {reason}") from None


class FailsoftUnrecorded(FailsoftSqlite):
    """Failsoft without recording: the difference is the cost of recording."""

    name = "failsoft-unrecorded"
    title = "Failsoft, recording off"
    recording = "off"

    def unrecorded(self, answers: int, failovers: int) -> int | None:
        return None


class FailsoftPostgres(FailsoftSqlite):
    """Runs on the server at FAILSOFT_TEST_POSTGRES_URL, in a new database."""

    name = "failsoft-postgres"
    title = "Failsoft, durable recording on PostgreSQL"
    # The goals only cover its start. The plain request and the failover show what recording costs there.
    skipped = ("prompt", "stream", "paced", "faults", "idle")

    def prepare(self) -> None:
        self._server = os.environ.get(POSTGRES_VARIABLE, "")
        if not self._server:
            raise Unavailable(f"no PostgreSQL here; .ci/setup installs one, {POSTGRES_VARIABLE} names one")
        if not shutil.which("psql"):
            raise Unavailable("psql is needed to make a database and to count the records")
        self._databases: list[str] = []
        super().prepare()

    def clean_up(self) -> None:
        for database in getattr(self, "_databases", []):
            self._psql(self._server, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def _empty_database(self, name: str) -> str:
        database = f"failsoft_{name}_{secrets.token_hex(6)}"
        self._psql(self._server, f"CREATE DATABASE {database}")
        self._databases.append(database)
        return urllib.parse.urlsplit(self._server)._replace(path=f"/{database}").geturl()

    def _count_records(self) -> tuple[int, int]:
        answers, events = self._psql(self._database, COUNTS).split("|")
        return int(answers), int(events)

    def _psql(self, url: str, statement: str) -> str:
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        if done.returncode:
            raise Unavailable(f"PostgreSQL refused: {done.stderr.strip()[:300]}")
        return done.stdout.strip()
