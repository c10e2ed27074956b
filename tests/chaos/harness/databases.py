"""Creates, reads and watches SQLite and PostgreSQL databases."""
from __future__ import annotations

import asyncio
import csv
import io
import secrets
import sqlite3
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from harness.cluster import Cluster
from harness.ledger import DayKey, Event, Records, Row, Sums
from harness.processes import Unavailable

QUERY_SECONDS = 120

# `{...}` are expressions that differ by database. Null strings are read as ''.
ROWS = """
SELECT {id}, {organization_id}, coalesce({api_key_id}, '{nil}'), coalesce(session_ref, ''), requested_model,
  coalesce(served_model, ''), outcome, coalesce(error_class, ''), {streamed}, input_tokens, output_tokens, cached_tokens,
  reasoning_tokens, cost_nano_dollars, {estimated}, {has_first_frame}, {bucket}, origin FROM requests"""
EVENTS = """
SELECT {organization_id}, {request_id}, coalesce(session_ref, ''), hop, failed_model, coalesce(next_model, ''),
  error_class, {bucket}, origin FROM fallback_events"""
REQUEST_ROLLUPS = """
SELECT {organization_id}, width, bucket_at, requested_model, served_model, outcome, {by_fallback}, {api_key_id}, origin,
  sum(requests), sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cost_nano_dollars)
FROM request_rollups GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"""
EVENT_ROLLUPS = """
SELECT {organization_id}, width, bucket_at, failed_model, next_model, error_class, origin, sum(events)
FROM fallback_rollups GROUP BY 1, 2, 3, 4, 5, 6, 7"""
LATENCY_ROLLUPS = """
SELECT {organization_id}, width, bucket_at, origin, measure, sum(requests) FROM latency_rollups GROUP BY 1, 2, 3, 4, 5"""
DAY_ROLLUPS = """
SELECT {organization_id}, day, served_model, {api_key_id}, origin, sum(requests), sum(answered), sum(by_fallback),
  sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cost_nano_dollars), sum(estimated)
FROM %s GROUP BY 1, 2, 3, 4, 5"""
# The creation time of the oldest running request by the database's clock, in Unix seconds. By organization, because
# there is an index for that.
OLDEST_RUNNING = """
SELECT {oldest} FROM requests WHERE organization_id IN (SELECT id FROM organizations) AND outcome = 'running'"""
COUNTS = "SELECT (SELECT count(*) FROM requests WHERE outcome = 'answered'), (SELECT count(*) FROM fallback_events)"
NIL = "0" * 32


class Database(ABC):
    """The database of one run, empty at first."""

    title = ""
    name = ""
    url = ""

    @abstractmethod
    def query(self, statement: str) -> list[tuple]:
        """The rows of a query; numbers may be strings. Raises Unavailable."""

    @abstractmethod
    def words(self) -> dict[str, str]:
        """The expressions that differ by database."""

    def records(self) -> Records:
        """Everything that was recorded."""
        words = self.words()
        number = lambda value: None if value in (None, "") else int(value)  # noqa: E731
        rows = [
            Row(*r[:8], bool(int(r[8])), *map(number, r[9:14]), bool(int(r[14])), bool(int(r[15])), int(r[16]), r[17])
            for r in self.query(ROWS.format(nil=NIL, **words))
        ]
        events = [
            Event(*e[:3], int(e[3]), *e[4:7], int(e[7]), e[8]) for e in self.query(EVENTS.format(**words))
        ]
        requests = {
            (r[0], (int(r[1]), int(r[2])), *r[3:6], int(r[6]), *r[7:9]): tuple(map(int, r[9:]))
            for r in self.query(REQUEST_ROLLUPS.format(**words))
        }
        counts = {(e[0], (int(e[1]), int(e[2])), *e[3:7]): int(e[7]) for e in self.query(EVENT_ROLLUPS.format(**words))}
        times = {(t[0], (int(t[1]), int(t[2])), *t[3:5]): int(t[5]) for t in self.query(LATENCY_ROLLUPS.format(**words))}
        days, sessions = (self._days(words, table) for table in ("usage_rollups", "session_rollups"))
        return Records(rows, events, requests, counts, times, days, sessions)

    def _days(self, words: dict[str, str], table: str) -> dict[DayKey, Sums]:
        days = self.query(DAY_ROLLUPS.format(**words) % table)
        return {(d[0], int(d[1]), *d[2:5]): tuple(map(int, d[5:])) for d in days}

    def oldest_running(self) -> float | None:
        """When the oldest running request was created; None if none is running."""
        oldest = self.query(OLDEST_RUNNING.format(**self.words()))[0][0]
        return None if oldest in (None, "-") else float(oldest)

    def counts(self) -> tuple[int, int]:
        """The number of answered requests, and of events."""
        requests, events = self.query(COUNTS)[0]
        return int(requests), int(events)

    async def in_background(self, read):
        """Runs a query in a thread, so that the load continues."""
        return await asyncio.get_running_loop().run_in_executor(None, read)


