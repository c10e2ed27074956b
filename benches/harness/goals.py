"""The promised limits, and whether a run keeps them.

CPU limits are ratios, because CPU time depends on the machine: relative to the bare forwarder in the same run, or to our
own plain request. Latency, memory and startup limits are absolute.

"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from harness.results import Figures, Series, median, ratio
from harness.workloads import HANG_LIMIT_MS, HANGS, INSTANT_FAULTS

FORWARDER = "forwarder"
OWN_PLAIN = "own plain request"
PLAIN_CPU = ("plain/64", "cpu_us")


@dataclass(frozen=True)
class Goal:
    """One row of the table. The limits are with recording off, and with durable recording."""

    title: str
    figure: Callable[[Figures], Series]
    unit: str
    off: float
    durable: float
    of: str = ""  # the base of a ratio: FORWARDER or OWN_PLAIN; empty if the limits are in the unit
    aim: float | None = None  # a stricter goal for durable recording, which is not promised


@dataclass(frozen=True)
class Verdict:
    """A goal and the measured value. `measured` is comparable with the limit; `ours` and `theirs` are in the unit."""

    goal: Goal
    limit: float
    measured: float | None
    ours: float | None
    theirs: float | None
    times_forwarder: float | None

    def met(self) -> bool | None:
        """Whether the limit is kept; None if it was not measured."""
        return None if self.measured is None else self.measured <= self.limit


def added_by_faults(figures: Figures, faults: dict, beyond_ms: int = 0) -> Series:
    """The 99th percentile that the worst of these faults adds beyond the given milliseconds. For a stream, that of the
        first byte, because nothing differs after it.
    """
    fields = {name: "first_byte_p99" if fault.chunks else "p99" for name, fault in faults.items()}
    each = [figures.added_by_fault(name, field) for name, field in fields.items()]
    together = [[added for added in repetition if added is not None] for repetition in zip(*each)]
    return [max(added) - beyond_ms * 1000 if added else None for added in together]


GOALS = (
    Goal("plain request, CPU at 64 connections", lambda f: f.point(*PLAIN_CPU), "us", 1.6, 3.0, FORWARDER, aim=2.0),
    Goal("100 KB prompt, CPU at 64 connections", lambda f: f.point("prompt/64", "cpu_us"), "us", 1.7, 2.5, FORWARDER),
    Goal("failover, CPU at 64 connections", lambda f: f.point("failover/64", "cpu_us"), "us", 1.8, 2.5, OWN_PLAIN),
    Goal("stream, CPU per paced event", lambda f: f.point("paced/64", "cpu_us_event"), "us", 1.4, 1.5, FORWARDER),
    Goal("added latency p50, one connection", lambda f: f.added("plain/1", "p50"), "us", 130, 250),
    Goal("added latency p99, one connection", lambda f: f.added("plain/1", "p99"), "us", 190, 500),
    Goal("stream, first byte, added p50", lambda f: f.added("stream/1", "first_byte_p50"), "us", 250, 250),
    Goal("stream, whole, added p50", lambda f: f.added("stream/1", "p50"), "us", 900, 900),
    # A delayed acknowledgment shows up as a step of 40 ms, which must not happen in one of a hundred streams.
    Goal("stream, whole, added p99: no 40 ms step", lambda f: f.added("stream/1", "p99"), "us", 39_999, 39_999),
    Goal("instant fault, added p99, the worst", lambda f: added_by_faults(f, INSTANT_FAULTS), "us", 5_000, 5_000),
    Goal(
        "hang, added p99 beyond its time limit, the worst",
        lambda f: added_by_faults(f, HANGS, HANG_LIMIT_MS), "us", 50_000, 50_000,
    ),
    Goal("memory at start", lambda f: f.own("memory_start"), "MB", 35, 45),
    Goal("memory with 256 idle streams", lambda f: f.idle_memory(256), "MB", 55, 65),
    Goal("memory with 5,000 idle streams", lambda f: f.idle_memory(5000), "MB", 350, 360),
    Goal("first answer after start", lambda f: f.own("ready_ms"), "ms", 100, 400),
)
WRONG = Goal("wrong, lost or unrecorded answers", lambda f: [sum(f.wrong())] if f.wrong() else [], "", 0, 0)


def verdicts(run: dict, target: str, durable: bool, goals: tuple[Goal, ...] = GOALS) -> list[Verdict]:
    """Every goal for one way of running Failsoft, wrong answers last."""
    ours, theirs = Figures(run, target), Figures(run, FORWARDER)
    return [_verdict(goal, ours, theirs, durable) for goal in (*goals, WRONG)]


def start_only() -> tuple[Goal, ...]:
    """The goals that also apply to PostgreSQL."""
    return tuple(goal for goal in GOALS if goal.unit == "ms")


def _verdict(goal: Goal, ours: Figures, theirs: Figures, durable: bool) -> Verdict:
    figure, base = goal.figure(ours), goal.figure(theirs)
    times_forwarder = median(ratio(figure, base))
    if goal.of == FORWARDER:
        measured = times_forwarder
    elif goal.of == OWN_PLAIN:
        measured = median(ratio(figure, ours.point(*PLAIN_CPU)))
    else:
        measured = median(figure)
    limit = goal.durable if durable else goal.off
    return Verdict(goal, limit, measured, median(figure), median(base), times_forwarder)
