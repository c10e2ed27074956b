"""The simulated provider without a gateway. The other targets are compared with it."""
from __future__ import annotations

from harness.targets.base import Target


class Provider(Target):
    """It shares its core with the load generator and already runs, so it is neither started nor stopped here."""

    name = "provider"
    title = "the simulated provider itself"
    skipped = ("failover", "faults", "idle")

    def __init__(self, place, work):
        super().__init__(place, work)
        self.port = place.provider_port
        self.process = place.provider

    def start(self) -> None:
        """Already running."""

    def stop(self) -> None:
        """It serves the other targets."""

    def url(self, workload: str) -> str:
        # The counterpart of a failover is a good answer at once.
        behavior = "/m/ok" if workload == "failover" else ""
        return f"http://127.0.0.1:{self.port}{behavior}/v1/chat/completions"
