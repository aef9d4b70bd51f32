"""Smoke check: an item is added, changed, refused and deleted. Usage: python smoke.py PORT."""

import json
import sys
import urllib.error
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
BASE = f"http://127.0.0.1:{sys.argv[1]}"


def call(method, path, body=None):
    """One request; its status and its JSON answer, or None."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {"Content-Type": "application/json"})
    request.method = method
    try:
        with OPENER.open(request, timeout=5) as response:
            status, content = response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, content = error.code, error.read()
    return status, json.loads(content) if content else None


assert call("GET", "/health")[1]["status"] == "ok"
status, item = call("POST", "/items/", {"name": "milk", "amount": 2})
assert (status, item["amount"], item["done"]) == (201, 2, False), item
assert call("PATCH", f"/items/{item['id']}/", {"done": True}) == (200, {**item, "done": True})
status, problems = call("POST", "/items/", {"name": "", "amount": -1})
assert (status, sorted(problems)) == (400, ["amount", "name"]), problems
assert call("DELETE", f"/items/{item['id']}/") == (204, None)
