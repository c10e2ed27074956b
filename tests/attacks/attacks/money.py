"""Unreadable values must not count as zero: no request passes a used-up budget, and a limit holds under load."""
from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from harness.report import Case
from harness.server import call

DOLLAR_A_MILLION = {"input": 1_000_000, "output": 1_000_000}
TOKEN = 1_000  # nano-dollars, at a dollar a million
REFUSED = (400, 402, 413, 422)


def _shapes(model: str) -> dict[str, str]:
    """Bodies by name; some are invalid requests. None may reach a provider."""
    say = '{"role":"user","content":"Hello"}'
    head = f'{{"model":"{model}",'
    deep = "[" * 200 + "]" * 200
    return {
        "plain": head + f'"messages":[{say}]}}',
        "a member twice": head + '"messages":[{"role":"assistant","content":"x","tool_calls":null,"tool_calls":null}]}',
        "content twice": head + '"messages":[{"role":"user","content":"","content":"Hello"}]}',
        "messages twice": head + f'"messages":[],"messages":[{say}]}}',
        "a null among the messages": head + f'"messages":[null,{say}]}}',
        "messages missing": head + '"x":1}',
        "messages empty": head + '"messages":[]}',
        "messages null": head + '"messages":null}',
        "messages a text": head + '"messages":"Hello"}',
        "messages an object": head + f'"messages":{say}}}',
        "messages a number": head + '"messages":7}',
        "a message that is a list": head + '"messages":[[]]}',
        "a message that is a text": head + '"messages":["Hello"]}',
        "content a number": head + '"messages":[{"role":"user","content":7}]}',
        "content an object": head + '"messages":[{"role":"user","content":{"a":1}}]}',
        "content parts of nothing": head + '"messages":[{"role":"user","content":[null,{},[],"x"]}]}',
        "deep nesting": head + f'"messages":[{{"role":"user","content":{deep}}}]}}',
        "max_tokens zero": head + f'"max_tokens":0,"messages":[{say}]}}',
        "max_tokens below zero": head + f'"max_tokens":-5,"messages":[{say}]}}',
        "max_tokens a fraction": head + f'"max_tokens":0.5,"messages":[{say}]}}',
        "max_tokens a text": head + f'"max_tokens":"1","messages":[{say}]}}',
        "max_tokens without bound": head + f'"max_tokens":1e400,"messages":[{say}]}}',
        "max_tokens twice": head + f'"max_tokens":1000,"max_tokens":0,"messages":[{say}]}}',
        "n zero": head + f'"n":0,"messages":[{say}]}}',
        "n below zero": head + f'"n":-1,"messages":[{say}]}}',
        "n a text": head + f'"n":"0","messages":[{say}]}}',
        "tools a text": head + f'"tools":"x","messages":[{say}]}}',
        "a stream": head + f'"stream":true,"messages":[{say}]}}',
        "half a surrogate": head + '"messages":[{"role":"user","content":"\\ud800"}]}',
        "a mark first": "\ufeff" + head + f'"messages":[{say}]}}',
    }


def used_up(world):
    """a used-up budget, with every shape of request"""
    acme = world.organization("acme")
    provider = acme.provider(world.provider.port)
    prices = {
        "priced": DOLLAR_A_MILLION,
        "free prompts": {"input": 0, "output": 1_000_000},
        "free answers": {"input": 1_000_000, "output": 0},
    }
    acme.create("/v1/model-router/budgets", period="day", hard_limit_nano_dollars=0)
    for kind, price in prices.items():
        model = acme.model(provider, "ok", name=kind.replace(" ", "-"), price=price)
        for shape, body in _shapes(model).items():
            for path in ("/v1/chat/completions", "/chat/completions"):
                before = world.calls()
                answer = call(world.server.port, "POST", path, body.encode("utf-8", "surrogatepass"),
                              {"authorization": f"Bearer {acme.key}"})
                held = answer.status in REFUSED and world.calls() == before
                yield Case(f"{kind}, {shape}, {path}", held, f"{answer.status} {answer.text[:150]}")


def overshoot(world):
    """many requests at once against a limit of 20 answers"""
    variants = {
        "max_tokens 1 before max_completion_tokens 1000": {"max_tokens": 1, "max_completion_tokens": 1000},
        "max_completion_tokens 1000 before max_tokens 1": {"max_completion_tokens": 1000, "max_tokens": 1},
        "max_tokens 0": {"max_tokens": 0},
        "n 100": {"max_tokens": 10, "n": 100},
        "no limit at all": {},
    }
    for name, fields in variants.items():
        acme = world.organization("acme")
        model = acme.model(acme.provider(world.provider.port), "as-asked", price=DOLLAR_A_MILLION, max_output_tokens=1000)
        limit = 20 * 1000 * TOKEN
        acme.create("/v1/model-router/budgets", period="day", hard_limit_nano_dollars=limit)
        with ThreadPoolExecutor(60) as pool:
            answers = list(pool.map(lambda _: acme.chat(model, **fields), range(60)))
        spent = sum(usage(answer) for answer in answers if answer.status == 200)
        statuses = sorted({answer.status for answer in answers})
        held = spent <= limit * 1.1 and set(statuses) <= {200, 400, 402, 429}
        yield Case(name, held, f"spent {spent / limit:.2f} of the limit, statuses {statuses}")


def usage(answer) -> int:
    counts = answer.json()["usage"]
    return (counts["prompt_tokens"] + counts["completion_tokens"]) * TOKEN


def nonsense(world):
    """invalid usage must not make an answer free"""
    for prompt, answer in (("m5", "m7"), ("m1", "5"), ("10", "m1"), ("0", "0"), ("m9000000000000000000", "1")):
        acme = world.organization("acme")
        model = acme.model(acme.provider(world.provider.port), f"usage-{prompt}-{answer}", price=DOLLAR_A_MILLION)
        acme.create("/v1/model-router/budgets", period="day", hard_limit_nano_dollars=50_000_000)
        reply = acme.chat(model, "A prompt that has a few words, and an answer that has one")
        listed = acme.call("GET", "/v1/model-router/requests?limit=1").json()["items"]
        cost = listed[0].get("cost_nano_dollars") if listed else None
        held = reply.status == 200 and isinstance(cost, int) and cost > 0
        yield Case(f"usage {prompt} / {answer}", held, f"{reply.status}, cost {cost}")


def unpriced(world):
    """an unknown price is never a price of zero"""
    acme = world.organization("acme")
    model = acme.model(acme.provider(world.provider.port), "ok", name="unpriced")
    acme.chat(model)
    row = acme.call("GET", "/v1/model-router/requests?limit=1").json()["items"][0]
    yield Case("a request's cost", row["cost_nano_dollars"] is None, json.dumps(row)[:200])
    priced = acme.model(acme.provider(world.provider.port), "ok", name="priced", price=DOLLAR_A_MILLION)
    acme.chat(priced)
    sums = acme.call("GET", "/v1/model-router/usage").text
    yield Case("a sum tells that a part is unknown", "unpriced" in sums or "unknown" in sums, sums[:300])


ATTACKS = [used_up, overshoot, nonsense, unpriced]
