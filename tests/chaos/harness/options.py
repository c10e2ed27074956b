"""The command line."""
from __future__ import annotations

import argparse
import random
from dataclasses import dataclass

SCENARIOS = ("kill", "away", "disk")
DATABASES = ("sqlite", "postgres")
ABSENCES = ("stopped", "frozen", "cut")


@dataclass(frozen=True)
class Options:
    """The scenarios to run, how often and for how long."""

    scenarios: list[str]
    databases: list[str]
    absences: list[str]
    kills: int
    rate: float  # requests per second, in the kill scenario
    between_kills: float  # seconds on average
    away_rate: float
    seconds: float  # of each outage
    seed: int


def parse(arguments: list[str] | None = None) -> Options:
    """Parses the command line; exits with a message if it is invalid."""
    given = _parser().parse_args(arguments)
    return Options(
        scenarios=[] if given.self_test else given.scenario or list(SCENARIOS),
        databases=given.databases or list(DATABASES),
        absences=given.absences or list(ABSENCES),
        kills=given.kills,
        rate=given.rate,
        between_kills=given.between_kills,
        away_rate=given.away_rate,
        seconds=given.seconds,
        seed=random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed,
    )


def _parser() -> argparse.ArgumentParser:
    purpose = "Kills the server, stops its database, fills its disk, and checks that no record is lost."
    parser = argparse.ArgumentParser(prog="tests/chaos/run", description=purpose)
    parser.add_argument("--scenario", type=_some(SCENARIOS), help=f"of {','.join(SCENARIOS)} (all)")
    parser.add_argument("--databases", type=_some(DATABASES), help=f"of {','.join(DATABASES)} (both)")
    parser.add_argument("--absences", type=_some(ABSENCES), help=f"of {','.join(ABSENCES)} (all)")
    parser.add_argument("--kills", type=int, default=200, help="per database (200)")
    parser.add_argument("--rate", type=float, default=200, help="requests per second in the kill scenario (200)")
    parser.add_argument("--between-kills", type=float, default=1.0, help="seconds on average (1)")
    parser.add_argument("--away-rate", type=float, default=100, help="requests per second in the away scenario (100)")
    parser.add_argument("--seconds", type=float, default=600, help="length of each PostgreSQL outage (600)")
    parser.add_argument("--seed", type=int, help="repeat the random choices of an earlier run")
    only = "only run the self-test, which every run does first"
    parser.add_argument("--self-test", action="store_true", help=only)
    return parser


def _some(known: tuple[str, ...]):
    def split(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names

    return split
