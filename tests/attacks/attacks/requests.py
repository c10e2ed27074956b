"""One caller's request must not close a model for others, and no request may crash anything."""
from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from harness.provider import TRICKY
from harness.report import Case
from harness.server import call


def poisoned(world):
    """five requests that fail by themselves, then a harmless one"""
    acme = world.organization("acme")
    provider = acme.provider(world.provider.port)
    for kind in TRICKY:
        model = acme.model(provider, f"tricky-{kind}")
        failed = [acme.chat(model, "trigger").status for _ in range(5)]
        answer = acme.chat(model)
        yield Case(f"the provider's {TRICKY[kind][0]}, {kind}", answer.status == 200, f"{failed}, then {answer.status} {answer.text[:200]}")
    model = acme.model(provider, "wait-1500")
    failed = [acme.chat(model, headers={"x-failsoft-deadline-ms": "1200"}).status for _ in range(5)]
    answer = acme.chat(model)
    yield Case("the caller's own deadline", answer.status == 200, f"{failed}, then {answer.status} {answer.text[:200]}")
    health = acme.call("GET", f"/v1/model-router/providers/{provider}").text
    yield Case("the provider's health", '"failing"' not in health, health[:200])


def fuzzed(world):
    """random and mutated bodies on every route that has one"""
    acme = world.organization("acme")
    acme.model(acme.provider(world.provider.port), "ok")
    seeds = {
        "/v1/chat/completions": {"model": "ok", "messages": [{"role": "user", "content": "Hello"}], "stream": False, "max_tokens": 5},
        "/v1/model-router/explain": {"model": "ok", "messages": [{"role": "user", "content": "Hello"}]},
        "/fallback": {"model": "ok", "fallback_models": ["ok2"], "fallback_type": "general"},
        "/v1/model-router/providers": {"name": "x", "preset": "custom", "credential": "c", "base_url": "http://127.0.0.1:1/v1"},
        "/v1/model-router/models": {"name": "y", "provider_id": "z", "upstream_model": "u", "price": {"input": 1}},
        "/v1/model-router/budgets": {"period": "day", "hard_limit_nano_dollars": 5},
        "/v1/identity/api-keys": {"name": "k", "scopes": ["inference"]},
    }
    chance = world.random
    jobs = [(path, mangled(json.dumps(seed).encode(), chance)) for path, seed in seeds.items() for _ in range(120)]

    def send(job):
        path, body = job
        return path, body, call(world.server.port, "POST", path, body, {"authorization": f"Bearer {acme.key}"})

    with ThreadPoolExecutor(8) as pool:
        for path, body, answer in pool.map(send, jobs):
            held = 0 < answer.status < 500 or "provider" in answer.text
            yield Case(f"{path} {body[:80]!r}", held, f"{answer.status} {answer.text[:200]}")


def mangled(body: bytes, chance) -> bytes:
    """One to four mutations: a byte, a slice, a repetition, a value of another type."""
    values = [b"null", b"-1", b"1e999", b'""', b"[]", b"{}", b'"\\u0000"', b"99999999999999999999", b"true", b'"' + b"x" * 5000 + b'"']
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(body) or 1)
        match chance.randrange(5):
            case 0:
                body = body[:place] + bytes([chance.randrange(256)]) + body[place + 1:]
            case 1:
                body = body[:place] + body[place + chance.randint(1, 9):]
            case 2:
                body = body[:place] + body[place: place + 20] * 3 + body[place:]
            case _:
                parts = body.split(b":")
                index = chance.randrange(len(parts))
                parts[index] = b" " + chance.choice(values) + parts[index][parts[index].find(b","):] if b"," in parts[index] else parts[index]
                body = b":".join(parts)
    return body


ATTACKS = [poisoned, fuzzed]
