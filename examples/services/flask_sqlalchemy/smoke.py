"""Smoke check: a bookmark is made, found and forgotten. Usage: python smoke.py PORT."""

import json
import sys
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
BASE = f"http://127.0.0.1:{sys.argv[1]}"


def call(method, path, body=None):
    """One request; its JSON answer, or None."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {"Content-Type": "application/json"})
    request.method = method
    with OPENER.open(request, timeout=5) as response:
        content = response.read()
    return json.loads(content) if content else None


assert call("GET", "/health")["status"] == "ok"
made = call("POST", "/bookmarks", {"url": f"https://example.org/{sys.argv[1]}", "tags": ["b", "a"]})
assert made["tags"] == ["a", "b"], made
assert made in call("GET", "/bookmarks?tag=a")
assert call("DELETE", f"/bookmarks/{made['id']}") is None
assert made not in call("GET", "/bookmarks?tag=a")
