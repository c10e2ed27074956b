"""The snippets of a server's quick start, as its page shows them."""

import html
import re
import urllib.request

SNIPPET = re.compile(r'<figure class="code"><figcaption><span>(.*?)</span>.*?<code>(.*?)</code>', re.DOTALL)


def snippets(url, key):
    """The code of each snippet by its label, with the key in it."""
    with urllib.request.urlopen(f"{url}/docs", timeout=60) as page:
        found = SNIPPET.findall(page.read().decode())
    return {html.unescape(label): html.unescape(code).replace("YOUR_API_KEY", key) for label, code in found}
