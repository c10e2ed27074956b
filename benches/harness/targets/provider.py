"""No gateway at all: the simulated provider, asked directly. What the others add is told against it."""
from __future__ import annotations

from harness.targets.base import Target


class Provider(Target):
    """It shares its core with the load generator, and it runs already: starting and stopping are not its own."""

    name = "provider"
    title = "the simulated provider itself"
    skipped = ("failover", "faults", "idle")

    def __init__(self, place, work):
        super().__init__(place, work)
        self.port = place.provider_port
        self.process = place.provider

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It serves the other targets."""

    def url(self, workload: str) -> str:
        # The direct counterpart of a failover is a good answer at once.
        behavior = "/m/ok" if workload == "failover" else ""
        return f"http://127.0.0.1:{self.port}{behavior}/v1/chat/completions"
