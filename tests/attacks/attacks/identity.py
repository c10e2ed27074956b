"""Passwords, names, sign-ins, and the rate limits of a key."""
from __future__ import annotations

import secrets
import time

from harness.browser import Browser
from harness.report import Case
from harness.server import PASSWORD


def weak_passwords(world):
    """common passwords"""
    world.organization("acme")
    for password in ("1234567890", "password123", "passwordpassword", "qwertyuiop", "aaaaaaaaaaaa", "iloveyou1234", "letmein12345"):
        person = Browser(world.server.port)
        email = f"weak-{secrets.token_hex(4)}@example.com"
        person.post("/signup", "/signup", organization="Weak", email=email, password=password)
        inside = person.page.status == 303
        yield Case(password, not inside, f"{person.page.status}")


def strange_names(world):
    """names with invisible or bidirectional characters"""
    acme = world.organization("acme")
    for name in ("ev\u202eil", "ev\u200bil", "ev\u2066il", "\u2060evil", "ev\ufeffil", "ev\u00adil", "ev\U000e0041il", "ev\u0000il", "ev\u001bil", "ev\u2028il"):
        answer = acme.call("POST", "/v1/identity/api-keys", {"name": name, "scopes": ["inference"]})
        yield Case(f"a key {name!r}", 400 <= answer.status < 500, f"{answer.status}")
        answer = acme.call("POST", "/v1/model-router/providers", {"name": name, "preset": "openai", "credential": "x"})
        yield Case(f"a provider {name!r}", 400 <= answer.status < 500, f"{answer.status}")
        person = Browser(world.server.port)
        person.post("/signup", "/signup", organization=name, email=f"n-{secrets.token_hex(4)}@example.com", password=PASSWORD)
        yield Case(f"an organization {name!r}", person.page.status != 303, f"{person.page.status}")
    for name in ("Größe & Söhne", "日本語の会社", "شركة", "חברה", "हिन्दी", "O'Neil–Smith", "Crème brûlée"):
        answer = acme.call("POST", "/v1/identity/api-keys", {"name": name, "scopes": ["inference"]})
        yield Case(f"a good name {name!r} is taken", answer.status == 201, f"{answer.status} {answer.text[:150]}")


def locked_out(world):
    """wrong guesses lock an owner out"""
    acme = world.organization("acme")
    owner = Browser(world.server.port)
    first = owner.log_in(acme.email, PASSWORD)
    guesser = Browser(world.server.port)
    for _ in range(12):
        guesser.log_in(acme.email, "a wrong guess at it")
    owner.post("/logout", "/account")
    again = owner.log_in(acme.email, PASSWORD)
    yield Case("the owner's own browser gets in", first and again, f"{first} {again} {owner.page.status} {owner.page.text[-300:]}")
    guessed = Browser(world.server.port)
    tried = [guessed.log_in(acme.email, f"guess number {number}") for number in range(30)]
    yield Case("no guess gets in", not any(tried))
    owner.get("/audit")
    yield Case("log-ins are in the audit", "log" in owner.page.text.lower() and owner.page.status == 200, owner.page.text[:200])


def somebody_elses_address(world):
    """an account under another person's email address"""
    acme = world.organization("acme")
    inviter = Browser(world.server.port)
    inviter.log_in(acme.email, PASSWORD)
    victim = f"victim-{secrets.token_hex(4)}@example.com"
    inviter.post("/members/invite", "/members", email=victim, role="member")
    link = inviter.link("invite")
    thief = Browser(world.server.port)
    thief.post(link, link, email=victim, password="a passphrase of the thief", name="Victim")
    owner = Browser(world.server.port)
    owner.post("/signup", "/signup", organization="Victims Own", email=victim, password="a passphrase of the victim")
    entered = Browser(world.server.port).log_in(victim, "a passphrase of the victim")
    yield Case("the owner of the address can still sign up and log in", entered, f"{owner.page.status} {owner.page.text[-400:]}")


def rates(world):
    """requests per minute of a key, initially and after a change"""
    acme = world.organization("acme")
    model = acme.model(acme.provider(world.provider.port), "ok")
    made = acme.create("/v1/identity/api-keys", name="slow", scopes=["inference"], requests_per_minute=20)
    good = 0
    until = time.time() + 8
    while time.time() < until:
        good += acme.chat(model, key=made["key"]).status == 200
        time.sleep(0.1)
    yield Case("20 a minute, in its first 8 seconds", good <= 20, f"{good} answered")
    acme.call("PATCH", f"/v1/identity/api-keys/{made['id']}", {"requests_per_minute": 21})
    more = sum(acme.chat(model, key=made["key"]).status == 200 for _ in range(25))
    yield Case("raised by one", more <= 2, f"{more} more answered")


# The guesses come last: they use up this address's attempts.
ATTACKS = [weak_passwords, strange_names, somebody_elses_address, rates, locked_out]
