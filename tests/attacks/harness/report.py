"""Cases and their count: for every attack, how many were tried and how many were withstood."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One attempt."""

    name: str
    withstood: bool
    seen: str = ""


Attack = Callable[..., Iterator[Case]]


class Report:
    """Prints one line per attack, and the cases that were not withstood."""

    def __init__(self, verbose: bool):
        self.tried = 0
        self.withstood = 0
        self._verbose = verbose

    def add(self, database: str, section: str, attack: str, cases: list[Case]) -> None:
        good = sum(case.withstood for case in cases)
        self.tried += len(cases)
        self.withstood += good
        print(f"{database:9} {section:10} {attack:58} {good} of {len(cases)}", flush=True)
        for case in cases:
            if self._verbose or not case.withstood:
                mark = "held" if case.withstood else "NOT WITHSTOOD"
                print(f"    {mark}: {case.name}: {case.seen[:400]}", flush=True)
        if not cases:
            # An attack without cases would look as if it had been withstood.
            self.tried += 1
            print("    NOT WITHSTOOD: no case was tried", flush=True)

    def failed(self) -> bool:
        return self.withstood != self.tried or not self.tried
