"""Provider addresses inside the network, and providers that echo our credential."""
from __future__ import annotations

import html
import json
import re
import unicodedata
import urllib.parse

from harness.report import Case

ADDRESSES = [
    "https://127.0.0.1/v1", "https://localhost/v1", "https://localhost./v1", "https://LOCALHOST/v1", "https://foo.localhost/v1",
    "https://2130706433/v1", "https://0x7f000001/v1", "https://0177.0.0.1/v1", "https://127.1/v1", "https://0/v1",
    "https://[::1]/v1", "https://[::ffff:127.0.0.1]/v1", "https://[::127.0.0.1]/v1", "https://[64:ff9b::7f00:1]/v1",
    "https://[2002:7f00:1::]/v1", "https://[2001:0:7f00:1::]/v1", "https://[fe80::1]/v1", "https://[fc00::1]/v1", "https://[fd00:ec2::254]/v1",
    "https://10.0.0.1/v1", "https://172.16.0.1/v1", "https://192.168.0.1/v1", "https://100.64.0.1/v1", "https://100.100.100.200/v1",
    "https://169.254.169.254/v1", "https://169.254.170.2/v1", "https://168.63.129.16/v1", "https://192.0.0.192/v1", "https://0.0.0.0/v1",
    "https://224.0.0.1/v1", "https://255.255.255.255/v1", "https://240.0.0.1/v1", "https://198.18.0.1/v1", "https://metadata.google.internal/v1",
    "https://１２７.0.0.1/v1", "https://127。0。0。1/v1", "https://ⓛocalhost/v1", "https://127.0.0.1%2f@example.com/v1",
    "https://example.com@127.0.0.1/v1", "https://example.com:pw@127.0.0.1/v1", "https://127.0.0.1\\@example.com/v1", "https://exa\tmple.com/v1",
    "ftp://example.com/v1", "file:///etc/passwd", "gopher://example.com/v1", "https:///v1", "https://[::1%25lo]/v1",
    "//example.com/v1", "https://example.com:0/v1", "https://example.com:99999/v1",
]
CREDENTIAL = "sk-proj-Zx81Qm_44ab-77cdEfGh0912KLmnOPqr"


def saved(world):
    """providers at forbidden addresses"""
    acme = world.organization("acme")
    own = [f"http://127.0.0.1:{world.server.port}/v1", f"http://localhost:{world.server.port}/v1"]
    for address in ADDRESSES + own:
        fields = {"name": "evil", "preset": "custom", "credential": "x", "base_url": address}
        answer = acme.call("POST", "/v1/model-router/providers", fields)
        yield Case(address, 400 <= answer.status < 500, f"{answer.status} {answer.text[:150]}")
        if answer.status == 201:
            acme.call("DELETE", f"/v1/model-router/providers/{answer.json()['id']}")


def echoes(world):
    """a provider echoes our credential in disguise"""
    acme = world.organization("acme")
    provider = acme.provider(world.provider.port, CREDENTIAL)
    for how in ("plain", "space", "joiner", "hyphen", "mark", "percent", "quoted", "escaped", "halves", "start"):
        model = acme.model(provider, f"echo-{how}")
        answer = acme.chat(model)
        events = acme.call("GET", f"/v1/model-router/fallback-events?failed_model={model}")
        requests = acme.call("GET", "/v1/model-router/requests?limit=1")
        for place, text in (("the answer", answer.text), ("the events", events.text), ("the requests", requests.text),
                            ("the log", world.server.log.read_text(errors="replace"))):
            yield Case(f"{how}: {place}", not shows(text), text[:300])


def shows(text: str) -> bool:
    """Whether a reader could reconstruct our credential: half of it in one piece is enough."""
    plain = text
    for _ in range(3):
        plain = html.unescape(urllib.parse.unquote(plain))
        plain = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), plain)
    plain = "".join(character for character in plain if unicodedata.category(character) not in ("Cf", "Cc", "Mn"))
    size = len(CREDENTIAL) // 2
    return any(CREDENTIAL[start: start + size] in plain for start in range(len(CREDENTIAL) - size + 1))


ATTACKS = [saved, echoes]
