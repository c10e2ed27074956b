"""Reads the figures of a finished run. A figure is a list with one value per repetition, None if
missing. Medians are taken last, so that a ratio always compares two values that were measured close together.
"""
from __future__ import annotations

import statistics

Series = list  # of float or None, one per repetition


class Figures:
    """The measurements of one target."""

    def __init__(self, run: dict, name: str):
        self._repetitions = run["targets"].get(name, {}).get("repetitions", [])

    def is_empty(self) -> bool:
        return not any(repetition.get("points") for repetition in self._repetitions)

    def own(self, field: str) -> Series:
        """A figure of the whole repetition: ready_ms, memory_start, memory_peak, ..."""
        return [repetition.get(field) for repetition in self._repetitions]

    def point(self, key: str, field: str) -> Series:
        """A figure of one point, such as `plain/64` and `cpu_us`."""
        return [repetition.get("points", {}).get(key, {}).get(field) for repetition in self._repetitions]

    def added(self, key: str, field: str) -> Series:
        """What the target adds to the provider's own latency, in microseconds."""
        direct = [repetition.get("direct", {}).get(key, {}).get(field) for repetition in self._repetitions]
        return [None if a is None or b is None else a - b for a, b in zip(self.point(key, field), direct)]

    def added_by_fault(self, fault: str, field: str) -> Series:
        """What a fault adds to the latency of the same request without it, in microseconds."""
        calm = [repetition.get("calm", {}).get(fault, {}).get(field) for repetition in self._repetitions]
        return [None if a is None or b is None else a - b for a, b in zip(self.point(fault, field), calm)]

    def idle_memory(self, streams: int) -> Series:
        """Megabytes with this many open streams; None if some of them did not stay open."""
        return [
            next(
                (
                    point["memory"]
                    for point in repetition.get("idle", [])
                    if point["streams"] == streams == point["open"] and point["ended"] == 0
                ),
                None,
            )
            for repetition in self._repetitions
        ]

    def wrong(self) -> Series:
        """Answers that were wrong, missing, lost or not recorded."""
        return [_wrong(repetition) for repetition in self._repetitions if repetition.get("points")]

    def foreign(self) -> float:
        """The largest share of the gateway's core that other processes used during a point."""
        points = [point for repetition in self._repetitions for point in repetition.get("points", {}).values()]
        return max((point.get("foreign", 0.0) for point in points), default=0.0)


def _wrong(repetition: dict) -> int:
    points = [*repetition["points"].values(), *repetition.get("calm", {}).values()]
    answers = sum(sum(point["wrong"].values()) for point in points)
    streams = sum(point["streams"] - point["open"] + point["ended"] for point in repetition["idle"])
    # A process that exited by itself lost at least one answer.
    return answers + streams + (repetition.get("unrecorded") or 0) + ("failed" in repetition)


def median(series: Series) -> float | None:
    """The median of the existing values; None if there are none."""
    present = [value for value in series if value is not None]
    return statistics.median(present) if present else None


def ratio(dividend: Series, divisor: Series) -> Series:
    """Combines two figures repetition by repetition."""
    return [a / b if a is not None and b else None for a, b in zip(dividend, divisor)]
