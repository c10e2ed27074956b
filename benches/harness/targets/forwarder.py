"""The bare forwarder: the same server and client libraries as Failsoft's, without a product between them."""
from __future__ import annotations

from harness.targets.base import Target


class Forwarder(Target):
    name = "forwarder"
    title = "bare actix-web + reqwest"
    skipped = ("faults",)

    def command(self) -> list[str]:
        provider = f"http://127.0.0.1:{self.place.provider_port}"
        return [str(self.place.programs / "bench-forwarder"), f"127.0.0.1:{self.port}", provider]
