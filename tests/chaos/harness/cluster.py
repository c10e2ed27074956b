"""A throw-away PostgreSQL that can be stopped, frozen, and started again. Imports `processes`.

`.ci/with-postgres` gives tests one to share; the programs that it finds are used here, too. This one keeps what it has
acknowledged when it is stopped at once, as a real one does, which costs it speed.
"""
from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness.processes import Unavailable, free_port

WITH_POSTGRES = Path(__file__).resolve().parents[3] / ".ci" / "with-postgres"
COMMAND_SECONDS = 120
# Nobody pulls the power cord: what the kernel has is safe. What is still in the server's own memory must not count.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
port = {port}
max_connections = 100
shared_buffers = 128MB
fsync = off
synchronous_commit = on
full_page_writes = off
"""


class Cluster:
    """One server, on a port and in a folder of its own. It runs from the start on."""

    def __init__(self, folder: Path):
        self._programs = _programs()
        self._user = _server_user()
        self._folder = folder / "cluster"
        self._folder.mkdir()
        self._data = self._folder / "data"
        self.port = free_port()
        self._frozen: list[int] = []
        if os.getuid() == 0:
            shutil.chown(self._folder, self._user)
            folder.chmod(0o755)
        self._run("initdb", "-D", self._data, "-U", "failsoft", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(folder=self._folder, port=self.port))
        self.start()

    def url(self, database: str, port: int | None = None) -> str:
        """The address of a database, at the server itself or at a port that leads to it."""
        return f"postgres://failsoft@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Starts it; returns when it answers."""
        self._run("pg_ctl", "start", "-D", self._data, "-w", "-t", "60", "-l", self._folder / "server.log")

    def stop(self) -> None:
        """Ends it without a farewell, as a crash would."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "immediate", "-w")

    def freeze(self) -> None:
        """Stops every process of it where it is. The kernel goes on taking connections for it."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)  # first, so that it makes no new ones
        children = _children(first)
        for child in children:
            os.kill(child, signal.SIGSTOP)
        self._frozen = [*children, first]

    def thaw(self) -> None:
        """Lets them go on."""
        for process in self._frozen:
            try:
                os.kill(process, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self._frozen = []

    def remove(self) -> None:
        """Ends it for good."""
        self.thaw()
        try:
            self.stop()
        except Unavailable:
            pass  # it was stopped already

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.getuid() == 0:
            user = pwd.getpwnam(self._user)
            command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]
        # A server that it leaves behind would hold a pipe open: its words go to a file.
        said = self._folder.parent / f"{program}.log"
        with said.open("w") as output:
            done = subprocess.run(
                command, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=COMMAND_SECONDS,
                check=False, start_new_session=True,
            )
        if done.returncode:
            raise Unavailable(f"{program} failed: {said.read_text()[-500:]}")


def _programs() -> Path:
    found = subprocess.run([WITH_POSTGRES, "--find"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise Unavailable("no PostgreSQL 15 or newer here; run .ci/setup, or choose --databases sqlite")
    if not shutil.which("psql"):
        raise Unavailable("psql is needed to make databases and to read them")
    return Path(found.stdout.strip())


def _server_user() -> str:
    """PostgreSQL refuses to run as root."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Unavailable("root needs a user 'postgres' or 'nobody' for PostgreSQL")


def _children(parent: int) -> list[int]:
    """The processes that it started. They are looked for twice: one may have been on its way."""
    found: set[int] = set()
    for _ in range(2):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.add(int(stat.parent.name))
        time.sleep(0.01)
    return sorted(found)
