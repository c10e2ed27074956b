"""Compares the three ledgers for missing, duplicate and wrong records.

A rule's findings are nonces, or descriptions where no nonce applies. A run passes if no rule has findings.

"""
from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from harness.installation import CHAIN, PRICES
from harness.ledger import Asked, Bucket, Call, Event, Ledgers, Records, Row

# Every rule, in the order of the report.
RULES = {
    "answered without a row": "a caller has a complete answer, and no row is `answered`",
    "answered twice": "several rows for one request",
    "wrong model": "the row names another model than the one that the caller read",
    "wrong tokens": "the row's tokens are not those that the provider counted",
    "wrong cost": "the row's cost is not tokens times price",
    "failover without its events": "another model answered, and one before it in the chain has no event",
    "event twice": "several events for one hop of one request",
    "unexpected event": "an event of a model that is not before the answering one in the chain",
    "wrong chain": "an event's next model is not the next of the chain",
    "stream without a row": "a kill cut a stream that had begun earlier, or that was a fallback's, and there is no row",
    "unexplained interruption": "a row is `interrupted`, but neither the provider nor a kill broke it off",
    "unmarked interruption": "a row is `interrupted`, but not marked as estimated, or has no reason or cost",
    "unexpected row": "a row for a request that was never sent, or never reached the server",
    "billed, not answered": "a row is `answered`, but its caller's answer broke off without a kill",
    "still running": "a row is still `running`",
    "unexplained row": "a row is `failed` or `client_closed`, but its caller saw no such thing",
    "failed call": "a caller got an error or nothing, although neither a kill nor the provider caused it",
    "mixed up": "an answer to another request, or one that names another model than its head",
    "request roll-up": "a bucket's sums are not those of its rows",
    "event roll-up": "a bucket's count is not that of its events",
    "latency roll-up": "a bucket's number of latencies is not that of its rows",
    "usage roll-up": "a day's sums, of keys or of sessions, are not those of its rows",
}

UNBILLED = "running"
UNCOUNTED = "drill"
DAY = 86_400
# The lengths of the buckets of roll-ups, in seconds.
WIDTHS = (300, 3_600, 43_200)
# The start of a primary model's stream is recorded in the background, so a kill may come first.
INTENT_SECONDS = 2.0


@dataclass
class Verdict:
    """The findings of each rule, and the figures of the run."""

    findings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    figures: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        """Whether there are no findings."""
        return not any(self.findings.values())


@dataclass(frozen=True)
class Case:
    """Everything known about one request."""

    asked: Asked
    calls: list[Call]
    rows: list[Row]
    events: list[Event]
    killed_at: float | None  # when the process was killed while it was in flight
    refused: bool  # nothing was listening

    @property
    def killed(self) -> bool:
        """Whether it was in flight when a process was killed."""
        return self.killed_at is not None

    @property
    def broke(self) -> bool:
        """Whether the provider broke the stream off on purpose."""
        return any(call.broke for call in self.calls)

    @property
    def failed(self) -> list[str]:
        """The models that must have failed before this answer. No model is skipped in this setup."""
        return CHAIN[: CHAIN.index(self.asked.model)] if self.asked.model in CHAIN else []


def join(ledgers: Ledgers) -> Verdict:
    """Judges a run. An answer that was withheld because it could not be recorded is counted, and is not a fault."""
    verdict = Verdict()
    calls, rows, events = defaultdict(list), defaultdict(list), defaultdict(list)
    for call in ledgers.calls:
        calls[call.nonce].append(call)
    for row in ledgers.records.rows:
        rows[row.nonce].append(row)
    for event in ledgers.records.events:
        events[event.nonce].append(event)
    for asked in ledgers.asked:
        nonce = asked.nonce
        killed = next((death.killed_at for death in ledgers.deaths if death.took(asked)), None)
        refused = asked.trouble == "refused" and ledgers.nobody_listened(asked)
        case = Case(asked, calls[nonce], rows.pop(nonce, []), events.pop(nonce, []), killed, refused)
        _count(case, verdict.figures)
        for rule in _broken_rules(case):
            verdict.findings[rule].append(nonce)
    for stranger in [*rows, *events]:
        verdict.findings["unexpected row"].append(stranger or "(no session)")
    verdict.figures["rows"] = len(ledgers.records.rows)
    verdict.figures["events"] = len(ledgers.records.events)
    verdict.figures["kills"] = len(ledgers.deaths)
    _judge_rollups(ledgers.records, verdict)
    return verdict


