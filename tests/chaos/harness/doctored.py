"""Ledgers with one known fault each, which the join must detect.

A check that cannot fail proves nothing. Each rule of the join has at least one fault here that it must report, and the
healthy ledgers, from which all others are derived, must pass.

"""
from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

from harness.installation import PRICES
from harness.join import RULES, buckets, join
from harness.ledger import Asked, Call, Death, Event, Ledgers, Records, Row

ORGANIZATION, KEY, BUCKET = "a" * 32, "b" * 32, 300
PLAIN, FAILOVER, CUT, REFUSED, BROKEN = (f"nonce-{word}" for word in ("plain", "failover", "cut", "refused", "broken"))
INPUT, OUTPUT = 10, 5


def complaints() -> list[str]:
    """The faults that the join missed, and false findings in healthy ledgers."""
    healthy = join(_healthy())
    found = [f"false finding in healthy ledgers: {rule}" for rule, nonces in healthy.findings.items() if nonces]
    for rule, title, spoil in FAULTS:
        ledgers = _healthy()
        spoil(ledgers)
        if not join(ledgers).findings.get(rule):
            found.append(f"not detected as '{rule}': {title}")
    untried = set(RULES) - {rule for rule, _, _ in FAULTS}
    return found + [f"no fault tests the rule '{rule}'" for rule in sorted(untried)]


def _healthy() -> Ledgers:
    """A plain answer, a failover, a stream cut by a kill, a refusal, and a stream that the provider broke off."""
    asked = [
        _asked(PLAIN, 10.0, "first", streamed=False, whole=True),
        _asked(FAILOVER, 11.0, "second", streamed=True, whole=True),
        _asked(CUT, 12.0, "first", streamed=True, whole=False, trouble="cut"),
        replace(_asked(REFUSED, 12.6, "", streamed=False, whole=False, trouble="refused"), status=None, begun_at=None),
        _asked(BROKEN, 14.0, "first", streamed=True, whole=False, code="broken"),
    ]
    calls = [
        _call(PLAIN, "first", streamed=False),
        _call(FAILOVER, "first", fault="503"),
        _call(FAILOVER, "second"),
        _call(CUT, "first", written=False),
        _call(BROKEN, "first", broke=True),
    ]
    rows = [
        _row("1", PLAIN, "first", streamed=False),
        _row("2", FAILOVER, "second"),
        _interrupted("3", CUT),
        _interrupted("4", BROKEN),
    ]
    events = [
        Event(ORGANIZATION, "2" * 32, FAILOVER, 1, "first", "second", "overloaded", BUCKET, "live"),
        Event(ORGANIZATION, "4" * 32, BROKEN, 1, "first", "", "stream_interrupted", BUCKET, "live"),
    ]
    request_rollups, event_rollups, latency_rollups = {}, {}, {}
    for bucket in buckets(BUCKET):
        key = (ORGANIZATION, bucket, "first")
        request_rollups |= {
            (*key, "first", "answered", 0, KEY, "live"): (1, INPUT, OUTPUT, 0, 0, _cost("first")),
            (*key, "second", "answered", 1, KEY, "live"): (1, INPUT, OUTPUT, 0, 0, _cost("second")),
            (*key, "first", "interrupted", 0, KEY, "live"): (2, 0, 0, 0, 0, 0),
        }
        event_rollups |= {(*key, "second", "overloaded", "live"): 1, (*key, "", "stream_interrupted", "live"): 1}
        latency_rollups |= {(ORGANIZATION, bucket, "live", measure): 4 for measure in ("total", "first_frame")}
    days = {
        (ORGANIZATION, 0, "first", KEY, "live"): (3, 1, 0, INPUT, OUTPUT, 0, 0, _cost("first"), 2),
        (ORGANIZATION, 0, "second", KEY, "live"): (1, 1, 1, INPUT, OUTPUT, 0, 0, _cost("second"), 0),
    }
    records = Records(rows, events, request_rollups, event_rollups, latency_rollups, days, {**days})
    return Ledgers(asked, calls, records, [Death(12.4, 12.5)], [13.0])


def _asked(nonce: str, at: float, model: str, streamed: bool, whole: bool, code: str = "", trouble: str = "") -> Asked:
    made = Asked(nonce, ORGANIZATION, streamed, at, at + 0.45, 200, whole, begun_at=at + 0.1, model=model)
    return replace(made, code=code, trouble=trouble)


def _call(
    nonce: str, model: str, fault: str = "", broke: bool = False, streamed: bool = True, written: bool = True
) -> Call:
    return Call(nonce, model, fault, broke, streamed, INPUT, OUTPUT, written)


def _cost(model: str) -> int:
    return PRICES[model].cost(INPUT, OUTPUT)


def _row(digit: str, nonce: str, served: str, streamed: bool = True) -> Row:
    return Row(
        digit * 32, ORGANIZATION, KEY, nonce, "first", served, "answered", "", streamed, INPUT, OUTPUT, 0, 0,
        _cost(served), False, True, BUCKET, "live",
    )


def _interrupted(digit: str, nonce: str) -> Row:
    row = _row(digit, nonce, "first")
    tokens = {"input_tokens": None, "output_tokens": None, "cached_tokens": None, "reasoning_tokens": None}
    return replace(row, outcome="interrupted", error_class="stream_interrupted", cost=0, estimated=True, **tokens)


def _of(ledgers: Ledgers, nonce: str) -> Row:
    return next(row for row in ledgers.records.rows if row.nonce == nonce)


