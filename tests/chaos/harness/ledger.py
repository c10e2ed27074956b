"""What each party recorded about a request: its caller, its provider, the database.

The three are joined by the nonce, which is in the prompt and is also the request's session id.

"""
from __future__ import annotations

from dataclasses import dataclass, field

NONCE_PREFIX = "nonce-"


@dataclass
class Asked:
    """One request as its caller saw it. Times are Unix seconds."""

    nonce: str
    organization: str  # its id, as 32 hexadecimal digits
    streamed: bool
    sent_at: float
    ended_at: float | None = None
    status: int | None = None  # none: no response head arrived
    whole: bool = False  # the complete body arrived; for a stream, `[DONE]`
    begun_at: float | None = None  # when the first content arrived
    request_id: str = ""  # as 32 hexadecimal digits
    model: str = ""  # the answering model, according to the answer
    code: str = ""  # the error code, if any
    trouble: str = ""  # why the answer is missing or incomplete: refused, cut, timeout, garbled

    @property
    def answered(self) -> bool:
        """Whether the caller got a complete answer."""
        return self.status == 200 and self.whole and not self.code

    @property
    def begun(self) -> bool:
        """Whether the caller got some of the answer's content."""
        return self.begun_at is not None

    @property
    def withheld(self) -> bool:
        """Whether the caller got an error that says that the answer could not be recorded."""
        return self.code == "recording_unavailable"


@dataclass
class Call:
    """One call that the provider received."""

    nonce: str
    model: str
    fault: str  # how it failed before any answer; empty if it answered
    broke: bool  # its stream was broken off on purpose after content
    streamed: bool
    input_tokens: int
    output_tokens: int
    written: bool = False  # the complete response was sent


@dataclass
class Row:
    """A row of `requests`."""

    id: str
    organization: str
    key: str
    nonce: str
    requested: str
    served: str
    outcome: str
    error_class: str
    streamed: bool
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: int | None  # nano-dollars
    estimated: bool
    first_frame: bool  # whether it has a time to the first frame
    bucket: int
    origin: str


@dataclass
class Event:
    """A row of `fallback_events`."""

    organization: str
    request_id: str
    nonce: str
    hop: int
    failed: str
    next: str
    error_class: str
    bucket: int
    origin: str


Bucket = tuple[int, int]  # its length in seconds and its start
RequestKey = tuple[str, Bucket, str, str, str, int, str, str]
EventKey = tuple[str, Bucket, str, str, str, str]
LatencyKey = tuple[str, Bucket, str, str]  # organization, bucket, origin, measure
DayKey = tuple[str, int, str, str, str]  # organization, day, served model, key, origin
Sums = tuple[int, ...]


@dataclass
class Records:
    """The contents of the database."""

    rows: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    # Requests, input, output, cached and reasoning tokens, nano-dollars.
    request_rollups: dict[RequestKey, Sums] = field(default_factory=dict)
    event_rollups: dict[EventKey, int] = field(default_factory=dict)
    latency_rollups: dict[LatencyKey, int] = field(default_factory=dict)
    # Requests, answered, by a fallback, input, output, cached and reasoning tokens, nano-dollars, estimated.
    day_rollups: dict[DayKey, Sums] = field(default_factory=dict)
    session_rollups: dict[DayKey, Sums] = field(default_factory=dict)  # all sessions combined


@dataclass(frozen=True)
class Death:
    """The kill of a process: from the signal until the process was gone."""

    killed_at: float
    gone_at: float

    def took(self, asked: Asked) -> bool:
        """Whether the request was in flight."""
        return asked.sent_at <= self.gone_at and (asked.ended_at is None or asked.ended_at >= self.killed_at)


@dataclass
class Ledgers:
    """Everything about one run."""

    asked: list[Asked]
    calls: list[Call]
    records: Records
    deaths: list[Death] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)  # when the server's port was seen open again

    def nobody_listened(self, asked: Asked) -> bool:
        """Whether it was sent between a kill and the next open port."""
        ended_at = asked.ended_at or asked.sent_at
        death = max((death.gone_at for death in self.deaths if death.killed_at <= ended_at), default=None)
        if death is None:
            return False
        opened = min((moment for moment in self.opened if moment > death), default=None)
        return opened is None or asked.sent_at <= opened
