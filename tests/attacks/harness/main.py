"""Runs every attack on every database, each in its own world, and counts the results."""
from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from pathlib import Path

from attacks import addresses, edges, identity, memory, money, requests, rights, shares
from harness.provider import Provider
from harness.report import Case, Report
from harness.server import Organization, Server, Unavailable

SECTIONS = [money, requests, rights, identity, addresses, edges, shares, memory]


class World:
    """A running server, and a provider."""

    def __init__(self, folder: Path, database: str, provider: Provider, seed: int):
        self.folder = folder
        self.database = database
        self.provider = provider
        self.random = random.Random(seed)
        self.server = Server(folder, database, provider.port)

    def organization(self, name: str) -> Organization:
        """A new organization; starts the server if it is not running yet."""
        organization = Organization(self.server, name)
        if self.server.process is None:
            self.server.start()
        # Created by another process: the server polls for such changes every second.
        until = time.time() + 10
        while organization.call("GET", "/v1/identity/whoami").status == 401 and time.time() < until:
            time.sleep(0.1)
        return organization

    def calls(self) -> int:
        return sum(self.provider.calls.values())


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    names = [section.__name__.rpartition(".")[2] for section in SECTIONS]
    options.add_argument("--only", default=",".join(names), help="sections: " + ", ".join(names))
    options.add_argument("--databases", default=None, help="sqlite,postgres; default: those available")
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--verbose", action="store_true")
    chosen = options.parse_args()
    databases = ["sqlite"] + (["postgres"] if os.environ.get("FAILSOFT_TEST_POSTGRES_URL") else [])
    if chosen.databases:
        databases = chosen.databases.split(",")
    began, report = time.time(), Report(chosen.verbose)
    for database in databases:
        for section in SECTIONS:
            name = section.__name__.rpartition(".")[2]
            if name in chosen.only.split(","):
                run_section(report, database, name, section, chosen.seed)
    print(f"\nattacks: {report.withstood} of {report.tried} withstood, {time.time() - began:.0f} s")
    print(f"{report.withstood} passed, {report.tried - report.withstood} failed")
    return int(report.failed())


def run_section(report: Report, database: str, name: str, section, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="failsoft-attacks-") as folder:
        world = World(Path(folder), database, Provider(), seed)
        try:
            for attack in section.ATTACKS:
                try:
                    cases = list(attack(world))
                except Unavailable as error:
                    cases = [Case("the attack failed to run", False, str(error))]
                report.add(database, name, (attack.__doc__ or attack.__name__).splitlines()[0].rstrip("."), cases)
        finally:
            world.server.stop()
