"""Validates the OpenAPI document, generates a client from it, and calls the server with that client.

Run it with `make openapi`, or see tests/openapi/run.

"""

import contextlib
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import uuid

from openapi_spec_validator import OpenAPIV31SpecValidator

from installation import Installation

BINARY = os.environ["FAILSOFT_BIN"]
POSTGRES_URL = os.environ.get("FAILSOFT_TEST_POSTGRES_URL")
PACKAGE = "failsoft_generated"


class Description:
    """What a customer does with `/openapi.json`. The subclasses choose the database."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.here = Installation(BINARY, cls.database_url(stack), stack)
            with urllib.request.urlopen(f"{cls.here.url}/openapi.json", timeout=60) as answer:
                cls.document = json.load(answer)
            cls.addClassCleanup(stack.pop_all().close)

    def test_it_is_valid(self):
        faults = [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in OpenAPIV31SpecValidator(self.document).iter_errors()]
        self.assertEqual(faults, [])

    def test_every_operation_says_who_may_call_it(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                self.assertIn("security", operation, f"{method} {path}")

    def test_a_generated_client_works(self):
        client = self.generated()
        models = importlib.import_module(f"{PACKAGE}.models")
        with client.AuthenticatedClient(base_url=self.here.url, token=self.here.key, raise_on_unexpected_status=True) as caller:
            provider = self.call("model_router.create_provider", caller, body=models.NewProviderBody(name="simulated", preset="simulated"))
            for name, upstream in (("smart", "sim/error-503"), ("steady", "sim/steady")):
                body = models.NewModelBody(name=name, provider_id=provider.id, upstream_model=upstream, num_retries=0)
                self.assertEqual(self.call("model_router.create_model", caller, body=body).name, name)
            self.call("fallbacks.set_fallback", caller, body=models.FallbackRequest(model="smart", fallback_models=["steady"]))
            message = models.ChatMessage(role="user", content="Are you there?")
            request = models.ChatCompletionRequest(model="smart", messages=[message])
            # Undocumented members pass through.
            request["temperature"] = 0.5
            answer = self.call("inference.create_chat_completion", caller, body=request)
            self.assertEqual((answer.model, answer.provider), ("steady", "simulated"))
            self.assertTrue(answer.choices[0].message.content)
            names = [model.id for model in self.call("inference.get_v1_models", caller).data]
            self.assertEqual(names, ["smart", "steady"])
            events = self.call("model_router.list_fallback_events", caller, failed_model="smart").items
            self.assertEqual([event.failed_model for event in events], ["smart"])
            missing = self.call("model_router.read_model", caller, id=uuid.UUID(int=0))
            self.assertEqual(type(missing).__name__, "ErrorResponse")

    def generated(self):
        """The package that is generated from the document; generator warnings are errors in the document."""
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(subprocess.run, ["rm", "-r", str(folder)], check=True)
        (folder / "openapi.json").write_text(json.dumps(self.document))
        # The generator reads text, but does not know this media type.
        overrides = {"content_type_overrides": {"application/openmetrics-text": "text/plain"}}
        (folder / "config.json").write_text(json.dumps(overrides))
        command = ["openapi-python-client", "generate", "--meta", "none", "--fail-on-warning"]
        command += ["--path", str(folder / "openapi.json"), "--output-path", str(folder / PACKAGE)]
        command += ["--config", str(folder / "config.json")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # Each database has its own server, and a package generated from its document.
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        sys.path.insert(0, str(folder))
        self.addCleanup(sys.path.remove, str(folder))
        importlib.invalidate_caches()
        return importlib.import_module(PACKAGE)

    def call(self, operation, caller, **arguments):
        """Calls an operation of the generated package and returns its parsed response."""
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        answer = module.sync(client=caller, **arguments)
        self.assertIsNotNone(answer, operation)
        return answer


class OnSqlite(Description, unittest.TestCase):
    """Runs on the embedded database."""

    @classmethod
    def database_url(cls, stack):
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        return f"sqlite://{folder}/failsoft.db?mode=rwc"


@unittest.skipUnless(POSTGRES_URL, "FAILSOFT_TEST_POSTGRES_URL is not set")
class OnPostgres(Description, unittest.TestCase):
    """Runs on a new database in the temporary PostgreSQL."""

    @classmethod
    def database_url(cls, stack):
        base, _, _ = POSTGRES_URL.rpartition("/")
        name = f"openapi_{uuid.uuid4().hex}"
        subprocess.run(["psql", POSTGRES_URL, "-qc", f"CREATE DATABASE {name}"], check=True)
        return f"{base}/{name}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
