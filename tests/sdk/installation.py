"""A Failsoft installation for a test: its processes, its organization, its catalog. Independent of any SDK.

Standard library only, so that the SDK under test is the only external dependency.

"""

import base64
import json
import os
import queue
import re
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

PATIENCE_SECONDS = 60


class Process:
    """A program that prints the address it listens on once it accepts connections."""

    def __init__(self, command, environment):
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        addresses = queue.SimpleQueue()
        self.reader = threading.Thread(target=self.read, args=[addresses], daemon=True)
        self.reader.start()
        try:
            self.address = addresses.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            self.address = None
        if self.address is None:
            self.stop()
            raise AssertionError(f"'{' '.join(command)}' printed no address; its output:\n{self.logged()}")

    def read(self, addresses):
        """Reports the first `127.0.0.1:PORT` in its output, or None at the end. Keeps reading so that the program is not blocked."""
        for line in self.process.stdout:
            found = re.search(r"http://(127\.0\.0\.1:\d+)", line)
            if found:
                addresses.put(found.group(1))
        addresses.put(None)

    def logged(self):
        """Its error output so far."""
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Asks it to stop, waits until it has, and returns its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not stop when asked to:\n{self.logged()}") from None
        finally:
            self.reader.join()
            self.process.stdout.close()


class Installation:
    """`failsoft serve` on a database, with one organization, and `failsoft simulate` beside it unless there is another provider."""

    def __init__(self, binary, database_url, stack, upstream=None):
        """Starts everything; cleanup is pushed on `stack`. `upstream` is the address of the other provider."""
        settings = {
            "DATABASE_URL": database_url,
            "FAILSOFT_DRAIN_NOTICE_SECONDS": "0",
            "FAILSOFT_MASTER_KEY": base64.b64encode(os.urandom(32)).decode(),
            "FAILSOFT_SPOOL": os.path.join(stack.enter_context(tempfile.TemporaryDirectory()), "spool.db"),
        }
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("FAILSOFT_") and name != "DATABASE_URL"
        }
        environment = inherited | settings
        listen = ["--listen", "127.0.0.1:0"]

        if upstream is None:
            self.provider = Process([binary, "simulate", *listen], inherited)
            stack.callback(self.provider.stop)
            upstream = self.provider.address
        made = create_organization(binary, environment)
        self.organization_id, self.key = made["organization_id"], made["api_key"]
        allowed = {"FAILSOFT_ALLOW_PRIVATE_UPSTREAMS": f"127.0.0.1/32:{upstream.rpartition(':')[2]}"}
        self.server = Process([binary, "serve", *listen], environment | allowed)
        stack.callback(self.server.stop)
        self.url = f"http://{self.server.address}"

    def call(self, method, path, body=None, **query):
        """A management call; returns the status and the JSON of the response."""
        suffix = f"?{urllib.parse.urlencode(query)}" if query else ""
        request = urllib.request.Request(f"{self.url}{path}{suffix}", method=method)
        request.add_header("x-api-key", self.key)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def create(self, path, **fields):
        """Creates a catalog resource and returns its id."""
        status, answer = self.call("POST", path, fields)
        if status != 201:
            raise AssertionError(f"POST {path} {fields}: {status} {answer}\n{self.server.logged()}")
        return answer["id"]

    def events(self, request_id):
        """The fallback events of a request, in the order in which its candidates failed."""
        status, page = self.call("GET", "/v1/model-router/fallback-events", request_id=request_id)
        if status != 200:
            raise AssertionError(f"the events of {request_id}: {status} {page}\n{self.server.logged()}")
        return sorted(page["items"], key=lambda event: event["hop"])


def create_organization(binary, environment):
    """Runs `failsoft org create`: returns organization_id, user_id, and an api_key with all scopes."""
    command = [binary, "org", "create", "--name", "SDK test", "--email", "owner@example.com"]
    done = subprocess.run(
        [*command, "--password-stdin", "--json"],
        input="correct horse battery staple\n",
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    if done.returncode != 0:
        raise AssertionError(f"'{' '.join(command)}' failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)
