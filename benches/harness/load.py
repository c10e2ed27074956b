"""One run of bench-load against one target."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.machine import Unavailable
from harness.targets.base import Target
from harness.workloads import ASKED, Workload

PATIENCE_SECONDS = 90  # after its planned end, before a load generator counts as stuck
WARM_UP_SECONDS = 0.4


class LoadGenerator:
    """Knows the path of bench-load and the folder for request bodies. It inherits the runner's core."""

    def __init__(self, programs: Path, work: Path):
        self._program = programs / "bench-load"
        self._bodies = {name: work / f"{name}.json" for name in ASKED}
        for name, path in self._bodies.items():
            path.write_text(ASKED[name].body())

    def repeat(
        self,
        target: Target,
        workload: str,
        connections: int,
        seconds: float,
        warm_up: float = WARM_UP_SECONDS,
        stagger: float = 0.0,
    ) -> dict:
        """Sends requests in a closed loop; returns the JSON that bench-load prints. Raises Unavailable if it prints none."""
        times = ["--seconds", str(seconds), "--warm-up", str(warm_up), "--stagger", str(stagger)]
        command = self._command(target, workload, connections) + times
        limit = seconds + warm_up + PATIENCE_SECONDS
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"bench-load was stuck in {workload}/{connections}") from None
        _tell(done.stderr)
        if done.returncode:
            raise Unavailable(f"bench-load failed in {workload}/{connections}: {done.stderr.strip()[:300]}")
        return json.loads(done.stdout)

    def hold(self, target: Target, streams: int) -> HeldStreams:
        """Opens this many streams and returns once they are open or lost."""
        return HeldStreams(self._command(target, "idle", streams) + ["--hold"])

    def _command(self, target: Target, workload: str, connections: int) -> list[str]:
        asked: Workload = ASKED[workload]
        command = [str(self._program), target.url(workload), "--body", str(self._bodies[workload])]
        command += ["--connections", str(connections), "--answer", asked.answer()]
        for header in target.headers():
            command += ["--header", header]
        for text in target.marks(asked):
            command += ["--contains", text]
        return command


class HeldStreams:
    """Open streams, until they are released."""

    def __init__(self, command: list[str]):
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self.counts = self._next_line()

    def release(self) -> int:
        """Releases the streams; returns how many had ended while they were held."""
        self._process.stdin.close()
        ended = self._next_line().get("ended", 0)
        self._process.wait(PATIENCE_SECONDS)
        return ended

    def _next_line(self) -> dict:
        line = self._process.stdout.readline()
        return json.loads(line) if line.strip() else {}


def _tell(message: str) -> None:
    if message.strip():
        print(f"      {message.strip()[:400]}", file=sys.stderr, flush=True)
