"""A person with a browser: cookies, pages, forms with CSRF tokens, redirects."""
from __future__ import annotations

import html
import http.client
import re
import urllib.parse

from harness.server import CALL_SECONDS, Answer


class Browser:
    """One person's browser session."""

    def __init__(self, port: int):
        self._port = port
        self._cookies: dict[str, str] = {}
        self.page = Answer(0, {}, b"")

    def get(self, path: str) -> Answer:
        self.page = self._send("GET", path, None)
        return self.page

    def post(self, path: str, token_from: str | None = None, **fields: str) -> Answer:
        """Posts a form; its token is read from the previous page, or from `token_from`."""
        if token_from:
            self.get(token_from)
        token = re.search(r'name="form_token" value="([^"]+)"', self.page.text)
        if token:
            fields["form_token"] = html.unescape(token[1])
        self.page = self._send("POST", path, urllib.parse.urlencode(fields).encode())
        return self.page

    def log_in(self, email: str, password: str) -> bool:
        self.post("/login", "/login", email=email, password=password)
        return self.page.status == 303

    def link(self, words: str) -> str:
        """The path of the last link of that kind on the page."""
        found = re.findall(rf"https?://[^\s\"<]+(/{words}/[A-Za-z0-9_-]+)", self.page.text)
        return found[-1] if found else ""

    def _send(self, method: str, path: str, body: bytes | None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CALL_SECONDS)
        headers = {"accept": "text/html", "cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            for name, value in response.getheaders():
                if name.lower() == "set-cookie":
                    pair, _, rest = value.partition(";")
                    key, _, content = pair.partition("=")
                    if "max-age=0" in rest.lower():
                        self._cookies.pop(key, None)
                    else:
                        self._cookies[key] = content
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()
