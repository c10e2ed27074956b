"""Failed starts must not reveal secrets, and a SQLite file has only one server."""
from __future__ import annotations

import os
import stat

from harness.report import Case

CANARY = "s3cr3t-canary-8841"
COMMANDS = [["serve", "--listen", "127.0.0.1:0"], ["migrate"], ["check"],
            ["org", "create", "--name", "x", "--email", "x@example.com", "--password-stdin"],
            ["user", "reset-link", "x@example.com"], ["rotate-master-key"]]
# What a command does not read it cannot refuse: migrations need no key, and --listen goes before the variable.
UNUSED = [("migrate", "FAILSOFT_MASTER_KEY"), ("serve", "FAILSOFT_METRICS_TOKEN")]


def canaries(world):
    """malformed settings that contain a secret, for every command"""
    addresses = [f"postgres://user:{CANARY}#x@127.0.0.1:1/db", f"postgres://user:{CANARY}/x@127.0.0.1:1/db", f"postgres://user:{CANARY}?x@127.0.0.1:1/db",
                 f"postgres://user:{CANARY}@127.0.0.1:port/db", f"postgres://user:{CANARY}@127.0.0.1:99999/db", f"postgres://user:{CANARY}@127.0.0.1:1/db",
                 f"postgres://user:{CANARY}@[::1/db", f"postgres://user:{CANARY} x@127.0.0.1/db", f"postgre://user:{CANARY}@127.0.0.1/db",
                 f"postgres://user:{CANARY}%zz@127.0.0.1:1/db", f"postgres:{CANARY}", f"{CANARY}", f"mysql://user:{CANARY}@127.0.0.1/db",
                 f"postgres://127.0.0.1:1/db?password={CANARY}&sslmode=nonsense"]
    settings = [{"DATABASE_URL": address} for address in addresses]
    settings += [{"FAILSOFT_MASTER_KEY": CANARY}, {"FAILSOFT_METRICS_TOKEN": CANARY, "FAILSOFT_LISTEN": CANARY}]
    for setting in settings:
        for command in COMMANDS:
            tried = {"FAILSOFT_LOG": "trace", **setting}
            done = world.server.command(command, "a password of some length\n", tried)
            said = done.stdout + done.stderr
            refused = done.returncode not in (0, 124) or (command[0], *setting)[:2] in UNUSED
            held = CANARY not in said and refused and "panicked" not in said
            yield Case(f"{command[0]} with {setting}", held, f"exit {done.returncode}: {said[-300:]}")


def second_server(world):
    """a second server on one SQLite file; file permissions"""
    world.organization("acme")
    if world.database != "sqlite":
        yield Case("replicas share PostgreSQL", True)
        return
    second = world.server.command(["serve", "--listen", "127.0.0.1:0"])
    said = second.stdout + second.stderr
    yield Case("a second server", second.returncode not in (0, 124) and "panicked" not in said, said[-300:])
    for file in sorted(world.folder.glob("failsoft.db*")):
        mode = stat.S_IMODE(os.stat(file).st_mode)
        yield Case(f"the mode of {file.name}", mode & 0o077 == 0, oct(mode))


ATTACKS = [canaries, second_server]