def _count(case: Case, figures: Counter[str]) -> None:
    asked = case.asked
    outcomes = [row.outcome for row in case.rows]
    figures["sent"] += 1
    figures["streams"] += asked.streamed
    figures["answered"] += asked.answered
    figures["answered streams"] += asked.answered and asked.streamed
    figures["answered failovers"] += asked.answered and bool(case.failed)
    figures["first calls"] += bool(case.calls)
    figures["failed first calls"] += bool(case.calls) and bool(case.calls[0].fault)
    figures["broken by the provider"] += case.broke
    figures["in flight at kills"] += case.killed
    figures["begun streams cut by kills"] += _begun_and_cut(case)
    figures["begun streams cut, not recorded yet"] += _begun_and_cut(case) and not case.rows
    figures["refused"] += asked.trouble == "refused"
    figures["withheld"] += asked.withheld
    figures["interrupted rows"] += outcomes.count("interrupted")
    figures["interrupted by kills"] += "interrupted" in outcomes and case.killed and not case.broke
    figures["recorded, answer lost on the way"] += "answered" in outcomes and not asked.answered and case.killed


def _begun_and_cut(case: Case) -> bool:
    asked = case.asked
    return asked.streamed and asked.begun and not asked.whole and not asked.code and case.killed


def _broken_rules(case: Case) -> list[str]:
    asked, rows = case.asked, case.rows
    broken = []
    if len(rows) > 1:
        broken.append("answered twice")
    if asked.trouble == "mixed up":
        broken.append("mixed up")
    if asked.answered:
        row = next((row for row in rows if row.outcome == "answered"), None)
        broken += _answer(case, row) if row else ["answered without a row"]
    elif not (case.killed or case.refused or case.broke or asked.withheld):
        broken.append("failed call")
    for row in rows:
        broken += _row(case, row)
    if _begun_and_cut(case) and not rows and _should_be_known(case):
        broken.append("stream without a row")
    return broken + _events(case)


def _should_be_known(case: Case) -> bool:
    """Whether there was time to record the start of the stream. A fallback's start is recorded before it begins."""
    began_at = case.asked.begun_at or 0.0
    return bool(case.failed) or (case.killed_at or 0.0) - began_at > INTENT_SECONDS


def _answer(case: Case, row: Row) -> list[str]:
    """Checks the row of a complete answer."""
    broken = []
    if row.served != case.asked.model or row.organization != case.asked.organization:
        broken.append("wrong model")
    made = next((call for call in reversed(case.calls) if call.model == case.asked.model and not call.fault), None)
    if not made or (row.input_tokens, row.output_tokens) != (made.input_tokens, made.output_tokens):
        broken.append("wrong tokens")
    elif row.cost != PRICES[made.model].cost(made.input_tokens, made.output_tokens):
        broken.append("wrong cost")
    return broken


def _row(case: Case, row: Row) -> list[str]:
    """Checks a row, whatever its outcome."""
    asked = case.asked
    broken = []
    if asked.trouble == "refused":
        broken.append("unexpected row")
    if row.outcome == "interrupted":
        if not case.broke and not case.killed and not asked.withheld:
            broken.append("unexplained interruption")
        if asked.answered:
            broken.append("unexplained interruption")
        if not row.estimated or not row.error_class or row.cost is None or row.cost < 0:
            broken.append("unmarked interruption")
    elif row.outcome == "answered":
        if not asked.answered and not case.killed:
            broken.append("billed, not answered")
    elif row.outcome == UNBILLED:
        broken.append("still running")
    elif not (row.outcome == "failed" and (case.killed or asked.withheld)):
        broken.append("unexplained row")
    return broken


