"""Organizations, keys, models and chains on a running server."""
from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from harness.databases import Database
from harness.processes import Program, Unavailable, free_port, inherited_environment

COMMAND_SECONDS = 60
PASSWORD = "a long password\n"


@dataclass(frozen=True)
class Price:
    """Micro-dollars per million tokens. Multiples of a thousand avoid rounding."""

    input: int
    output: int

    def cost(self, input_tokens: int, output_tokens: int) -> int:
        """The cost in nano-dollars."""
        return (input_tokens * self.input + output_tokens * self.output) // 1000


# The fallback chain, in order, with distinct prices.
PRICES = {
    "first": Price(2_500_000, 10_000_000),
    "second": Price(800_000, 4_000_000),
    "third": Price(150_000, 600_000),
}
CHAIN = list(PRICES)
# The time limit of a call that hangs. The last model of the chain never hangs and has no limit.
TIME_LIMITS_MS = {"first": 1_000, "second": 1_000, "third": 30_000}


@dataclass(frozen=True)
class Key:
    """An API key and its organization."""

    organization: str  # 32 hexadecimal digits
    text: str


class Installation:
    """A server on a database, with the keys needed to call it."""

    def __init__(self, database: Database, provider_port: int, folder: Path, settings: dict[str, str] | None = None):
        self.database = database
        self.keys: list[Key] = []
        self.never_issued = ""
        self.revoked = ""
        self._made: list[dict] = []  # the organizations, as printed by `org create`
        self._folder = folder
        self._provider_port = provider_port
        self._environment = {
            "DATABASE_URL": database.url,
            "FAILSOFT_DRAIN_NOTICE_SECONDS": "0",
            "FAILSOFT_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "FAILSOFT_ALLOW_PRIVATE_UPSTREAMS": "127.0.0.1/32",
            # Keeps a failing model out of cooldown, so that it is called and fails every time.
            "FAILSOFT_COOLDOWN": "false",
            "FAILSOFT_LOG": "warn",
            # Used by this run only. SQLite has no spool.
            "FAILSOFT_SPOOL": str(folder / f"spool-{secrets.token_hex(4)}.db"),
            **(settings or {}),
        }
        self.server = self.program()

    def program(self, file_blocks: int | None = None, port: int | None = None) -> Program:
        """A server that is not started yet; optionally limits its files to `file_blocks` KiB each."""
        port = port or free_port()
        serve = [os.environ["FAILSOFT_BIN"], "serve", "--listen", f"127.0.0.1:{port}"]
        log = self._folder / "server.log"
        if file_blocks is not None:
            # Makes a write beyond the limit an error, as on a full disk, instead of a signal. The log goes through a
            # pipe because the limit does not apply to pipes.
            limit = f"exec > >(cat >>'{log}') 2>&1; trap '' XFSZ; ulimit -f {file_blocks}; exec \"$@\""
            serve = ["bash", "-c", limit, "bash", *serve]
        return Program(serve, port, log, self._environment, self._folder)

    async def furnish(self, organizations: int, keys: int) -> None:
        """Creates everything, and leaves the server running. The first organization has the revoked key."""
        await asyncio.to_thread(self._found, organizations)
        self.server.start()
        await self.server.ready()
        await asyncio.to_thread(self._fill, keys)

    def _found(self, organizations: int) -> None:
        self._made = [self._organization(self._environment, number) for number in range(organizations)]
        foreign = self._folder / f"elsewhere-{secrets.token_hex(4)}.db"
        elsewhere = {**self._environment, "DATABASE_URL": f"sqlite://{foreign}?mode=rwc"}
        # A key with a valid checksum that was never issued.
        self.never_issued = self._organization(elsewhere, 0)["api_key"]

    def _fill(self, keys: int) -> None:
        for organization in self._made:
            admin = organization["api_key"]
            self._catalog(admin)
            for number in range(keys):
                key = self._post(admin, "/v1/identity/api-keys", {"name": f"app {number}", "scopes": ["inference"]})
                self.keys.append(Key(organization["organization_id"].replace("-", ""), key["key"]))
        admin = self._made[0]["api_key"]
        gone = self._post(admin, "/v1/identity/api-keys", {"name": "gone", "scopes": ["inference"]})
        self._call(admin, "DELETE", f"/v1/identity/api-keys/{gone['id']}", None)
        self.revoked = gone["key"]

    def _catalog(self, admin: str) -> None:
        base = f"http://127.0.0.1:{self._provider_port}/v1"
        fields = {"name": "chaos", "preset": "custom", "base_url": base, "credential": "sk-of-the-chaos-provider"}
        provider = self._post(admin, "/v1/model-router/providers", fields)["id"]
        for name, price in PRICES.items():
            # No retries of the same model: after a failure the next model is called.
            model = {"name": name, "provider_id": provider, "upstream_model": name, "num_retries": 0}
            model["price"] = {"input": price.input, "output": price.output}
            model["first_frame_timeout_ms"] = model["answer_timeout_ms"] = TIME_LIMITS_MS[name]
            self._post(admin, "/v1/model-router/models", model)
        self._post(admin, "/fallback", {"model": CHAIN[0], "fallback_models": CHAIN[1:]})

    def _organization(self, environment: dict[str, str], number: int) -> dict:
        command = [os.environ["FAILSOFT_BIN"], "org", "create", "--name", f"chaos {number}"]
        command += ["--email", f"chaos{number}@example.com", "--password-stdin", "--json"]
        done = subprocess.run(
            command, input=PASSWORD, env={**inherited_environment(), **environment}, cwd=self._folder,
            capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )
        if done.returncode:
            raise Unavailable(f"`failsoft org create` failed: {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)

    def _post(self, key: str, path: str, fields: dict) -> dict:
        return json.loads(self._call(key, "POST", path, fields))

    def _call(self, key: str, method: str, path: str, fields: dict | None) -> bytes:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        body = json.dumps(fields).encode() if fields is not None else None
        url = f"http://127.0.0.1:{self.server.port}{path}"
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=COMMAND_SECONDS) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")[:300]
            raise Unavailable(f"{method} {path} was answered {error.code}: {reason}") from None