class Sqlite(Database):
    """A SQLite file."""

    title = "SQLite"
    name = "sqlite"

    def __init__(self, folder: Path):
        self._file = folder / f"{secrets.token_hex(4)}.db"
        self.url = f"sqlite://{self._file}?mode=rwc"

    def size(self) -> int:
        """The size of its largest file, in bytes."""
        return max((file.stat().st_size for file in self._file.parent.glob(f"{self._file.name}*")), default=0)

    def query(self, statement: str) -> list[tuple]:
        connection = sqlite3.connect(self._file, timeout=QUERY_SECONDS)
        try:
            return connection.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"SQLite: {error}") from error
        finally:
            connection.close()

    def words(self) -> dict[str, str]:
        ids = {name: f"lower(hex({name}))" for name in ("id", "organization_id", "request_id")}
        return ids | {
            "api_key_id": "nullif(lower(hex(api_key_id)), '')",
            "streamed": "streamed",
            "estimated": "estimated",
            "by_fallback": "by_fallback",
            "has_first_frame": "first_frame_ms IS NOT NULL",
            "bucket": "CAST(strftime('%s', created_at) AS INTEGER) / 300 * 300",
            "oldest": "(julianday(min(created_at)) - 2440587.5) * 86400.0",
        }


class Postgres(Database):
    """A database of a cluster."""

    title = "PostgreSQL"
    name = "postgres"

    def __init__(self, cluster: Cluster, port: int | None = None):
        """`port` is the port that the program connects to, if it is not the cluster's own."""
        database = f"chaos_{secrets.token_hex(4)}"
        self._direct = cluster.url("postgres")
        self.query(f"CREATE DATABASE {database}")
        self._direct = cluster.url(database)
        self.url = cluster.url(database, port)

    def query(self, statement: str) -> list[tuple]:
        command = ["psql", "-X", "-q", "-t", "--csv", "-v", "ON_ERROR_STOP=1", "-d", self._direct, "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=QUERY_SECONDS, check=False)
        if done.returncode:
            raise Unavailable(f"PostgreSQL: {done.stderr.strip()[:300]}")
        return [tuple(row) for row in csv.reader(io.StringIO(done.stdout))]

    def words(self) -> dict[str, str]:
        ids = {name: f"replace({name}::text, '-', '')" for name in ("id", "organization_id", "request_id", "api_key_id")}
        flags = {name: f"{name}::int" for name in ("streamed", "estimated", "by_fallback")}
        return ids | flags | {
            "has_first_frame": "(first_frame_ms IS NOT NULL)::int",
            "bucket": "floor(extract(epoch FROM created_at) / 300)::bigint * 300",
            "oldest": "coalesce(extract(epoch FROM min(created_at))::text, '-')",
        }
