"""Everything that is printed: Markdown tables on standard output, progress on standard error."""
from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from harness.away import MEMORY_GOAL_MB, RECORDED_GOAL_SECONDS, AwayRun
from harness.disk import DiskRun
from harness.join import RULES, Verdict
from harness.kill import REPLAY_GOAL_SECONDS, KillRun
from harness.options import Options
from harness.probes import Probe

MOST_NAMED = 5
BEGAN = time.monotonic()

# The rows of a kill run's table: label and figure.
KILL_FIGURES = [
    ("kills (SIGKILL)", "kills"),
    ("requests sent", "sent"),
    ("... of them streams", "streams"),
    ("first calls that the provider failed", "failed first calls"),
    ("answered whole", "answered"),
    ("... streams among them", "answered streams"),
    ("... after a failover", "answered failovers"),
    ("refused while nothing was listening", "refused"),
    ("withheld, because they could not be recorded", "withheld"),
    ("in flight at the kills", "in flight at kills"),
    ("... streams that had begun", "begun streams cut by kills"),
    ("... recorded as answered, end lost in transit", "recorded, answer lost on the way"),
    ("... rows `interrupted` by a kill", "interrupted by kills"),
    ("... begun just before the kill, not recorded", "begun streams cut, not recorded yet"),
    ("streams that the provider broke off", "broken by the provider"),
    ("rows of requests", "rows"),
    ("fallback events", "events"),
    ("nano-dollars in rows", "nano-dollars"),
    ("nano-dollars in roll-ups", "nano-dollars in roll-ups"),
]
# The guarantees, each with the rules whose findings would break it.
PROMISES = [
    ("answered failovers without their events", ("failover without its events",)),
    ("answered requests without exactly one billed row on the answering model",
     ("answered without a row", "answered twice", "wrong model", "wrong tokens", "wrong cost")),
    ("duplicates: rows, events", ("answered twice", "event twice")),
    ("streams of fallbacks, or begun two seconds before, cut without a row", ("stream without a row",)),
    ("interrupted rows beyond those, or unmarked", ("unexplained interruption", "unmarked interruption")),
    ("rows left `running`", ("still running",)),
    ("roll-ups that are not the sum of their rows",
     ("request roll-up", "event roll-up", "latency roll-up", "usage roll-up")),
]


def progress(text: str) -> None:
    """Prints a line of progress."""
    print(f"chaos {time.monotonic() - BEGAN:6.0f} s  {text}", file=sys.stderr, flush=True)


def heading(options: Options) -> None:
    """Prints what runs, and how to repeat it."""
    program = Path(os.environ["FAILSOFT_BIN"])
    kind = "release" if "release" in program.parts else "debug"
    now = time.strftime("%Y-%m-%d %H:%M")
    print(f"{now} · {os.cpu_count()} cores · {kind} build · --seed {options.seed}\n", flush=True)


def self_test(faults: int, unseen: list[str]) -> None:
    """Prints whether the join detects every fault."""
    for complaint in unseen:
        print(f"self-test: {complaint}")
    if not unseen:
        print(f"self-test: the join detects each of {faults} faults, and none in healthy ledgers", flush=True)


def kills(runs: list[KillRun]) -> None:
    """Prints the table of scenario `kill`."""
    if not runs:
        return
    rows = [[words, *(f"{run.verdict.figures[figure]:,}" for run in runs)] for words, figure in KILL_FIGURES]
    rows += [[f"**{words}**", *(f"**{_found(run.verdict, rules)}**" for run in runs)] for words, rules in PROMISES]
    others = set(RULES) - {rule for _, rules in PROMISES for rule in rules}
    rows.append(["other findings", *(str(_found(run.verdict, others)) for run in runs)])
    goal = f"(goal {REPLAY_GOAL_SECONDS:g} s)"
    rows.append([f"replay after the last start {goal}", *(f"{run.last_replay:.2f} s" for run in runs)])
    rows.append(["replay, worst of all starts", *(f"{run.worst_replay:.2f} s" for run in runs)])
    rows.append(["restart until the port is open, median / worst", *(_seconds(run.restarts) for run in runs)])
    rows.append(["peak memory of the last process", *(f"{run.memory_mb:.0f} MB" for run in runs)])
    _table("Killed under load", ["", *(run.title for run in runs)], rows)
    for run in runs:
        _findings(run.title, run.verdict)
        if run.exit_code != 0:
            print(f"{run.title}: the last process exited with {run.exit_code} after a request to stop")


