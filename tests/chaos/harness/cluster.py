"""A temporary PostgreSQL server that can be stopped, frozen, and started again.

Uses the server programs that `.ci/with-postgres` finds. Unlike the server that `.ci/with-postgres` shares between tests,
this one keeps what it has acknowledged when it is stopped at once, as a production server does. That makes it slower.

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
# A power loss is not simulated, so the kernel's buffers are safe. The server's own memory is not.
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
    """One server, with its own port and folder. It is started on construction."""

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
        """The URL of a database, at the server itself or at a port that forwards to it."""
        return f"postgres://failsoft@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        self._run("pg_ctl", "start", "-D", self._data, "-w", "-t", "60", "-l", self._folder / "server.log")

    def stop(self) -> None:
        """Stops the server immediately, like a crash."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "immediate", "-w")

    def freeze(self) -> None:
        """Freezes all of the server's processes. The kernel still accepts connections for it."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)  # first, so that it starts no others
        children = _children(first)
        for child in children:
            os.kill(child, signal.SIGSTOP)
        self._frozen = [*children, first]

    def thaw(self) -> None:
        """Resumes the frozen processes."""
        for process in self._frozen:
            try:
                os.kill(process, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self._frozen = []

    def remove(self) -> None:
        """Stops the server permanently."""
        self.thaw()
        try:
            self.stop()
        except Unavailable:
            pass  # already stopped

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.getuid() == 0:
            user = pwd.getpwnam(self._user)
            command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]
        # A server that outlives this command would keep a pipe open, so the output goes to a file.
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
        raise Unavailable("psql is required to create and read databases")
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
    raise Unavailable("running as root requires a user 'postgres' or 'nobody' for PostgreSQL")


def _children(parent: int) -> list[int]:
    """The processes that the server started. They are listed twice, in case one was just being started."""
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
