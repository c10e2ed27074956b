"""Runs the scenarios."""
from __future__ import annotations

import asyncio
import signal
import sys

from harness import away, disk, doctored, kill, report
from harness.options import Options, parse
from harness.place import Place
from harness.processes import Unavailable


def main() -> int:
    """Runs what the command line asks for; returns the exit code."""
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # exits through the cleanup code
    unseen = doctored.complaints()
    report.self_test(len(doctored.FAULTS), unseen)
    if unseen or not options.scenarios:
        return 1 if unseen else 0
    report.heading(options)
    try:
        good = asyncio.run(_run(options))
    except Unavailable as reason:
        report.failed(str(reason))
        return 1
    except KeyboardInterrupt:
        return 130
    report.verdict(good, options)
    return 0 if good else 1


async def _run(options: Options) -> bool:
    place = Place()
    good = True
    try:
        if "kill" in options.scenarios:
            runs = [await kill.run(place, name, options, report.progress) for name in options.databases]
            report.kills(runs)
            good &= all(run.good for run in runs)
        if "away" in options.scenarios and "postgres" in options.databases:
            absences = [await away.run(place, absence, options, report.progress) for absence in options.absences]
            report.absences(absences)
            good &= all(run.good for run in absences)
        if "disk" in options.scenarios:
            disks = [await disk.run(place, name, options, report.progress) for name in options.databases]
            report.disks(disks)
            good &= all(run.good for run in disks)
    finally:
        await place.leave()
    return good
