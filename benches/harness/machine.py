"""The machine: which cores are used, its limits, and its description."""
from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
OPEN_FILES_NEEDED = 12_000  # a gateway with 5,000 streams holds two sockets for each


class Unavailable(Exception):
    """Something cannot be measured here; the message says why and what would help."""


def choose_cores(asked: tuple[int, int] | None) -> tuple[int, int]:
    """The core of the load generator and the provider, and the gateway's core."""
    if asked:
        return asked
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Unavailable("two cores are required: one for the gateway, one for the load and the provider")
    return allowed[0], allowed[1]


def stay_on(core: int) -> None:
    """Pins this process, and the processes it starts from now on, to one core."""
    try:
        os.sched_setaffinity(0, {core})
    except OSError:
        raise Unavailable(f"core {core} cannot be used here") from None


def allow_many_files() -> str | None:
    """Raises the limit of open files as far as possible; returns a message if it is too low for 5,000 streams."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES_NEEDED:
        return f"a process may open only {hard} files here; 5,000 streams need {OPEN_FILES_NEEDED}"
    return None


def free_port() -> int:
    """A loopback port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def busy_seconds(core: int) -> float:
    """How long a core has been busy since boot, including interrupts."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq = map(int, ticks[:7])
            return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
    raise Unavailable(f"/proc/stat has no core {core}")


def describe(work: Path) -> dict:
    """Facts about the machine that a reader of the figures needs."""
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)
    disk = subprocess.run(["stat", "-f", "-c", "%T", str(work)], capture_output=True, text=True, check=False)
    return {
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "processor": model[1] if model else "unknown",
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory[1]) / 1024 / 1024) if memory else None,
        "kernel": os.uname().release,
        "database_disk": disk.stdout.strip() or "unknown",
        "load_before": round(os.getloadavg()[0], 2),
    }
