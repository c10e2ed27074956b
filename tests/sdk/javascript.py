"""The official clients for JavaScript against models of both dialects, on each database: they call tools, and their models fail in
the middle. What they do is in tests/sdk/javascript. See tests/sdk/run.

"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from catalog import Catalog
from databases import OnPostgres, OnSqlite, needs_postgres

SCRIPTS = pathlib.Path(__file__).parent / "javascript"
MODULES = pathlib.Path(os.environ.get("FAILSOFT_SDK_MODULES", pathlib.Path.home() / ".cache/failsoft/sdk"))


class JavaScript(Catalog):
    """What an app in Node.js does. The subclasses choose the database."""

    outside = {"compatible": ("custom", "/v1"), "native": ("custom-messages", "/v1")}
    # The first two fail in turn.
    answering = {"gpt": "compatible", "claude": "native", "gpt-steady": "compatible", "claude-steady": "native"}

    @classmethod
    def new_clients(cls):
        # Node.js looks for packages beside the script.
        cls.folder = tempfile.mkdtemp(prefix="failsoft-sdk-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for script in SCRIPTS.glob("*.mjs"):
            shutil.copy(script, cls.folder)
        os.symlink(MODULES / "node_modules", f"{cls.folder}/node_modules")
        return {}

    def run_script(self, name):
        environment = os.environ | {
            "FAILSOFT_URL": self.here.url,
            "FAILSOFT_KEY": self.here.key,
            "FAILSOFT_MODELS": json.dumps(self.models),
        }
        command = ["node", f"{self.folder}/{name}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_openais_sdk(self):
        self.run_script("openai.mjs")

    def test_anthropics_sdk(self):
        self.run_script("anthropic.mjs")

    def test_vercels_sdk(self):
        self.run_script("vercel.mjs")


class JavaScriptOnSqlite(OnSqlite, JavaScript, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class JavaScriptOnPostgres(OnPostgres, JavaScript, unittest.TestCase):
    """With PostgreSQL."""
