"""A provider over real HTTP whose behavior depends on the upstream model's name and the request.

`ok` answers; `hang` reads the request and never answers; `wait-MS` answers late; `usage-A-B` reports these token counts;
`as-asked` uses every token that the request allows; `large-MIB` answers with that much text; `tricky-NAME` fails in the way
NAME says for requests that contain the word `trigger`, and answers all others; `echo-HOW` sends our credential back.

"""
from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TRICKY = {
    "firewall": (403, "text/html", "<html><title>Request blocked</title><body>Web application firewall, reference 12</body></html>"),
    "credit": (402, "application/json", json.dumps({"error": {
        "message": "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 812.",
        "code": 402}})),
    "tools": (404, "application/json", json.dumps({"error": {
        "message": "No endpoints found that support tool use. To learn more about provider routing, visit the documentation.",
        "code": 404}})),
    "large": (429, "application/json", json.dumps({"error": {
        "message": "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 342389.",
        "type": "tokens", "param": None, "code": "rate_limit_exceeded"}})),
}


class Provider:
    """Runs until the process ends."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._large: dict[str, bytes] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.answer(self)

            def do_GET(self) -> None:
                send(self, 200, "application/json", b'{"object":"list","data":[]}')

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_: object) -> None:
                """Ignores callers that disconnect."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = handler.headers.get("content-length")
        body = handler.rfile.read(int(length)) if length else b""
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {}
        model = str(asked.get("model", ""))
        with self._lock:
            self.calls[model] += 1
        kind, _, how = model.partition("-")
        if kind == "hang":
            time.sleep(40)
            return
        if kind == "wait":
            time.sleep(int(how) / 1000)
        if kind == "tricky" and b"trigger" in body:
            status, content_type, text = TRICKY[how]
            return send(handler, status, content_type, text.encode())
        if kind == "echo":
            return send(handler, 400, "application/json", echoed(handler, how))
        count, text, usage = 1, "Fine.", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        if kind == "usage":
            prompt, answer = (int(number.replace("m", "-")) for number in how.split("-"))
            usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
        if model == "as-asked":
            limits = [asked.get(name) for name in ("max_tokens", "max_completion_tokens")]
            limit = max([value for value in limits if isinstance(value, int)], default=1000) or 1000
            count = asked.get("n") if isinstance(asked.get("n"), int) else 1
            usage = {"prompt_tokens": 10, "completion_tokens": limit * count, "total_tokens": 10 + limit * count}
            time.sleep(0.3)
        if kind == "large":
            return send(handler, 200, "application/json", self.large(model, int(how)))
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "usage": usage,
                  "choices": [{"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                              for index in range(count)]}
        send(handler, 200, "application/json", json.dumps(answer).encode())


    def large(self, model: str, mebibytes: int) -> bytes:
        """Built once, to avoid many copies."""
        with self._lock:
            if model not in self._large:
                usage = '{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}'
                start = f'{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"{model}","usage":{usage},"choices":'
                message = '[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"'
                self._large[model] = (start + message).encode() + b"x" * (mebibytes * 1024 * 1024) + b'"}}]}'
            return self._large[model]


def send(handler: BaseHTTPRequestHandler, status: int, content_type: str, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("content-type", content_type)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def echoed(handler: BaseHTTPRequestHandler, how: str) -> bytes:
    """An error that contains our credential, encoded so that a plain text search may miss it."""
    credential = handler.headers.get("authorization", "").removeprefix("Bearer ")
    invisible = {"space": "\u200b", "joiner": "\u2060", "hyphen": "\u00ad", "mark": "\ufeff"}
    if how in invisible:
        credential = invisible[how].join(credential)
    elif how == "percent":
        credential = "".join(f"%{ord(character):02X}" for character in credential)
    elif how == "quoted":
        credential = urllib.parse.quote(credential, safe="").replace("-", "%2D")
    elif how == "escaped":
        # Encoded twice: the error's JSON contains JSON as a string.
        credential = "".join(f"\\u{ord(character):04x}" for character in credential)
    elif how == "halves":
        half = len(credential) // 2
        credential = f"{credential[:half]} and then {credential[half:]}"
    elif how == "start":
        credential = credential[: len(credential) * 3 // 4]
    message = f"Incorrect API key provided: {credential}. You can find it in your dashboard."
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": "invalid_api_key"}}).encode()
