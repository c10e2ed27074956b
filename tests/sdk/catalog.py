"""What the tests of the SDKs share: a server with two providers, the models that answer, and models that fail."""

import contextlib
import uuid

from databases import BINARY
from installation import Installation

QUESTION = [{"role": "user", "content": "Are you there?"}]


class Catalog:
    """A running server with its catalog. The subclasses name the dialect, and choose the client and the database.

    There are two providers: the in-process one with preset `simulated`, and a separate `failsoft simulate`.
    """

    preset: str
    """Preset of the separate provider."""

    base_path = ""
    """Path of its base URL."""

    answering: dict[str, str]
    """Catalog names of the models that answer, one per provider."""

    @classmethod
    def new_client(cls):
        """The SDK's client, without retries of its own, so that the tests see the server's responses."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            database_url = cls.database_url(stack)
            cls.here = Installation(BINARY, database_url, stack)
            # There is no API route for an organization's settings; the server reads them with the next catalog
            # change.
            cls.execute(database_url, "UPDATE organizations SET settings = '{\"keepalive_after_ms\": 2000}'")
            inside = cls.here.create("/v1/model-router/providers", name="inside", preset="simulated")
            outside = cls.here.create(
                "/v1/model-router/providers",
                name="outside",
                preset=cls.preset,
                base_url=f"http://{cls.here.provider.address}{cls.base_path}",
                credential="a-credential-of-the-test",
            )
            cls.providers = {"inside": inside, "outside": outside}
            for name, provider in cls.answering.items():
                cls.model(name, provider, "sim/steady")
            cls.client = cls.new_client()
            stack.callback(cls.client.close)
            cls.addClassCleanup(stack.pop_all().close)

    @classmethod
    def model(cls, name, provider, upstream):
        """Adds a model to the catalog and returns its name."""
        provider_id = cls.providers[provider]
        cls.here.create("/v1/model-router/models", name=name, provider_id=provider_id, upstream_model=upstream)
        return name

    @classmethod
    def failing(cls, provider, behavior):
        """A model that fails in that way. Each test has its own, because a failed model may be in cooldown."""
        return cls.model(f"{behavior}-{uuid.uuid4().hex[:8]}", provider, f"sim/{behavior}")
