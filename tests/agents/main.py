"""Claude Code and Codex edit a file while the first model of their chain fails, without any network. See tests/agents/run."""

import contextlib
import fcntl
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

from databases import BINARY, OnSqlite
from installation import Installation
from quick_start import snippets
from upstream import Upstream

PROGRAMS = pathlib.Path(os.environ["FAILSOFT_AGENTS"]) / "node_modules/.bin"
PROMPT = "Fix the typo in greeting.txt."


class Trial:
    """A folder with a file, an agent in it, and a server with a chain of two models that can edit the file."""

    def __init__(self, test, stack, model, presets):
        """`model` is the name of the first model, and `presets` are those of the providers of both."""
        self.test = test
        self.home, self.folder = (pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))
        self.file = self.folder / "greeting.txt"
        self.file.write_text("hello wrold\n")
        self.upstream = Upstream(self.folder)
        stack.callback(self.upstream.close)
        self.here = Installation(BINARY, OnSqlite.database_url(stack), stack, self.upstream.address)
        self.model = model
        for name, preset in zip((model, "behind"), presets):
            base_url = f"http://{self.upstream.address}/v1"
            fields = {"name": preset, "preset": preset, "base_url": base_url, "credential": "a-credential-of-the-test"}
            provider = self.here.create("/v1/model-router/providers", **fields)
            fields = {"name": name, "provider_id": provider, "upstream_model": name, "num_retries": 0}
            self.here.create("/v1/model-router/models", **fields)
        status, answer = self.here.call("POST", "/fallback", {"model": model, "fallback_models": ["behind"]})
        test.assertEqual(status, 200, answer)

    def run(self, command, **environment):
        """Runs a command in the folder, as a person with the agents in the PATH would, and returns what it printed."""
        kept = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOME": str(self.home), "TERM": "dumb", "LANG": "C.UTF-8"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=kept | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
        )
        said = f"{done.stdout}\n{done.stderr}\n{self.upstream.answered}\n{self.here.server.logged()}"
        self.test.assertEqual(done.returncode, 0, said)
        return done.stdout

    def snippet(self, label):
        """A snippet of the quick start, for the first model."""
        return re.sub(r"\b(claude-)?smart\b", self.model, snippets(self.here.url, self.here.key)[label])

    def claude_code(self):
        """Claude Code as the quick start has it, with a prompt."""
        # It would look for updates and send statistics.
        quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
        return self.run(f"{self.snippet('Claude Code')} --print '{PROMPT}' --permission-mode acceptEdits", **quiet)

    def codex(self):
        """Codex as the quick start has it, with a prompt."""
        configuration = self.home / ".codex/config.toml"
        configuration.parent.mkdir()
        configuration.write_text(self.snippet("Codex"))
        command = f"codex exec --skip-git-repo-check --sandbox workspace-write '{PROMPT}'"
        return self.run(command, FAILSOFT_KEY=self.here.key)

    def rows(self):
        """The requests of the agent that offered tools, oldest first."""
        status, page = self.here.call("GET", "/v1/model-router/requests", limit=50)
        self.test.assertEqual(status, 200, page)
        return page["items"][::-1]


class Agents(unittest.TestCase):
    """The agents, each with chains of both orders of dialects, of which the first model fails at once or in the middle."""

    def assert_edits(self, model, agent, endpoint):
        """Checks the file, what the models saw, and the request log."""
        for presets in [("custom-messages", "custom"), ("custom", "custom-messages")]:
            for answers in (0, 1):
                with self.subTest(model=model, presets=presets, answers=answers), contextlib.ExitStack() as stack:
                    trial = Trial(self, stack, model, presets)
                    trial.upstream.answers[model] = answers
                    self.assertIn("The typo is fixed.", agent(trial))
                    self.assertEqual(trial.file.read_text(), "hello world\n")
                    models = [name for name, _ in trial.upstream.answered]
                    self.assertEqual(models, [model] * answers + ["behind"] * (3 - answers))
                    results = trial.upstream.answered[-1][1]
                    self.assertEqual(len(results), 2)
                    self.assertIn("hello wrold", str(results[0]))
                    rows = trial.rows()
                    self.assertEqual([row["served_model"] for row in rows], models)
                    self.assertEqual({(row["endpoint"], row["outcome"]) for row in rows}, {(endpoint, "answered")})
                    self.assertEqual(len({row["session_id"] for row in rows}), 1)
                    self.assertTrue(rows[0]["session_id"])
                    self.assertEqual(rows[answers]["attempts"][0]["error_class"], "overloaded")

    def test_claude_code(self):
        self.assert_edits("claude-smart", Trial.claude_code, "/v1/messages")

    def test_codex(self):
        self.assert_edits("smart", Trial.codex, "/v1/responses")

    def test_codex_with_tools_of_free_text(self):
        # Codex knows a model by this name, and offers it a tool with free text, in the input.
        self.assert_edits("gpt-5.6-sol", Trial.codex, "/v1/responses")


def raise_loopback():
    """Switches the only device of this network on. There must be no other."""
    devices = [name for _, name in socket.if_nameindex()]
    if devices != ["lo"]:
        raise SystemExit(f"agents: this network has {', '.join(devices)}; use tests/agents/run")
    with socket.socket() as any_socket:
        # SIOCSIFFLAGS with IFF_UP and IFF_RUNNING.
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 0x41))


if __name__ == "__main__":
    raise_loopback()
    for program in ("claude", "codex"):
        version = subprocess.run([PROGRAMS / program, "--version"], capture_output=True, text=True, timeout=60).stdout
        print(f"{program} {re.sub(r'[^0-9.]', '', version)}", flush=True)
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Agents)
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    sys.exit(0 if result.wasSuccessful() else 1)
