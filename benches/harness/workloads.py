"""The workloads: each is a request and the only right answer to it."""
from __future__ import annotations

import json
from dataclasses import dataclass

SYSTEM = (
    "You are helping a support engineer. Read the ticket, name the component at fault, quote the line of the log that "
    "shows it, and propose the smallest change that would fix it. "
)
# The quotation marks are escaped in JSON, as in real prompts, so a parser has to handle them.
TICKET = (
    "Ticket 48213: since the upgrade on Tuesday about one request in two hundred ends with a reset after the first "
    'bytes. The log shows "upstream prematurely closed connection" and the pool size is 32. '
)
FAILING_MODEL = "fail-503"
STEADY_MODEL = "ok"


@dataclass(frozen=True)
class Workload:
    """One kind of request. `model` also names the behavior of bench-provider."""

    title: str
    model: str
    prompt_bytes: int = 450
    chunks: int | None = None  # None: not streamed
    answered_by: str = ""  # the answering model, if it is not the requested one
    failed_calls: int = 0  # failed calls per answer; 0 if the provider is unreachable
    repeated_calls: int = 0  # more failed calls per answer, at most: a reset of a kept connection is tried on a new one
    time_limit_ms: int | None = None  # of the requested model
    beside: str = ""  # the name of the same request without a fault

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
        """The right answer, in bench-load's notation."""
        return f"stream:{self.chunks}" if self.chunks else "whole"


WORKLOADS = {
    "plain": Workload("1 KB request", STEADY_MODEL),
    "prompt": Workload("100 KB prompt", STEADY_MODEL, prompt_bytes=100_000),
    "failover": Workload("failover: 503, then answered", FAILING_MODEL, answered_by=STEADY_MODEL, failed_calls=1),
    "stream": Workload("stream of 100 chunks, no pauses", "chunks-100", chunks=100),
    "paced": Workload("64 streams, 20 ms between chunks", "chunks-100_gap-20ms", chunks=100),
    "faults": Workload("a fault, then answered", STEADY_MODEL),
    "idle": Workload("idle streams", "chunks-1000_gap-20000ms", chunks=1000),
}
# Measured at every number of connections. The other workloads choose their own.
REPEATED = ("plain", "prompt", "failover", "stream")


def _fault(title: str, model: str, failed_calls: int = 1, repeated_calls: int = 0) -> Workload:
    return Workload(
        title,
        model,
        answered_by=STEADY_MODEL,
        failed_calls=failed_calls,
        repeated_calls=repeated_calls,
        beside="plain",
    )


def _hang(title: str, beside: str, chunks: int | None = None) -> Workload:
    limit = HANG_LIMIT_MS
    return Workload(
        title, "hang", chunks=chunks, answered_by=STEADY_MODEL, failed_calls=1, time_limit_ms=limit, beside=beside
    )


# The parts of `faults`: each has a model that fails this way, and a healthy fallback.
UNREACHABLE_MODEL = "unreachable"
HANG_LIMIT_MS = 1000
INSTANT_FAULTS = {
    "503": _fault("503", FAILING_MODEL),
    "429": _fault("429", "fail-429"),
    "reset": _fault("reset", "reset", repeated_calls=1),
    "refused": _fault("refused", UNREACHABLE_MODEL, failed_calls=0),
}
HANGS = {
    "hang": _hang("hang", "plain"),
    "hang-stream": _hang("hang, streamed", "stream", chunks=100),
}
FAULTS = {**INSTANT_FAULTS, **HANGS}
ASKED = {**WORKLOADS, **FAULTS}
