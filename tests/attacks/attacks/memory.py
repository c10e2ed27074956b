"""How much memory a caller can make the server use, on a separate server so that the figures belong to these requests."""
from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from harness.report import Case

MIB = 1024 * 1024
# The most that the server holds for callers: `server.body_budget` in deploy/failsoft.example.toml.
BUDGET_MIB = 512
# On top of that: the program itself, copies on their way to a provider or caller, and memory that the allocator has
# not returned.
MARGIN_MIB = 256


def read_away(world, key: str, path: str, body: bytes) -> int:
    """Sends a request and discards the response; returns the status, or 0 if there was none."""
    head = (f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
            f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n").encode()
    status, room = b"", bytearray(MIB)
    try:
        with socket.create_connection(("127.0.0.1", world.server.port), timeout=90) as connection:
            connection.sendall(head)
            try:
                connection.sendall(body)
            except OSError:
                # Refused midway: the response has already arrived.
                pass
            while size := connection.recv_into(room):
                status = status or bytes(room[:min(size, 64)])
    except OSError:
        pass
    return int(status[9:12]) if status.startswith(b"HTTP/1.1 ") else 0


def peak_memory(world):
    """peak memory: 32 MiB of tiny messages, 16 at once, large answers"""
    acme = world.organization("acme")
    acme.model(acme.provider(world.provider.port), "ok")
    acme.model(acme.provider(world.provider.port), "large-63")
    message = b'{"role":"user","content":"a"}'
    tiny = b'{"model":"ok","messages":[' + b",".join([message] * ((32 * MIB - 64) // (len(message) + 1))) + b"]}"
    large = b'{"model":"large-63","messages":[{"role":"user","content":"a"}]}'
    chat, explain = "/v1/chat/completions", "/v1/model-router/explain"
    for name, path, body, count in (("one body", chat, tiny, 1), ("one body, explained", explain, tiny, 1), ("sixteen bodies", chat, tiny, 16),
                                    ("sixteen bodies, explained", explain, tiny, 16), ("24 answers", chat, large, 24)):
        world.server.forget_peak()
        before = world.server.memory_mib("VmRSS")
        with ThreadPoolExecutor(count) as pool:
            statuses = Counter(pool.map(lambda _: read_away(world, acme.key, path, body), range(count)))
        peak, after = world.server.memory_mib(), world.server.memory_mib("VmRSS")
        seen = f"{before:.0f} MiB before, peak {peak:.0f}, {after:.0f} after; statuses {dict(statuses)}"
        print(f"    {name}: {seen}", flush=True)
        # A single request is answered; of many at once some may be refused, but none is dropped.
        answered = set(statuses) <= {200, 429, 503} and (count > 1 or statuses[200] == 1)
        yield Case(f"{name}: answered or refused", answered, seen)
        yield Case(f"{name}: {BUDGET_MIB} MiB and {MARGIN_MIB} MiB on top", peak < BUDGET_MIB + MARGIN_MIB, seen)


ATTACKS = [peak_memory]