def absences(runs: list[AwayRun]) -> None:
    """Prints the table of scenario `away`."""
    if not runs:
        return
    figure = lambda words, name: [words, *(f"{run.verdict.figures[name]:,}" for run in runs)]  # noqa: E731
    rows = [
        ["away for", *(f"{run.seconds:g} s" for run in runs)],
        figure("requests sent", "sent"),
        ["... during the outage", *(f"{run.meanwhile:,}" for run in runs)],
        figure("answered whole", "answered"),
        figure("... after a failover", "answered failovers"),
        ["**failed calls of known keys**", *(f"**{_failed(run.verdict)}**" for run in runs)],
        ["calls with a key that was never issued: 401 / all", *(_refused(run.never_issued) for run in runs)],
        ["calls with a revoked key: 401 / all", *(_refused(run.revoked) for run in runs)],
        ["peak number of records in the spool", *(f"{run.spooled:,}" for run in runs)],
        [f"all recorded after the outage (goal {RECORDED_GOAL_SECONDS:g} s)",
         *(f"{run.recorded_seconds:.1f} s" for run in runs)],
        figure("rows of requests", "rows"),
        figure("fallback events", "events"),
        ["**lost, duplicate or wrong records**", *(f"**{_other(run.verdict)}**" for run in runs)],
        ["pages that reported the outage / all", *(_reporting(run.pages) for run in runs)],
        ["/readyz meanwhile", *(_statuses(run.ready) for run in runs)],
        [f"memory before / peak (goal {MEMORY_GOAL_MB:g} MB)",
         *(f"{run.memory_before_mb:.0f} / {run.memory_mb:.0f} MB" for run in runs)],
    ]
    _table("PostgreSQL away", ["", *(run.absence for run in runs)], rows)
    for run in runs:
        _findings(f"PostgreSQL {run.absence}", run.verdict)
        for complaint in run.complaints():
            print(f"PostgreSQL {run.absence}: {complaint}")


def disks(runs: list[DiskRun]) -> None:
    """Prints the table of scenario `disk`."""
    if not runs:
        return
    figure = lambda words, name: [words, *(f"{run.verdict.figures[name]:,}" for run in runs)]  # noqa: E731
    rows = [
        figure("requests sent", "sent"),
        ["answered before the disk was full", *(f"{run.answered_before:,}" for run in runs)],
        figure("withheld: 503 `recording_unavailable`", "withheld"),
        ["answered / withheld after space was freed",
         *(f"{run.answered_after:,} / {run.withheld_after:,}" for run in runs)],
        figure("answered completely, in total", "answered"),
        figure("rows of requests", "rows"),
        figure("fallback events", "events"),
        ["all recorded after the restart", *(f"{run.recorded_seconds:.1f} s" for run in runs)],
        ["**answered but not recorded, or recorded wrongly**", *(f"**{_found(r.verdict, RULES)}**" for r in runs)],
    ]
    heads = {"SQLite": "SQLite, files limited", "PostgreSQL": "PostgreSQL stopped, spool full"}
    _table("No space left", ["", *(heads[run.title] for run in runs)], rows)
    for run in runs:
        _findings(f"{run.title}, full", run.verdict)
        for complaint in run.complaints():
            print(f"{run.title}, full: {complaint}")


def _failed(verdict: Verdict) -> int:
    return _found(verdict, ("failed call",)) + verdict.figures["withheld"]


def _other(verdict: Verdict) -> int:
    return _found(verdict, set(RULES) - {"failed call"})


def _refused(probes: list[Probe]) -> str:
    return f"{sum(probe.status == 401 for probe in probes)} / {len(probes)}"


def _reporting(probes: list[Probe]) -> str:
    slowest = max((probe.ended_at - probe.asked_at for probe in probes), default=0.0)
    reporting = sum(probe.status == 503 and probe.reported for probe in probes)
    return f"{reporting} / {len(probes)}, slowest {slowest:.1f} s"


def _statuses(probes: list[Probe]) -> str:
    return ", ".join(str(status) for status in sorted({probe.status for probe in probes})) or "-"


def _found(verdict: Verdict, rules) -> int:
    return sum(len(verdict.findings.get(rule, [])) for rule in rules)


def _seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} / {max(values):.2f} s" if values else "-"


def _findings(title: str, verdict: Verdict) -> None:
    for rule, meaning in RULES.items():
        found = verdict.findings.get(rule, [])
        if found:
            print(f"{title}: {len(found)} × {rule}: {meaning}")
            for one in found[:MOST_NAMED]:
                print(f"    {one}")


def _table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def failed(reason: str) -> None:
    """Prints why a run was not possible."""
    print(f"chaos: {reason}", file=sys.stderr, flush=True)


def verdict(good: bool, options: Options) -> None:
    """Prints the last line."""
    again = f"tests/chaos/run --seed {options.seed}"
    print("all guarantees held" if good else f"NOT all guarantees held; repeat with: {again}", flush=True)
