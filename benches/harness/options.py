"""The command line."""
from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from harness.targets import TARGETS
from harness.workloads import WORKLOADS


@dataclass(frozen=True)
class Options:
    """What to measure and for how long."""

    targets: list[str]
    workloads: list[str]
    connections: list[int]
    streams: list[int]
    repetitions: int
    seconds: float  # length of each point
    paced_seconds: float
    minutes: float  # no new point is started after this time
    cores: tuple[int, int] | None  # load generator and provider; gateway
    out: Path | None
    show: Path | None


def parse(arguments: list[str] | None = None) -> Options:
    """Parses the command line; exits with a message if it is invalid."""
    given = _parser().parse_args(arguments)
    quick = given.quick
    return Options(
        targets=given.targets or list(TARGETS),
        workloads=given.workloads or list(WORKLOADS),
        connections=given.connections or ([1, 64] if quick else [1, 16, 64, 256]),
        streams=given.streams or ([256] if quick else [256, 5000]),
        repetitions=given.reps or (1 if quick else 3),
        seconds=given.seconds or (0.4 if quick else 1.5),
        paced_seconds=2.0 if quick else 6.0,
        minutes=given.minutes,
        cores=given.cores,
        out=given.out,
        show=given.show,
    )


def _parser() -> argparse.ArgumentParser:
    purpose = "Measures Failsoft beside the provider, nginx and a bare forwarder, and checks its goals."
    parser = argparse.ArgumentParser(prog="benches/run", description=purpose)
    quick = "a short look: one repetition, short points, 256 idle streams"
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--targets", type=_names(TARGETS), help=f"of {','.join(TARGETS)}")
    parser.add_argument("--workloads", type=_names(WORKLOADS), help=f"of {','.join(WORKLOADS)}")
    parser.add_argument("--connections", type=_numbers, help="1,16,64,256")
    parser.add_argument("--streams", type=_numbers, help="how many idle streams to hold: 256,5000")
    parser.add_argument("--reps", type=int, help="repetitions, each with a fresh start of every target (3)")
    parser.add_argument("--seconds", type=float, help="length of a point (1.5)")
    parser.add_argument("--minutes", type=float, default=40, help="start no new point after this time (40)")
    parser.add_argument("--cores", type=_cores, help="LOAD,GATEWAY: the two cores to use (the first two allowed)")
    parser.add_argument("--out", type=Path, help="where the figures go as JSON (the build folder)")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the tables of an earlier run instead")
    return parser


def _names(known):
    def split(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names

    return split


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no list of numbers like 1,64") from None
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("every number must be at least 1")
    return numbers


def _cores(text: str) -> tuple[int, int]:
    load, separator, gateway = text.partition(",")
    if not separator or not load.isdigit() or not gateway.isdigit() or load == gateway:
        raise argparse.ArgumentTypeError(f"{text} does not name two different cores like 0,1")
    return int(load), int(gateway)
