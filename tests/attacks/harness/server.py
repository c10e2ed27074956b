"""A server on a database, its organizations and their resources."""
from __future__ import annotations

import base64
import http.client
import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
CALL_SECONDS = 60
COMMAND_SECONDS = 20
PASSWORD = "correct horse battery staple"


class Unavailable(Exception):
    """Something cannot be done here; the message says why."""


def own_environment() -> dict[str, str]:
    """The environment without the developer's own Failsoft settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("FAILSOFT_", "DATABASE_URL"))}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Answer:
    """Status, lowercase headers, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


def call(port: int, method: str, path: str, body: bytes | dict | None = None, headers: dict[str, str] | None = None,
         seconds: float = CALL_SECONDS) -> Answer:
    """One request on its own connection; status 0 if there was no response."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, body, {"content-type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, {}, repr(error).encode())
    finally:
        connection.close()


class Organization:
    """An organization with an owner and a key with every scope."""

    def __init__(self, server: Server, name: str):
        self.server = server
        self.email = f"owner-{secrets.token_hex(4)}@example.com"
        made = server.command(["org", "create", "--name", name, "--email", self.email, "--password-stdin", "--json"],
                              PASSWORD + "\n")
        if made.returncode:
            raise Unavailable(f"`failsoft org create` failed: {made.stderr.strip()[-300:]}")
        created = json.loads(made.stdout)
        self.id, self.key = created["organization_id"], created["api_key"]

    def call(self, method: str, path: str, body=None, key: str | None = None, **more) -> Answer:
        return call(self.server.port, method, path, body, {"authorization": f"Bearer {key or self.key}"}, **more)

    def create(self, path: str, **fields) -> dict:
        answer = self.call("POST", path, fields)
        if answer.status not in (200, 201):
            raise Unavailable(f"POST {path} {fields}: {answer.status} {answer.text[:300]}")
        return answer.json()

    def provider(self, port: int, credential: str = "sk-of-the-provider-1234567890abcdef") -> str:
        return self.create("/v1/model-router/providers", name=f"p{secrets.token_hex(3)}", preset="custom",
                           credential=credential, base_url=f"http://127.0.0.1:{port}/v1")["id"]

    def model(self, provider: str, upstream: str, **fields) -> str:
        name = fields.pop("name", upstream)
        self.create("/v1/model-router/models", name=name, provider_id=provider, upstream_model=upstream, num_retries=0,
                    **fields)
        return name

    def chat(self, model: str, text: str = "Hello", key: str | None = None, seconds: float = CALL_SECONDS, **fields) -> Answer:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        headers = fields.pop("headers", {})
        body.pop("headers", None)
        return call(self.server.port, "POST", "/v1/chat/completions", body,
                    {"authorization": f"Bearer {key or self.key}", **headers}, seconds)


class Server:
    """`failsoft serve` on its own database."""

    def __init__(self, folder: Path, database: str, provider_port: int, settings: dict[str, str] | None = None):
        self.folder = folder
        self.database = database
        self.port = free_port()
        self.log = folder / "server.log"
        self.environment = {
            "DATABASE_URL": self._database_url(folder, database),
            "FAILSOFT_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "FAILSOFT_ALLOW_PRIVATE_UPSTREAMS": f"127.0.0.1/32:{provider_port}",
            "FAILSOFT_SPOOL": str(folder / "spool.db"),
            "FAILSOFT_LOG": "warn",
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def _database_url(self, folder: Path, database: str) -> str:
        if database == "sqlite":
            return f"sqlite://{folder / 'failsoft.db'}?mode=rwc"
        server = os.environ["FAILSOFT_TEST_POSTGRES_URL"]
        name = f"attacks_{secrets.token_hex(6)}"
        done = subprocess.run(["psql", server, "-qc", f"CREATE DATABASE {name}"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"cannot make a database: {done.stderr.strip()[-300:]}")
        return f"{server.rpartition('/')[0]}/{name}"

    def command(self, arguments: list[str], text: str = "", environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        """A command that does not end in time has exit code 124, as with `timeout`."""
        command = [os.environ["FAILSOFT_BIN"], *arguments]
        try:
            return subprocess.run(command, input=text, cwd=self.folder, capture_output=True, text=True, timeout=COMMAND_SECONDS,
                                  env={**own_environment(), **self.environment, **(environment or {})}, check=False)
        except subprocess.TimeoutExpired as late:
            said = [(part or b"").decode(errors="replace") for part in (late.stdout, late.stderr)]
            return subprocess.CompletedProcess(command, 124, *said)

    def start(self, prefix: list[str] | None = None) -> None:
        serve = [os.environ["FAILSOFT_BIN"], "serve", "--listen", f"127.0.0.1:{self.port}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*(prefix or []), *serve], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**own_environment(), **self.environment}, cwd=self.folder)
        until = time.time() + START_SECONDS
        while time.time() < until and self.process.poll() is None:
            if call(self.port, "GET", "/readyz", seconds=2).status == 200:
                return
            time.sleep(0.05)
        raise Unavailable(f"the server did not start: {self.log.read_text(errors='replace')[-500:]}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def memory_mib(self, key: str = "VmHWM") -> float:
        """Its peak resident memory, or with `VmRSS` its current memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", status, re.M)[1]) / 1024

    def forget_peak(self) -> None:
        """Resets the peak that `memory_mib` reports."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def rows(self, statement: str) -> list[tuple]:
        """Queries the database directly."""
        if self.database == "sqlite":
            connection = sqlite3.connect(self.folder / "failsoft.db", timeout=30)
            try:
                return connection.execute(statement).fetchall()
            finally:
                connection.close()
        done = subprocess.run(["psql", self.environment["DATABASE_URL"], "-qAtF", "\t", "-c", statement], capture_output=True,
                              text=True, check=True)
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]
