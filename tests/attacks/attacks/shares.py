"""One organization must not exhaust what another needs: bytes, connections, parsing, pages."""
from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness.browser import Browser
from harness.report import Case
from harness.server import PASSWORD, Answer

MIB = 1024 * 1024
# The limit for a bystander's answer on a busy two-core machine; without the attack it takes milliseconds.
BYSTANDER_SECONDS = 8


class Watched:
    """A well-behaved organization that sends requests all the time."""

    def __init__(self, world):
        self.organization = world.organization("bystander")
        self.model = self.organization.model(self.organization.provider(world.provider.port), "ok")

    def during(self, attack) -> tuple[list[tuple[Answer, float]], list[Answer]]:
        """Records the bystander's responses during the attack, alternating chat and management calls."""
        stop, seen, management = threading.Event(), [], []

        def watch() -> None:
            while not stop.is_set():
                began = time.time()
                seen.append((self.organization.chat(self.model, seconds=BYSTANDER_SECONDS), time.time() - began))
                management.append(self.organization.call("GET", "/v1/model-router/models?limit=1", seconds=BYSTANDER_SECONDS))
                time.sleep(0.05)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            attack()
        finally:
            stop.set()
            thread.join()
        return seen, management


def judged(name: str, seen, management) -> list[Case]:
    worst = max((seconds for _, seconds in seen), default=0)
    bad = [answer for answer, _ in seen if answer.status != 200]
    refused = [answer for answer in management if answer.status != 200]
    summary = f"{len(seen)} chats, {len(bad)} bad, the slowest {worst:.1f} s; {len(refused)} of {len(management)} management calls bad"
    first = next((answer.text[:200] for answer in bad + refused), "")
    return [Case(f"{name}: a bystander's chats", not bad and bool(seen), f"{summary} {first}"),
            Case(f"{name}: a bystander's management calls", not refused and bool(management), f"{summary} {first}")]


def held(world, key: str, path: str, body: bytes, count: int, seconds: float) -> None:
    """Sends the same request many times at once and holds the connections open without reading."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode()
    until = time.time() + seconds

    def send(_: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", world.server.port), timeout=5) as connection:
                connection.sendall(request)
                connection.sendall(body)
                time.sleep(max(0, until - time.time()))
        except OSError:
            # Being refused midway is one way to withstand it.
            time.sleep(max(0, until - time.time()))

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(send, range(count)))


def held_bodies(world):
    """bodies of 32 MiB to a model that hangs"""
    world.server.start(["bash", "-c", 'ulimit -Sn 1024; exec "$@"', "bash"])
    watched, acme = Watched(world), world.organization("acme")
    model = acme.model(acme.provider(world.provider.port), "hang")
    body = b'{"model":"%s","messages":[{"role":"user","content":"%s"}]}' % (model.encode(), b"x" * (31 * MIB))

    def attack() -> None:
        held(world, acme.key, "/v1/chat/completions", body, 24, 12)

    yield from judged("24 bodies", *watched.during(attack))
    yield Case("24 bodies: memory", world.server.memory_mib() < 1500, f"{world.server.memory_mib():.0f} MiB peak")


def tiny_messages(world):
    """bodies of tiny messages and parts, also to the explain endpoint"""
    watched, acme = Watched(world), world.organization("acme")
    acme.model(acme.provider(world.provider.port), "ok")
    before = world.server.memory_mib("VmRSS")
    message, part = b'{"role":"user","content":"a"}', b'{"type":"text","text":"a"}'
    messages = b'{"model":"ok","messages":[' + b",".join([message] * (24 * MIB // (len(message) + 1))) + b"]}"
    parts = b'{"model":"ok","messages":[{"role":"user","content":[' + b",".join([part] * (24 * MIB // (len(part) + 1))) + b"]}]}"

    def attack() -> None:
        for path in ("/v1/chat/completions", "/v1/model-router/explain"):
            for body in (messages, parts):
                held(world, acme.key, path, body, 4, 4)

    yield from judged("sixteen bodies", *watched.during(attack))
    peak = world.server.memory_mib()
    yield Case("sixteen bodies: memory", peak < 1500, f"{before:.0f} MiB before, {peak:.0f} MiB peak")


def large_answers(world):
    """answers of 60 MiB, 16 at once"""
    watched, acme = Watched(world), world.organization("acme")
    model = acme.model(acme.provider(world.provider.port), "large-60")

    def attack() -> None:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: acme.chat(model, seconds=30).status, range(16)))

    yield from judged("16 answers", *watched.during(attack))
    yield Case("16 answers: memory", world.server.memory_mib() < 1500, f"{world.server.memory_mib():.0f} MiB peak")


def idle_connections(world):
    """700 connections waiting for a model, with 1,024 descriptors"""
    watched, acme = Watched(world), world.organization("acme")
    model = acme.model(acme.provider(world.provider.port), "wait-15000")
    body = f'{{"model":"{model}","messages":[{{"role":"user","content":"Hello"}}]}}'.encode()

    def attack() -> None:
        held(world, acme.key, "/v1/chat/completions", body, 700, 8)

    yield from judged("700 calls", *watched.during(attack))


def live_tails(world):
    """300 live views by one person"""
    watched, acme = Watched(world), world.organization("acme")
    member = Browser(world.server.port)
    if not member.log_in(acme.email, PASSWORD):
        yield Case("the member logs in", False, member.page.text[:200])
        return
    cookie = "; ".join(f"{name}={value}" for name, value in member._cookies.items())
    other = Browser(world.server.port)
    other.log_in(watched.organization.email, PASSWORD)
    open_ones, pages = [], []

    def attack() -> None:
        for _ in range(300):
            try:
                connection = socket.create_connection(("127.0.0.1", world.server.port), timeout=5)
                connection.sendall(f"GET /events/live HTTP/1.1\r\nhost: 127.0.0.1:{world.server.port}\r\ncookie: {cookie}\r\n\r\n".encode())
                open_ones.append(connection)
            except OSError:
                break
        until = time.time() + 6
        while time.time() < until:
            pages.append(other.get("/events").status)
            time.sleep(0.2)

    cases = judged("300 live views", *watched.during(attack))
    for connection in open_ones:
        connection.close()
    yield from cases
    yield Case("300 live views: another organization's pages", bool(pages) and set(pages) == {200}, f"{sorted(set(pages))}")


ATTACKS = [held_bodies, tiny_messages, large_answers, idle_connections, live_tails]
