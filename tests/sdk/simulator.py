"""A running `failsoft simulate`, for SDKs of vendors with dialects that only providers speak. It keeps nothing, so it needs no database."""

import contextlib

from databases import BINARY
from installation import Process


class Simulator:
    """A running simulator. The subclasses choose the client."""

    url: str
    """The address of the simulator."""

    @classmethod
    def new_client(cls):
        """The client of the SDK."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            provider = Process([BINARY, "simulate", "--listen", "127.0.0.1:0"], None)
            stack.callback(provider.stop)
            cls.url = f"http://{provider.address}"
            cls.client = cls.new_client()
            stack.callback(cls.client.close)
            cls.addClassCleanup(stack.pop_all().close)
