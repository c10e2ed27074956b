"""Limits are permissions: no credential creates or becomes a wider one, and a person's grants end with their access."""
from __future__ import annotations

import datetime
import secrets

from harness.browser import Browser
from harness.report import Case
from harness.server import PASSWORD


def bounded_key(acme, **more) -> dict:
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    bounds = {"models": ["ok"], "requests_per_minute": 30, "concurrent_requests": 2, "expires_at": soon}
    return acme.create("/v1/identity/api-keys", name="bounded", scopes=["inference", "keys:manage", "router:read"], **{**bounds, **more})


def own_bounds(world):
    """a key with keys:manage removes its own limits, or creates a key without them"""
    acme = world.organization("acme")
    acme.model(acme.provider(world.provider.port), "ok")
    acme.model(acme.provider(world.provider.port), "ok", name="other")
    later = "2036-01-01T00:00:00Z"
    wider = [{"requests_per_minute": None}, {"requests_per_minute": 31}, {"concurrent_requests": None}, {"concurrent_requests": 3},
             {"expires_at": None}, {"expires_at": later}, {"models": None}, {"models": ["ok", "other"]},
             {"scopes": ["inference", "router:manage"]}, {"scopes": ["drill"]}]
    made = bounded_key(acme)
    mate = acme.create("/v1/identity/api-keys", name="mate", scopes=["inference"], models=["ok"], requests_per_minute=30,
                       concurrent_requests=2, expires_at=made["expires_at"])
    for change in wider:
        answer = acme.call("PATCH", f"/v1/identity/api-keys/{made['id']}", change, made["key"])
        yield Case(f"itself, {change}", 400 <= answer.status < 500, f"{answer.status} {answer.text[:150]}")
        answer = acme.call("PATCH", f"/v1/identity/api-keys/{mate['id']}", change, made["key"])
        yield Case(f"another key, {change}", 400 <= answer.status < 500, f"{answer.status} {answer.text[:150]}")
        child = {"name": "child", "scopes": ["inference"], "models": ["ok"], "requests_per_minute": 30, "concurrent_requests": 2,
                 "expires_at": made["expires_at"], **change}
        answer = acme.call("POST", "/v1/identity/api-keys", child, made["key"])
        yield Case(f"a new key, {change}", 400 <= answer.status < 500, f"{answer.status} {answer.text[:150]}")
    answer = acme.call("POST", "/v1/identity/api-keys", {"name": "child", "scopes": ["inference"]}, made["key"])
    yield Case("a new key that names no bounds", 400 <= answer.status < 500, f"{answer.status} {answer.text[:150]}")
    answer = acme.call("GET", f"/v1/identity/api-keys/{made['id']}").json()
    kept = answer["requests_per_minute"] == 30 and answer["concurrent_requests"] == 2 and answer["models"] == ["ok"]
    yield Case("its bounds are as they were", kept, str(answer))


def many_within(world):
    """a limited key with keys:manage creates keys within its limits, and they call together"""
    acme = world.organization("acme")
    acme.model(acme.provider(world.provider.port), "ok")
    scopes = ["inference", "keys:manage", "budgets:manage", "router:read"]
    for name, limits, budget in (("rate", {"requests_per_minute": 3}, None), ("at once", {"concurrent_requests": 1}, None), ("money", {}, 10**12)):
        made = acme.create("/v1/identity/api-keys", name=name, scopes=scopes, **limits)
        if budget:
            acme.create("/v1/model-router/budgets", period="day", hard_limit_nano_dollars=budget, api_key_id=made["id"])
        keys = [made["key"]]
        for more in ({"scopes": ["inference"]}, {"scopes": scopes}, {"scopes": ["inference"], "models": ["ok"]}):
            child = {"name": "child", "requests_per_minute": 1, "concurrent_requests": 1, **more}
            answer = acme.call("POST", "/v1/identity/api-keys", child, made["key"])
            yield Case(f"{name}: a child {more}", answer.status == 422, f"{answer.status} {answer.text[:150]}")
            keys += [answer.json()["key"]] if answer.status == 201 else []
        mate = acme.create("/v1/identity/api-keys", name="mate", scopes=["router:read"])
        answer = acme.call("PATCH", f"/v1/identity/api-keys/{mate['id']}", {"scopes": ["router:read", "inference"]}, made["key"])
        yield Case(f"{name}: another key's scope", answer.status == 422, f"{answer.status} {answer.text[:150]}")
        if name == "rate":
            body = {"model": "ok", "messages": [{"role": "user", "content": "hi"}]}
            admitted = sum(acme.call("POST", "/v1/chat/completions", body, key).status == 200 for key in keys for _ in range(4))
            yield Case("rate: all keys together", admitted == 3, f"{admitted} of 3 a minute")