def _events(case: Case) -> list[str]:
    """Every model that failed before an answer has its event, and no other model has one."""
    asked, events = case.asked, case.events
    broken = []
    if len({event.hop for event in events}) < len(events):
        broken.append("event twice")
    failures = [event for event in sorted(events, key=lambda event: event.hop) if event.error_class != "stream_interrupted"]
    failed = list(dict.fromkeys(event.failed for event in failures))
    # The events are durable before the first byte of a fallback's answer is sent, whatever happened afterward.
    if asked.begun and not set(case.failed) <= set(failed):
        broken.append("failover without its events")
    if failed != CHAIN[: len(failed)] or (asked.begun and len(failed) > len(case.failed)):
        broken.append("unexpected event")
    following = dict(zip(CHAIN, [*CHAIN[1:], ""]))
    if any(event.next != following.get(event.failed, "") for event in failures):
        broken.append("wrong chain")
    return broken


def buckets(start: int) -> list[Bucket]:
    """The buckets of each length that contain the five minutes from `start` on."""
    return [(width, start - start % width) for width in WIDTHS]


def _judge_rollups(records: Records, verdict: Verdict) -> None:
    sums: dict[tuple, list[int]] = defaultdict(lambda: [0] * 6)
    times: Counter[tuple] = Counter()
    days: dict[tuple, list[int]] = defaultdict(lambda: [0] * 9)
    for row in records.rows:
        if row.outcome == UNBILLED or row.origin == UNCOUNTED:
            continue
        by_fallback = int(bool(row.served) and row.served != row.requested)
        parts = (1, row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens, row.cost)
        for bucket in buckets(row.bucket):
            key = (row.organization, bucket, row.requested, row.served, row.outcome, by_fallback, row.key, row.origin)
            sums[key] = [total + (part or 0) for total, part in zip(sums[key], parts)]
            times[(row.organization, bucket, row.origin, "total")] += 1
            times[(row.organization, bucket, row.origin, "first_frame")] += row.first_frame
        answered = int(row.outcome == "answered")
        key = (row.organization, row.bucket - row.bucket % DAY, row.served, row.key, row.origin)
        parts = (1, answered, answered * by_fallback, *parts[1:], int(row.estimated))
        days[key] = [total + (part or 0) for total, part in zip(days[key], parts)]
    events: Counter[tuple] = Counter()
    for event in records.events:
        if event.origin != UNCOUNTED:
            for bucket in buckets(event.bucket):
                events[(event.organization, bucket, event.failed, event.next, event.error_class, event.origin)] += 1
    kept = {key: list(rollup) for key, rollup in records.request_rollups.items()}
    verdict.findings["request roll-up"] += _differences(sums, kept)
    verdict.findings["event roll-up"] += _differences(events, records.event_rollups)
    verdict.findings["latency roll-up"] += _differences(times, records.latency_rollups)
    for rollups in (records.day_rollups, records.session_rollups):
        kept_days = {key: list(rollup) for key, rollup in rollups.items()}
        verdict.findings["usage roll-up"] += _differences(days, kept_days)
    verdict.figures["nano-dollars"] = sum(row.cost or 0 for row in records.rows)
    verdict.figures["nano-dollars in roll-ups"] = sum(rollup[5] for key, rollup in kept.items() if key[1][0] == WIDTHS[0])


def _differences(counted: dict, kept: dict) -> list[str]:
    """Compares bucket by bucket. Reverted amounts leave zeros behind, which equal a missing bucket."""
    empty = (None, 0, [0] * 6, [0] * 9)
    pairs = ((key, counted.get(key), kept.get(key)) for key in counted.keys() | kept.keys())
    differing = (pair for pair in pairs if pair[1] != pair[2] and not (pair[1] in empty and pair[2] in empty))
    return [f"{key}: expected from the rows {rows}, in the roll-up {rollup}" for key, rows, rollup in differing]
