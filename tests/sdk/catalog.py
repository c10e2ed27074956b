"""What the tests of the SDKs share: a server with providers, the models that answer, and models that fail."""

import contextlib
import uuid

from databases import BINARY
from installation import Installation

QUESTION = [{"role": "user", "content": "Are you there?"}]


class Catalog:
    """A running server with its catalog. The subclasses name the providers, and choose the clients and the database.

    There are at least two providers: the in-process one with preset `simulated`, called "inside", and a separate
    `failsoft simulate`.
    """

    outside: dict[str, tuple[str, str]]
    """Catalog names of the providers of `failsoft simulate`, each with its preset and the path of its base URL."""

    answering: dict[str, str]
    """Catalog names of the models that answer, each with its provider."""

    models: dict[str, str]
    """The ids of the models, by name."""

    @classmethod
    def new_clients(cls):
        """The clients of SDKs, by the name of the attribute that holds each."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            database_url = cls.database_url(stack)
            cls.here = Installation(BINARY, database_url, stack)
            # There is no API route for an organization's settings; the server reads them with the next catalog
            # change.
            cls.execute(database_url, "UPDATE organizations SET settings = '{\"keepalive_after_ms\": 2000}'")
            cls.models = {}
            cls.providers = {"inside": cls.provider(name="inside", preset="simulated")}
            for name, (preset, path) in cls.outside.items():
                base_url = f"http://{cls.here.provider.address}{path}"
                cls.providers[name] = cls.provider(
                    name=name, preset=preset, base_url=base_url, credential="a-credential-of-the-test"
                )
            for name, provider in cls.answering.items():
                cls.model(name, provider, "sim/steady")
            for name, client in cls.new_clients().items():
                setattr(cls, name, client)
                stack.callback(client.close)
            cls.addClassCleanup(stack.pop_all().close)

    @classmethod
    def provider(cls, **fields):
        """Adds a provider to the catalog and returns its id."""
        return cls.here.create("/v1/model-router/providers", **fields)

    @classmethod
    def model(cls, name, provider, upstream, **more):
        """Adds a model to the catalog and returns its name."""
        fields = {"name": name, "provider_id": cls.providers[provider], "upstream_model": upstream, **more}
        cls.models[name] = cls.here.create("/v1/model-router/models", **fields)
        return name

    @classmethod
    def change(cls, name, **fields):
        """Changes fields of a model. The next request sees the change."""
        status, answer = cls.here.call("PATCH", f"/v1/model-router/models/{cls.models[name]}", fields)
        if status != 200:
            raise AssertionError(f"PATCH {name} {fields}: {status} {answer}")

    @classmethod
    def rows(cls, count):
        """The last requests of the request log, oldest first."""
        status, page = cls.here.call("GET", "/v1/model-router/requests", limit=count)
        if status != 200 or len(page["items"]) != count:
            raise AssertionError(f"the last {count} requests: {status} {page}")
        return page["items"][::-1]

    @classmethod
    def failing(cls, provider, behavior):
        """A model that fails in that way. Each test has its own, because a failed model may be in cooldown."""
        return cls.model(f"{behavior}-{uuid.uuid4().hex[:8]}", provider, f"sim/{behavior}")
