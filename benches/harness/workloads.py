"""What is asked. A workload is a request and the one right answer to it. Imports nothing of the harness."""
from __future__ import annotations

import json
from dataclasses import dataclass

SYSTEM = (
    "You are helping a support engineer. Read the ticket, name the component at fault, quote the line of the log that "
    "shows it, and propose the smallest change that would fix it. "
)
# The quotation marks are escaped in JSON: whoever reads the body has to mind that, as with real prompts.
TICKET = (
    "Ticket 48213: since the upgrade on Tuesday about one request in two hundred ends with a reset after the first "
    'bytes. The log shows "upstream prematurely closed connection" and the pool size is 32. '
)
FAILING_MODEL = "fail-503"
STEADY_MODEL = "ok"


@dataclass(frozen=True)
class Workload:
    """One kind of request. `model` is at once the behavior that bench-provider reads from it."""

    title: str
    model: str
    prompt_bytes: int = 450
    chunks: int | None = None  # of a stream; None: not streamed
    answered_by: str = ""  # the model that answers, when it is another one

    def body(self) -> str:
        """The request: about 0.8 KB with the short prompt, 1 KB with its head."""
        text = (TICKET * (self.prompt_bytes // len(TICKET) + 1))[: self.prompt_bytes]
        request = {
            "model": self.model,
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}],
            "temperature": 0.2,
            "max_tokens": 256,
            "user": "bench-user-0001",
        }
        if self.chunks:
            request["stream"] = True
            request["stream_options"] = {"include_usage": True}
        return json.dumps(request, separators=(",", ":"))

    def answer(self) -> str:
        """The right answer as bench-load names it."""
        return f"stream:{self.chunks}" if self.chunks else "whole"


WORKLOADS = {
    "plain": Workload("1 KB request", STEADY_MODEL),
    "prompt": Workload("100 KB prompt", STEADY_MODEL, prompt_bytes=100_000),
    "failover": Workload("failover: 503, then answered", FAILING_MODEL, answered_by=STEADY_MODEL),
    "stream": Workload("stream of 100 chunks, no pauses", "chunks-100", chunks=100),
    "paced": Workload("64 streams, 20 ms between chunks", "chunks-100_gap-20ms", chunks=100),
    "idle": Workload("idle streams", "chunks-1000_gap-20000ms", chunks=1000),
}
# Measured at every number of connections. `paced` and `idle` have a way of their own.
REPEATED = ("plain", "prompt", "failover", "stream")
