"""Starts, observes and kills programs."""
from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from harness.ledger import Death

START_SECONDS = 60
GRACE_SECONDS = 60  # between the stop request and the kill
BETWEEN_LOOKS_SECONDS = 0.002


class Unavailable(Exception):
    """Something cannot be done here; the message says why and what would help."""


def inherited_environment() -> dict[str, str]:
    """The environment without the developer's own Failsoft settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("FAILSOFT_", "DATABASE_URL"))}


def free_port() -> int:
    """A loopback port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A command that listens on a port, and can be restarted."""

    def __init__(self, command: list[str], port: int, log: Path, environment: dict[str, str], folder: Path):
        self.port = port
        self.log = log
        self.started_at = 0.0
        self._command = command
        self._environment = environment
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it without waiting for its port."""
        self.started_at = time.time()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**inherited_environment(), **self._environment},
                cwd=self._folder,
                start_new_session=True,  # an interrupt reaches only the harness, which stops it cleanly
            )

    async def ready(self) -> float:
        """Waits for its port; returns the seconds since it was started. Raises Unavailable."""
        while time.time() - self.started_at < START_SECONDS:
            if not self.is_running():
                break
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.transport.abort()
                return time.time() - self.started_at
            except OSError:
                await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        raise Unavailable(f"{self._command[:2]} did not start; its log: {self.last_words()}")

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def kill(self) -> Death:
        """Sends SIGKILL; returns when that was, and when the process was gone."""
        killed_at = time.time()
        if self._process is not None:
            self._process.kill()
            while self._process.poll() is None:
                await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        return Death(killed_at, time.time())

    async def stop(self) -> int | None:
        """Asks it to stop, and kills it after the grace period; returns its exit code."""
        if self._process is None:
            return None
        if self.is_running():
            self._process.send_signal(signal.SIGTERM)
        deadline = time.time() + GRACE_SECONDS
        while self._process.poll() is None and time.time() < deadline:
            await asyncio.sleep(0.02)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        return self._process.returncode

    def memory_mb(self) -> float:
        """Resident memory now; 0 if it is not running."""
        return self._status("VmRSS")

    def peak_memory_mb(self) -> float:
        """Its peak resident memory."""
        return self._status("VmHWM")

    def last_words(self) -> str:
        """The end of its log, for a message."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return " / ".join(lines[-3:])[-800:]

    def _status(self, key: str) -> float:
        if self._process is None:
            return 0.0
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0.0
        found = re.search(rf"^{key}:\s+(\d+) kB", status, re.M)
        return int(found[1]) / 1024 if found else 0.0
