"""The examples of the quick start and of docs/ENDPOINTS.md, run as they are written, on each database. See tests/sdk/run."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

from databases import BINARY, OnPostgres, OnSqlite, needs_postgres
from installation import Installation
from quick_start import snippets

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/ENDPOINTS.md"
MODULES = pathlib.Path(os.environ.get("FAILSOFT_SDK_MODULES", pathlib.Path.home() / ".cache/failsoft/sdk"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SOUND = b"ID3\x04" + bytes(200)

# The kinds of models in the examples, by the names of the models.
KINDS = {
    "embed": "embedding",
    "embed-elsewhere": "embedding",
    "instruct": "completion",
    "guard": "moderation",
    "ranker": "rerank",
    "painter": "image",
    "listener": "transcription",
    "speaker": "speech",
}
USAGE = {"prompt_tokens": 4, "total_tokens": 4}
TOKENS = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def answer_of(path, body):
    """What a provider answers: the type and the body. Forms are not read."""
    asked = json.loads(body) if body.startswith(b"{") else {}
    form, model = "application/json", asked.get("model", "upstream")
    match path.removeprefix("/v1"):
        case "/embeddings":
            found = [{"object": "embedding", "index": index, "embedding": [0.5, 0.25]} for index in range(2)]
            answer = {"object": "list", "data": found, "model": model, "usage": USAGE}
        case "/completions":
            completion = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": model}
            answer = completion | {"choices": [{"index": 0, "text": " there was", "finish_reason": "stop", "logprobs": None}]}
            if asked.get("stream"):
                return "text/event-stream", f"data: {json.dumps(answer)}\n\ndata: [DONE]\n\n".encode()
            answer["usage"] = USAGE | {"completion_tokens": 2, "total_tokens": 6}
        case "/moderations":
            results = [{"flagged": flagged, "categories": {}, "category_scores": {}} for flagged in (False, True)]
            answer = {"id": "modr-1", "model": model, "results": results}
        case "/rerank":
            answer = {"model": model, "results": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 5}}
        case "/images/generations":
            answer = {"created": 1, "data": [{"b64_json": "aGVsbG8="}], "usage": TOKENS}
        case "/audio/transcriptions" | "/audio/translations":
            answer = {"text": f"Heard by {path}", "usage": TOKENS | {"type": "tokens"}}
        case "/audio/speech":
            return "audio/mpeg", SOUND
    return form, json.dumps(answer).encode()


class Provider(http.server.BaseHTTPRequestHandler):
    """A provider of every endpoint below `/good`, and one that is overloaded below `/busy`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("transfer-encoding"):
            while length := int(self.rfile.readline(), 16):
                body += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
        _, place, rest = urllib.parse.urlsplit(self.path).path.split("/", 2)
        status, form, answer = 503, "application/json", b'{"error": {"message": "Busy"}}'
        if place == "good":
            status, (form, answer) = 200, answer_of(f"/{rest}", body)
        self.send_response(status)
        self.send_header("content-type", form)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Examples:
    """A reader who copies what the documentation says. The subclasses choose the database."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
            upstream.daemon_threads = True
            threading.Thread(target=upstream.serve_forever, daemon=True).start()
            stack.callback(upstream.server_close)
            stack.callback(upstream.shutdown)
            address = f"127.0.0.1:{upstream.server_port}"
            cls.here = Installation(BINARY, cls.database_url(stack), stack, address)
            cls.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            os.symlink(MODULES / "node_modules", cls.folder / "node_modules")
            (cls.folder / "recording.mp3").write_bytes(SOUND)
            cls.catalog(address)
            cls.addClassCleanup(stack.pop_all().close)

    @classmethod
    def catalog(cls, address):
        """The models of the examples. The first ones of a chain fail."""
        providers = {"simulated": cls.here.create("/v1/model-router/providers", name="simulated", preset="simulated")}
        for place in ("busy", "good"):
            fields = {"name": place, "preset": "custom", "base_url": f"http://{address}/{place}/v1"}
            providers[place] = cls.here.create("/v1/model-router/providers", **fields)
        for name, kind in KINDS.items():
            provider = providers["busy" if name == "embed" else "good"]
            fields = {"name": name, "kind": kind, "provider_id": provider, "upstream_model": f"a-model-for-{kind}"}
            cls.here.create("/v1/model-router/models", **fields)
        for name, upstream in [("smart", "sim/error-503"), ("steady", "sim/steady")]:
            fields = {"name": name, "provider_id": providers["simulated"], "upstream_model": upstream}
            cls.here.create("/v1/model-router/models", **fields)
        cls.provider = providers["good"]
        for name, fallback in [("smart", "steady"), ("embed", "embed-elsewhere")]:
            status, answer = cls.here.call("POST", "/fallback", {"model": name, "fallback_models": [fallback]})
            assert status == 200, answer

    def run_code(self, *command):
        """Runs a command in the folder and returns what it printed."""
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def run_python(self, code):
        return self.run_code(sys.executable, "-c", code)

    def run_shell(self, code):
        return self.run_code("bash", "-euo", "pipefail", "-c", code)

    def test_the_quick_start(self):
        found = snippets(self.here.url, self.here.key)
        # These two are programs, which tests/agents runs.
        programs = {label: found.pop(label) for label in ("Claude Code", "Codex")}
        self.assertTrue(all(self.here.url in code for code in programs.values()), programs)
        self.assertEqual(len(found), 9, found)
        for label, code in found.items():
            with self.subTest(label=label):
                if label == "curl":
                    said = self.run_shell(code)
                elif label.endswith("Python"):
                    said = self.run_python(code)
                else:
                    (self.folder / "snippet.mjs").write_text(code)
                    said = self.run_code("node", "snippet.mjs")
                if "embeddings" in label:
                    self.assertRegex(said, r"\[\d+, \d+\]")
                    continue
                self.assertIn("You said: Hello", said)
                if "x-failsoft-model" in code or label == "curl":
                    self.assertRegex(said, r"(answered by|x-failsoft-model:) steady")

    def test_the_other_endpoints(self):
        blocks = [(language, self.filled_in(code)) for language, code in BLOCK.findall(DOCUMENT.read_text())]
        # What each begins with.
        setting = next(code for language, code in blocks if language == "sh" and "export" in code)
        client = next(code for language, code in blocks if language == "python" and "OpenAI(" in code)
        examples = [(language, code) for language, code in blocks if code not in (setting, client)]
        self.assertEqual(len(examples), 15)
        said = {"sh": "", "python": ""}
        for language, code in examples:
            with self.subTest(code=code):
                if language == "sh":
                    said["sh"] += self.run_shell(setting + code)
                else:
                    said["python"] += self.run_python(client + code)
        for expected in ('"name":"embed-2"', '"embedding"', " there was", "[DONE]", '"flagged"', '"relevance_score"'):
            self.assertIn(expected, said["sh"].replace(": ", ":"))
        for expected in ("2 vectors by embed-elsewhere", " there was", "[False, True]", "Bern is in Switzerland."):
            self.assertIn(expected, said["python"])
        for path in ("/v1/audio/transcriptions", "/v1/audio/translations"):
            self.assertIn(f"Heard by {path}", said["sh"])
            self.assertIn(f"Heard by {path}", said["python"])
        self.assertEqual((self.folder / "fox.png").read_bytes(), b"hello")
        self.assertEqual((self.folder / "hello.mp3").read_bytes(), SOUND)
        self.assertIn("b64_json", (self.folder / "fox.json").read_text())
        status, page = self.here.call("GET", "/v1/model-router/requests", limit=100)
        self.assertEqual(status, 200, page)
        rows = [row for row in page["items"] if not row["endpoint"].startswith("/v1/chat")]
        self.assertLessEqual({f"/v1/{path}" for path in ("embeddings", "completions", "rerank")}, {row["endpoint"] for row in rows})

    def filled_in(self, code):
        """The code with the address, the key and the provider of this server. The model is one more."""
        code = code.replace("http://127.0.0.1:8080", self.here.url).replace("fsk_...", self.here.key)
        code = code.replace("<id of a provider>", self.provider)
        return code.replace('"name": "embed"', '"name": "embed-2"')


class ExamplesOnSqlite(OnSqlite, Examples, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class ExamplesOnPostgres(OnPostgres, Examples, unittest.TestCase):
    """With PostgreSQL."""
