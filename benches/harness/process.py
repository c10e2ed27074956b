"""A process on one core: started, observed from outside, stopped."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

GRACE_SECONDS = 15  # between the stop request and the kill
CPU_CLOCK_OF_A_PROCESS = 2  # CPUCLOCK_SCHED in the kernel's clock ids


def inherited_environment() -> dict[str, str]:
    """The runner's environment without the developer's own Failsoft settings, which would affect the measurement."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("FAILSOFT_", "DATABASE_URL"))}


class PinnedProcess:
    """Every target runs in a single process, so its clock and memory cover all of it."""

    def __init__(self, command: list[str], core: int, log: Path, environment: dict[str, str] | None = None):
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**inherited_environment(), **(environment or {})},
                start_new_session=True,  # an interrupt reaches only the runner, which stops it cleanly
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )

    def is_running(self) -> bool:
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """CPU time so far, including ended threads. From the scheduler, which is finer than the ticks of /proc."""
        clock = (~self._process.pid << 3) | CPU_CLOCK_OF_A_PROCESS
        return time.clock_gettime(clock)

    def memory_mb(self) -> float:
        """Resident memory now."""
        return self._status("VmRSS")

    def forget_peak(self) -> None:
        """Resets the peak to the current resident memory."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def peak_memory_mb(self) -> float:
        """The peak resident memory since the last reset."""
        return self._status("VmHWM")

    def stop(self) -> None:
        """Asks it to stop, and kills it after the grace period."""
        if self.is_running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def last_words(self) -> str:
        """The end of its log, for the message if it did not start."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:])[-500:]

    def _status(self, key: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(rf"^{key}:\s+(\d+) kB", status, re.M)
        return int(found[1]) / 1024 if found else 0.0
