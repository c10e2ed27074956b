"""The programs that a run needs: compiled or installed, or the reason why they are unavailable."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.machine import Unavailable

BENCHES = Path(__file__).resolve().parent.parent
PROJECT = BENCHES.parent
# Where cargo builds, as in the Makefile, and the folder there for a run's output.
TARGET = Path(
    os.environ.get("CARGO_TARGET_DIR")
    or os.environ.get("FAILSOFT_BUILD_CACHE")
    or PROJECT / "target"
)
SCRATCH = TARGET / "bench"


def bench_programs() -> Path:
    """Builds the provider, the load generator and the forwarder; returns their folder."""
    return _cargo_build(BENCHES, "release", ["--bins"])


def failsoft() -> Path:
    """The binary that ships: FAILSOFT_BINARY if set, otherwise built from the working tree."""
    given = os.environ.get("FAILSOFT_BINARY")
    if given:
        binary = Path(given).resolve()
    else:
        binary = _cargo_build(PROJECT, "dist", ["--bin", "failsoft"]) / "failsoft"
    if not binary.is_file():
        raise Unavailable(f"there is no Failsoft binary at {binary}")
    return binary


def nginx() -> Path:
    """nginx, installed with apt if missing."""
    found = _find_nginx()
    if found:
        return found
    if not shutil.which("apt-get"):
        raise Unavailable("nginx is not installed and there is no apt-get: install nginx manually")
    if os.geteuid() != 0:
        raise Unavailable("nginx is not installed and only root can install it: run `apt-get install -y nginx-light` once")
    print("installing nginx-light ...", file=sys.stderr, flush=True)
    install = ["apt-get", "install", "-y", "--no-install-recommends", "nginx-light"]
    # The package list may be missing or stale, so a failure is retried once with a fresh list.
    done = _apt(install) or (_apt(["apt-get", "update"]) and _apt(install))
    found = _find_nginx()
    if not done or not found:
        raise Unavailable("nginx is not installed and `apt-get install -y nginx-light` failed")
    return found


def _find_nginx() -> Path | None:
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def _apt(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode == 0


def _cargo_build(package: Path, profile: str, what: list[str]) -> Path:
    command = ["cargo", "build", "--profile", profile, "--locked", *what]
    built = subprocess.run(command, cwd=package, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)}, check=False)
    if built.returncode:
        raise Unavailable(f"`{' '.join(command)}` failed in {package}")
    return TARGET / profile
