"""The tables, as Markdown that reads well in a terminal."""
from __future__ import annotations

from harness import goals
from harness.results import Figures, median
from harness.workloads import FAULTS, REPEATED, WORKLOADS

MISSING = "-"
FOREIGN_TO_MENTION = 0.10


def show(run: dict) -> None:
    """Prints everything that a run has measured."""
    _machine(run)
    for workload in [name for name in REPEATED if name in run["workloads"]]:
        _throughput(run, workload)
    _cost(run)
    _added(run)
    _faults(run)
    _goals(run, "failsoft-unrecorded", durable=False)
    _goals(run, "failsoft-sqlite", durable=True)
    _goals(run, "failsoft-postgres", durable=True, which=goals.start_only())
    _remarks(run)


def _machine(run: dict) -> None:
    machine = run["machine"]
    print(f"\n{machine['when']} · {machine['processor']} · {machine['cores']} cores, {machine['memory_gb']} GB · "
          f"Linux {machine['kernel']} · database on {machine['database_disk']}")
    print(f"repetitions: {run['repetitions']}, points of {run['seconds']} s, medians. The gateway has a core to itself, "
          "the load generator and the provider share one.")


def _throughput(run: dict, workload: str) -> None:
    connections = run["connections"]
    rows = []
    for name, figures in _measured(run):
        cells = []
        for number in connections:
            key = f"{workload}/{number}"
            rate, p50, p99 = (median(figures.point(key, field)) for field in ("per_second", "p50", "p99"))
            cells.append(f"{_number(rate)}/s  {_number(p50)} / {_number(p99)}" if rate else MISSING)
        if any(cell != MISSING for cell in cells):
            rows.append([name, *cells])
    heads = [f"{number} connection{'s' if number > 1 else ''}" for number in connections]
    _table(f"{WORKLOADS[workload].title}: answers per second, latency p50 / p99 in µs", ["target", *heads], rows)


def _cost(run: dict) -> None:
    columns = [
        ("plain, 1 conn.", lambda f: f.point("plain/1", "cpu_us"), 1),
        ("plain", lambda f: f.point("plain/64", "cpu_us"), 1),
        ("100 KB", lambda f: f.point("prompt/64", "cpu_us"), 1),
        ("failover", lambda f: f.point("failover/64", "cpu_us"), 1),
        ("stream", lambda f: f.point("stream/64", "cpu_us"), 0),
        ("paced event", lambda f: f.point("paced/64", "cpu_us_event"), 1),
    ]
    rows = [[name, *(_number(median(read(f)), digits) for _, read, digits in columns)] for name, f in _measured(run)]
    _table("CPU, µs per request (64 connections unless noted)", ["target", *(title for title, _, _ in columns)], rows)

    columns = [
        ("start", lambda f: f.own("memory_start"), 1),
        ("peak under load", lambda f: f.own("memory_peak"), 1),
        *((f"{n:,} idle streams", lambda f, n=n: f.idle_memory(n), 1) for n in run["streams"]),
        ("first answer, ms", lambda f: f.own("ready_ms"), 0),
        ("empty database ready, ms", lambda f: f.own("first_ready_ms"), 0),
    ]
    rows = [[name, *(_number(median(read(f)), digits) for _, read, digits in columns)] for name, f in _measured(run)]
    _table("memory in MB, and the start", ["target", *(title for title, _, _ in columns)], rows)


def _added(run: dict) -> None:
    columns = [
        ("plain p50 / p99", "plain/1", ("p50", "p99")),
        ("100 KB p50 / p99", "prompt/1", ("p50", "p99")),
        ("failover p50 / p99", "failover/1", ("p50", "p99")),
        ("stream first byte / whole p50", "stream/1", ("first_byte_p50", "p50")),
    ]
    rows = []
    for name, figures in _measured(run):
        pairs = [[median(figures.added(key, field)) for field in fields] for _, key, fields in columns]
        if any(value is not None for pair in pairs for value in pair):
            rows.append([name, *(" / ".join(_number(value) for value in pair) for pair in pairs)])
    _table("latency added to the provider's own at one connection, µs", ["target", *(c[0] for c in columns)], rows)