def budgets(world):
    """a key with keys:manage raises, empties or deletes a budget"""
    acme = world.organization("acme")
    acme.model(acme.provider(world.provider.port), "ok")
    own = acme.create("/v1/model-router/budgets", period="day", hard_limit_nano_dollars=5)
    made = bounded_key(acme)
    limited = acme.create("/v1/model-router/budgets", period="day", hard_limit_nano_dollars=5, api_key_id=made["id"])
    for budget in (own, limited):
        path = f"/v1/model-router/budgets/{budget['id']}"
        for method, body in (("PATCH", {"hard_limit_nano_dollars": 10**12}), ("PATCH", {"hard_limit_nano_dollars": None, "soft_limit_nano_dollars": 1}),
                             ("DELETE", None)):
            answer = acme.call(method, path, body, made["key"])
            yield Case(f"{method} {body}", 400 <= answer.status < 500, f"{answer.status} {answer.text[:150]}")


def gone_with_the_giver(world):
    """an owner who was removed or demoted uses earlier links"""
    for fate in ("removed", "demoted"):
        acme = world.organization("acme")
        founder = Browser(world.server.port)
        if not founder.log_in(acme.email, PASSWORD):
            yield Case("the founder logs in", False, founder.page.text[:200])
            return
        mate, mate_email = Browser(world.server.port), f"mate-{secrets.token_hex(4)}@example.com"
        founder.post("/members/invite", "/members", email=mate_email, role="owner")
        mate.post(founder.link("invite"), founder.link("invite"), password=PASSWORD, email=mate_email, name="Mate")
        joined = mate.get("/members")
        if joined.status != 200:
            yield Case("the mate joins", False, f"{joined.status} {joined.headers.get('location')}")
            return
        mate.post("/members/invite", "/members", email=f"later-{secrets.token_hex(4)}@example.com", role="owner")
        invitation = mate.link("invite")
        ids = member_ids(mate.get("/members").text)
        mate.post(f"/members/{ids[acme.email]}/reset-link", "/members")
        reset = mate.link("reset")
        founder.get("/members")
        if fate == "removed":
            founder.get(f"/members/{ids[mate_email]}/remove")
            founder.post(f"/members/{ids[mate_email]}/remove")
        else:
            founder.post(f"/members/{ids[mate_email]}/role", role="member")
        stranger = Browser(world.server.port)
        stranger.post(invitation, invitation, password=PASSWORD, email=f"stranger-{secrets.token_hex(4)}@example.com", name="S")
        inside = stranger.get("/members").status == 200
        yield Case(f"{fate}: an invitation made before", bool(invitation) and not inside, f"{invitation} {stranger.page.status}")
        thief = Browser(world.server.port)
        thief.post(reset, reset, password="an entirely other passphrase")
        taken = Browser(world.server.port).log_in(acme.email, "an entirely other passphrase")
        yield Case(f"{fate}: a reset link made before", bool(reset) and not taken, f"{reset} {thief.page.status}")


def member_ids(page: str) -> dict[str, str]:
    """Member ids by email address, from the members page."""
    import re

    rows = re.findall(r"<tr>.*?</tr>", page, re.S)
    found = {}
    for row in rows:
        email, member = re.search(r"[\w.+-]+@example\.com", row), re.search(r"/members/([0-9a-f-]{36})/", row)
        if email and member:
            found[email[0]] = member[1]
    return found


ATTACKS = [own_bounds, many_within, budgets, gone_with_the_giver]
