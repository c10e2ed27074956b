"""What every target has in common: its URL, how it starts, when it is ready."""
from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from pathlib import Path

from harness.machine import Unavailable, free_port
from harness.process import PinnedProcess
from harness.workloads import WORKLOADS, Workload

START_SECONDS = 60
BETWEEN_PROBES_SECONDS = 0.001


@dataclass(frozen=True)
class Place:
    """The paths and ports that a target needs."""

    programs: Path  # the folder of bench-provider, bench-load and bench-forwarder
    failsoft: Path | None  # the binary, if it is measured
    provider: PinnedProcess
    provider_port: int
    core: int  # the gateway's core


class Target:
    """A gateway between the load generator and the provider, in one process on one core."""

    name = ""
    title = ""
    skipped: tuple[str, ...] = ()  # workloads that do not apply

    def __init__(self, place: Place, work: Path):
        self.place = place
        self.work = work
        self.port = free_port()
        self.process: PinnedProcess | None = None
        self.probes_answered = 0
        self.first_start_seconds: float | None = None  # on an empty database, if there is one

    def prepare(self) -> None:
        """Runs before the first start, once per repetition. Raises Unavailable."""

    def command(self) -> list[str]:
        """The start command. The program must not leave other processes behind."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Added to the runner's environment."""
        return {}

    def url(self, workload: str) -> str:
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    def headers(self) -> list[str]:
        return ["authorization: Bearer sk-bench"]

    def marks(self, workload: Workload) -> list[str]:
        """Text that a right answer must contain in addition."""
        return []

    def unrecorded(self, answers: int, failovers: int) -> int | None:
        """The difference between expected and actual records after this many answers and failovers. None: it keeps no records."""
        return None

    def clean_up(self) -> None:
        """Cleans up after the repetition."""

    def start(self) -> float | None:
        """Starts it; returns the seconds until its first right answer. Raises Unavailable."""
        began = time.monotonic()
        self.process = PinnedProcess(self.command(), self.place.core, self.work / "log", self.environment())
        body = WORKLOADS["plain"].body().encode()
        seconds = self.wait_for("POST", "/v1/chat/completions", body, began)
        self.probes_answered += 1
        return seconds

    def wait_for(self, method: str, path: str, body: bytes | None, began: float) -> float:
        """The seconds from `began` until the path answers 200. Raises Unavailable after stopping the process."""
        answer = "nothing listens"
        while self.process.is_running() and time.monotonic() - began < START_SECONDS:
            status, answer = self._ask(method, path, body)
            if status == 200:
                return time.monotonic() - began
            time.sleep(BETWEEN_PROBES_SECONDS)
        self.stop()
        raise Unavailable(f"{self.name} did not start ({answer[:200]}; its log: {self.process.last_words()})")

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, str]:
        headers = {"content-type": "application/json", **dict(line.split(": ", 1) for line in self.headers())}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()

    def stop(self) -> None:
        if self.process:
            self.process.stop()
