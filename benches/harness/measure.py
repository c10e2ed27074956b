"""Measures one target, point by point."""
from __future__ import annotations

import json
import sys
import time
import urllib.request

from harness.load import LoadGenerator
from harness.machine import Unavailable, busy_seconds
from harness.options import Options
from harness.targets.base import Target
from harness.targets.provider import Provider
from harness.workloads import ASKED, FAULTS, HANG_LIMIT_MS, HANGS, REPEATED

PACED_STREAMS = 64
PACED_STAGGER_SECONDS = 2  # the length of a stream, so that chunks are spread evenly
DIRECT_SECONDS = 1.0
HUNG_CONNECTIONS = 32  # each hang takes its time limit, so one connection alone would see too few
HANGS_SEEN = 5  # per connection
SETTLING_SECONDS = 1.0


class OutOfTime(Exception):
    """The run has reached its time limit; what was measured so far is kept."""


class Measurement:
    """Measures one target after the other and writes the figures into dictionaries that become JSON."""

    def __init__(self, options: Options, load: LoadGenerator, direct: Provider, deadline: float):
        self._options = options
        self._load = load
        self._direct = direct
        self._deadline = deadline

    def repetition(self, target: Target, figures: dict, with_idle: bool) -> None:
        """Prepares, starts and measures the target; fills `figures` as it goes. Raises Unavailable."""
        figures.update(points={}, direct={}, calm={}, idle=[])
        try:
            target.prepare()
            self._under_load(target, figures)
            if with_idle and "idle" in self._workloads(target):
                self._idle(target, figures)
        finally:
            target.stop()
            target.clean_up()

    def _workloads(self, target: Target) -> list[str]:
        return [workload for workload in self._options.workloads if workload not in target.skipped]

    def _under_load(self, target: Target, figures: dict) -> None:
        figures["ready_ms"] = _milliseconds(target.start())
        figures["first_ready_ms"] = _milliseconds(target.first_start_seconds)
        time.sleep(SETTLING_SECONDS)
        figures["memory_start"] = target.process.memory_mb()
        target.process.forget_peak()
        workloads = self._workloads(target)
        # Warms up pools and lazily initialized parts.
        warm = self._load.repeat(target, "plain", 16, self._options.seconds / 2)
        answers, failovers = warm["answers"] + target.probes_answered, 0
        for workload in [name for name in REPEATED if name in workloads]:
            for connections in self._options.connections:
                point = self._point(target, figures, workload, connections, self._options.seconds)
                answers += point["answers"]
                failovers += point["answers"] if ASKED[workload].answered_by else 0
        if "paced" in workloads:
            answers += self._paced(target, figures)["answers"]
        if "faults" in workloads:
            for fault in FAULTS:
                calm, point = self._fault(target, figures, fault)
                answers += calm["answers"] + point["answers"]
                failovers += point["answers"]
        figures["memory_peak"] = target.process.peak_memory_mb()
        target.stop()
        figures["unrecorded"] = target.unrecorded(answers, failovers)

    def _point(self, target: Target, figures: dict, workload: str, connections: int, seconds: float) -> dict:
        key = f"{workload}/{connections}"
        if connections == 1 and target is not self._direct:
            # Directly before, so that both see the machine in the same state.
            figures["direct"][key] = self._ask(self._direct, workload, 1, min(seconds, DIRECT_SECONDS))
        point = figures["points"][key] = self._ask(target, workload, connections, seconds)
        _tell(key, point, "cpu_us")
        return point

    def _paced(self, target: Target, figures: dict) -> dict:
        seconds = self._options.paced_seconds
        point = self._ask(target, "paced", PACED_STREAMS, seconds, warm_up=0, stagger=PACED_STAGGER_SECONDS)
        figures["points"][f"paced/{PACED_STREAMS}"] = point
        _tell(f"paced/{PACED_STREAMS}", point, "cpu_us_event")
        return point

    def _fault(self, target: Target, figures: dict, fault: str) -> tuple[dict, dict]:
        """A fault and then an answer; directly before, the same request without the fault."""
        seconds = self._options.seconds
        calm = figures["calm"][fault] = self._ask(target, FAULTS[fault].beside, 1, min(seconds, DIRECT_SECONDS))
        if fault in HANGS:
            limit = HANG_LIMIT_MS / 1000
            point = self._ask(target, fault, HUNG_CONNECTIONS, limit * HANGS_SEEN, stagger=limit)
        else:
            point = self._ask(target, fault, 1, seconds)
        figures["points"][fault] = point
        _tell(fault, point, "cpu_us")
        return calm, point

    def _ask(self, target: Target, workload: str, connections: int, seconds: float, **timing: float) -> dict:
        if time.monotonic() > self._deadline:
            raise OutOfTime
        failed_before, core = self._calls_failed(), target.place.core
        busy, cpu, began = busy_seconds(core), target.process.cpu_seconds(), time.monotonic()
        point = self._load.repeat(target, workload, connections, seconds, **timing)
        if not target.process.is_running():
            raise Unavailable(f"{target.name} exited by itself: {target.process.last_words()}")
        cpu, busy = target.process.cpu_seconds() - cpu, busy_seconds(core) - busy
        if point["answers"]:
            point["cpu_us"] = cpu * 1e6 / point["answers"]
        if point["events"]:
            point["cpu_us_event"] = cpu * 1e6 / point["events"]
        if target is not self._direct:
            point["foreign"] = max(0.0, busy - cpu) / (time.monotonic() - began)
            _check_failovers(point, workload, self._calls_failed() - failed_before)
        return point

    def _idle(self, target: Target, figures: dict) -> None:
        """The memory of idle streams, in a process that has done nothing else."""
        target.start()
        for streams in self._options.streams:
            if time.monotonic() > self._deadline:
                raise OutOfTime
            held = self._load.hold(target, streams)
            time.sleep(SETTLING_SECONDS)
            memory = target.process.memory_mb()
            ended = held.release()
            point = {"streams": streams, "memory": memory, "open": held.counts.get("open", 0), "ended": ended}
            figures["idle"].append(point)
            seen = f"idle/{streams}: {memory:.1f} MB with {point['open']} open, {ended} ended"
            print(f"   {seen}", file=sys.stderr, flush=True)
            time.sleep(SETTLING_SECONDS)

    def _calls_failed(self) -> int:
        url = f"http://127.0.0.1:{self._direct.port}/calls"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["failed"]


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _check_failovers(point: dict, workload: str, failed: int) -> None:
    """A failover is one call that fails and one that answers; a gateway that skips the first is not comparable."""
    asked = ASKED[workload]
    least = point["answers"] * asked.failed_calls
    most = least + point["answers"] * asked.repeated_calls
    if not point["wrong"] and not least <= failed <= most:
        expected = f"{least}" if least == most else f"{least} to {most}"
        point["wrong"][f"{failed} failed calls, not {expected}"] = max(least - failed, failed - most)


def _tell(key: str, point: dict, cpu: str) -> None:
    rate, p50, p99, cost = (point.get(field) for field in ("per_second", "p50", "p99", cpu))
    speed = f"{rate:10,.1f}/s  p50 {p50:,.1f}  p99 {p99:,.1f}" if p50 else "no latency"
    spent = "none" if cost is None else f"{cost:,.1f}"
    print(f"   {key:13} {speed}  {cpu} {spent}  wrong {point['wrong'] or 0}", file=sys.stderr, flush=True)