def _set(nonce: str, /, **values: object) -> Callable[[Ledgers], None]:
    """Changes a row."""

    def spoil(ledgers: Ledgers) -> None:
        for name, value in values.items():
            setattr(_of(ledgers, nonce), name, value)

    return spoil


def _drop(nonce: str) -> Callable[[Ledgers], None]:
    """Removes a row."""
    return lambda ledgers: ledgers.records.rows.remove(_of(ledgers, nonce))


def _twice(ledgers: Ledgers) -> None:
    ledgers.records.rows.append(replace(_of(ledgers, PLAIN), id="9" * 32))


def _event_twice(ledgers: Ledgers) -> None:
    ledgers.records.events.append(copy.copy(ledgers.records.events[0]))


def _event_of(nonce: str) -> Callable[[Ledgers], None]:
    """Moves the failover's event to another request."""

    def spoil(ledgers: Ledgers) -> None:
        ledgers.records.events[0].nonce = nonce

    return spoil


def _wrong_next(ledgers: Ledgers) -> None:
    ledgers.records.events[0].next = "third"


def _caller(nonce: str, /, **values: object) -> Callable[[Ledgers], None]:
    """Changes what the caller saw."""

    def spoil(ledgers: Ledgers) -> None:
        asked = next(asked for asked in ledgers.asked if asked.nonce == nonce)
        for name, value in values.items():
            setattr(asked, name, value)

    return spoil


def _no_kill(ledgers: Ledgers) -> None:
    ledgers.deaths.clear()


def _late_refusal(ledgers: Ledgers) -> None:
    ledgers.opened[0] = 12.55


def _shifted_request_rollup(ledgers: Ledgers) -> None:
    key, sums = next(iter(ledgers.records.request_rollups.items()))
    ledgers.records.request_rollups[key] = (*sums[:5], sums[5] + 1)


def _lost_request_rollup(ledgers: Ledgers) -> None:
    ledgers.records.request_rollups.popitem()


def _shifted_event_rollup(ledgers: Ledgers) -> None:
    key = next(iter(ledgers.records.event_rollups))
    ledgers.records.event_rollups[key] += 1


def _long_cut(ledgers: Ledgers) -> None:
    _caller(CUT, begun_at=10.3)(ledgers)
    _drop(CUT)(ledgers)


def _fallback_cut(ledgers: Ledgers) -> None:
    _caller(FAILOVER, whole=False, trouble="cut", sent_at=12.0, begun_at=12.3, ended_at=12.45)(ledgers)
    _drop(FAILOVER)(ledgers)


def _lost_time(ledgers: Ledgers) -> None:
    ledgers.records.latency_rollups.popitem()


FAULTS: list[tuple[str, str, Callable[[Ledgers], None]]] = [
    ("answered without a row", "a row is missing", _drop(PLAIN)),
    ("answered without a row", "the row says that it failed", _set(FAILOVER, outcome="failed")),
    ("answered twice", "a second row", _twice),
    ("wrong model", "billed to the model that failed", _set(FAILOVER, served="first")),
    ("wrong model", "billed to another organization", _set(PLAIN, organization="c" * 32)),
    ("wrong tokens", "a token more", _set(PLAIN, output_tokens=OUTPUT + 1)),
    ("wrong cost", "a nano-dollar less", _set(PLAIN, cost=_cost("first") - 1)),
    ("wrong cost", "no cost", _set(PLAIN, cost=None)),
    ("failover without its events", "the event is missing", lambda ledgers: ledgers.records.events.pop(0)),
    ("failover without its events", "the event is another request's", _event_of(PLAIN)),
    ("event twice", "the event is there twice", _event_twice),
    ("unexpected event", "an event of a request without a failure", _event_of(PLAIN)),
    ("wrong chain", "the event's next model is wrong", _wrong_next),
    ("stream without a row", "the stream went on for long, was cut, and has no row", _long_cut),
    ("stream without a row", "the fallback's stream was cut, and has no row", _fallback_cut),
    ("unexplained interruption", "interrupted without a kill", _no_kill),
    ("unexplained interruption", "interrupted, but its caller has the complete answer", _set(FAILOVER, outcome="interrupted")),
    ("unmarked interruption", "not marked as estimated", _set(CUT, estimated=False)),
    ("unmarked interruption", "without a reason", _set(CUT, error_class="")),
    ("unexpected row", "a row for a request that was never sent", _set(PLAIN, nonce="nonce-stranger")),
    ("unexpected row", "a row for a request that was refused", _set(CUT, nonce=REFUSED)),
    ("billed, not answered", "billed, but the provider broke it off", _set(BROKEN, outcome="answered")),
    ("still running", "a row is left running", _set(CUT, outcome="running")),
    ("unexplained row", "marked as closed by the client", _set(BROKEN, outcome="client_closed")),
    ("failed call", "an error without a reason", _caller(PLAIN, status=502, code="bad_gateway")),
    ("failed call", "refused while the port was open", _late_refusal),
    ("mixed up", "the answer to another request", _caller(PLAIN, trouble="mixed up")),
    ("request roll-up", "a nano-dollar more", _shifted_request_rollup),
    ("request roll-up", "a bucket is missing", _lost_request_rollup),
    ("event roll-up", "an event more", _shifted_event_rollup),
    ("latency roll-up", "a bucket is missing", _lost_time),
    ("usage roll-up", "a day is missing", lambda ledgers: ledgers.records.day_rollups.popitem()),
    ("usage roll-up", "sessions are missing", lambda ledgers: ledgers.records.session_rollups.popitem()),
]