def _faults(run: dict) -> None:
    rows = []
    for name, figures in _measured(run):
        cells = []
        for fault, asked in FAULTS.items():
            fields = ("first_byte_p50", "first_byte_p99") if asked.chunks else ("p50", "p99")
            added = [median(figures.added_by_fault(fault, field)) for field in fields]
            cells.append(" / ".join(_number(value) for value in added))
        if any(cell.strip("- /") for cell in cells):
            rows.append([name, *cells])
    heads = [asked.title for asked in FAULTS.values()]
    _table("latency that a fault adds before the next model answers, p50 / p99 in µs", ["target", *heads], rows)


def _goals(run: dict, target: str, durable: bool, which: tuple[goals.Goal, ...] = goals.GOALS) -> None:
    if target not in run["targets"]:
        return
    rows = [_goal_row(verdict, durable) for verdict in goals.verdicts(run, target, durable, which)]
    heads = ["figure", "goal", "Failsoft", "forwarder", "× forwarder", "verdict"]
    _table(f"goals, {run['targets'][target]['title']}", heads, rows)


def _goal_row(verdict: goals.Verdict, durable: bool) -> list[str]:
    goal = verdict.goal
    unit = {"us": " µs", "": ""}.get(goal.unit, f" {goal.unit}")
    digits = 1 if goal.of or goal.unit == "MB" else 0
    limit = f"{verdict.limit:g} × {goal.of}" if goal.of else f"{verdict.limit:,.0f}{unit}"
    ours = MISSING if verdict.ours is None else f"{_number(verdict.ours, digits)}{unit}"
    if goal.of == goals.OWN_PLAIN and verdict.measured is not None:
        ours += f" = {verdict.measured:.2f} ×"
    theirs = MISSING if verdict.theirs is None else f"{_number(verdict.theirs, digits)}{unit}"
    times = MISSING if verdict.times_forwarder is None else f"{verdict.times_forwarder:.2f}"
    outcome = {None: "not measured", True: "met", False: "NOT MET"}[verdict.met()]
    if durable and goal.aim and verdict.measured is not None:
        outcome += f" (aim {goal.aim:g}: {'met' if verdict.measured <= goal.aim else 'not met'})"
    return [goal.title, f"at most {limit}", ours, theirs, times, outcome]


def _remarks(run: dict) -> None:
    for name, reason in run["missing"].items():
        print(f"not measured: {name}: {reason}")
    for name, figures in _measured(run):
        wrong = sum(figures.wrong())
        if wrong:
            print(f"WRONG ANSWERS: {name}: {wrong}")
        if figures.foreign() > FOREIGN_TO_MENTION:
            print(f"noise: other processes used up to {figures.foreign():.0%} of the gateway's core while {name} was measured; "
                  "run again on an idle machine")
    for remark in run["remarks"]:
        print(f"note: {remark}")


def _measured(run: dict) -> list[tuple[str, Figures]]:
    pairs = [(name, Figures(run, name)) for name in run["targets"]]
    return [(name, figures) for name, figures in pairs if not figures.is_empty()]


def _number(value: float | None, digits: int = 0) -> str:
    return MISSING if value is None else f"{value:,.{digits}f}"


def _table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    """Omits empty columns, and tables without columns."""
    shown = [column for column in range(len(heads)) if any(row[column].strip("- /") for row in rows)]
    lines = [[row[column] for column in shown] for row in [heads, *rows]]
    if len(shown) < 2:
        return
    widths = [max(len(line[column]) for line in lines) for column in range(len(shown))]
    print(f"\n{title}\n")
    for row in [lines[0], ["-" * width for width in widths], *lines[1:]]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
