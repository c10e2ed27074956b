"""A run from beginning to end."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import build, machine, report
from harness.load import LoadGenerator
from harness.machine import Unavailable
from harness.measure import Measurement, OutOfTime
from harness.options import Options, parse
from harness.process import PinnedProcess
from harness.targets import TARGETS
from harness.targets.base import Place, Target
from harness.targets.failsoft import POSTGRES_VARIABLE, FailsoftPostgres, FailsoftSqlite
from harness.targets.provider import Provider

WITH_POSTGRES = build.PROJECT / ".ci" / "with-postgres"


def main() -> int:
    """Measures, or shows an earlier run; returns the exit code."""
    options = parse()
    if options.show:
        report.show(json.loads(options.show.read_text()))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # exits through the cleanup code
    try:
        run = _Run(options)
        run.measure()
    except Unavailable as reason:
        print(f"benches/run: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    report.show(run.results)
    print(f"\nfigures: {run.out}")
    return 0


class _Run:
    """The programs, the folder and the results of one run."""

    def __init__(self, options: Options):
        self._options = options
        self._cores = machine.choose_cores(options.cores)
        self._programs = build.bench_programs()
        self._missing: dict[str, str] = {}
        self._failsoft = self._build_failsoft()
        self._start_postgres_first()
        machine.stay_on(self._cores[1])  # checks that it can be used; this process belongs on the other core
        machine.stay_on(self._cores[0])
        build.SCRATCH.mkdir(parents=True, exist_ok=True)
        # In the build folder and not in /tmp, which may be in memory: the database's commits are part of the figures.
        self._work = Path(tempfile.mkdtemp(prefix="work-", dir=build.SCRATCH))
        self.out = options.out or build.SCRATCH / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
        self.results = {
            "machine": machine.describe(self._work),
            "workloads": options.workloads,
            "connections": options.connections,
            "streams": options.streams,
            "repetitions": options.repetitions,
            "seconds": options.seconds,
            "missing": self._missing,
            "remarks": [remark for remark in [machine.allow_many_files()] if remark],
            "targets": {},
        }

    def measure(self) -> None:
        """All repetitions of all targets; the figures are saved after each."""
        port = machine.free_port()
        command = [str(self._programs / "bench-provider"), f"127.0.0.1:{port}"]
        provider = PinnedProcess(command, self._cores[0], self._work / "provider.log")
        try:
            self._measure(Place(self._programs, self._failsoft, provider, port, self._cores[1]))
        except OutOfTime:
            ended = f"the run was stopped after {self._options.minutes:g} minutes; medians are of fewer values"
            self.results["remarks"].append(ended)
        finally:
            provider.stop()
            shutil.rmtree(self._work, ignore_errors=True)

    def _measure(self, place: Place) -> None:
        direct = Provider(place, self._work)
        direct.wait_for("GET", "/calls", None, time.monotonic())
        load = LoadGenerator(self._programs, self._work)
        deadline = time.monotonic() + self._options.minutes * 60
        measurement = Measurement(self._options, load, direct, deadline)
        for repetition in range(self._options.repetitions):
            for name in self._options.targets:
                if name not in self._missing:
                    target = direct if name == Provider.name else TARGETS[name](place, self._folder(name, repetition))
                    print(f"{name}, repetition {repetition + 1}", file=sys.stderr, flush=True)
                    self._repetition(measurement, target, with_idle=repetition == 0)

    def _repetition(self, measurement: Measurement, target: Target, with_idle: bool) -> None:
        target_results = self.results["targets"].setdefault(target.name, {"title": target.title, "repetitions": []})
        figures: dict = {}
        target_results["repetitions"].append(figures)
        try:
            measurement.repetition(target, figures, with_idle)
        except Unavailable as reason:
            print(f"   {reason}", file=sys.stderr, flush=True)
            self._missing[target.name] = figures["failed"] = str(reason)
        finally:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(json.dumps(self.results, indent=1))

    def _folder(self, name: str, repetition: int) -> Path:
        folder = self._work / f"{name}-{repetition}"
        folder.mkdir()
        return folder

    def _build_failsoft(self) -> Path | None:
        wanted = [name for name in self._options.targets if issubclass(TARGETS[name], FailsoftSqlite)]
        if not wanted:
            return None
        try:
            return build.failsoft()
        except Unavailable as reason:
            self._missing.update(dict.fromkeys(wanted, str(reason)))
            return None

    def _start_postgres_first(self) -> None:
        """Restarts under .ci/with-postgres if a database server is needed and not configured. The server
                inherits the core of the load, so that it takes nothing from the gateway's.
        """
        wanted = self._failsoft and FailsoftPostgres.name in self._options.targets
        if not wanted or os.environ.get(POSTGRES_VARIABLE):
            return
        if subprocess.run([WITH_POSTGRES, "--find"], capture_output=True, check=False).returncode:
            return
        load, gateway = self._cores
        machine.stay_on(load)
        again = [str(build.BENCHES / "run"), *sys.argv[1:], "--cores", f"{load},{gateway}"]
        os.execv(WITH_POSTGRES, [str(WITH_POSTGRES), *again])
