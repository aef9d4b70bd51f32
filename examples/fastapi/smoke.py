"""Smoke check: talk HTTP to the service. Usage: python smoke.py PORT. Standard library only."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 5.0
# No proxy from the environment: the service is on this machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method: str, url: str, body: object = None) -> tuple[int, object]:
    """Send one request; returns the status and the decoded JSON body (None when empty)."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    try:
        with OPENER.open(request, timeout=TIMEOUT_S) as response:
            status, raw = response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, raw = error.code, error.read()
    return status, json.loads(raw) if raw else None


def check(claim: str, seen: object, expected: object) -> None:
    """Leave with a message that shows both sides when they differ."""
    if seen != expected:
        sys.exit(f"smoke: {claim}: expected {expected!r}, got {seen!r}")


def main(port: int) -> None:
    """Health, one note made, read, refused and deleted; leaves the database as it was."""
    base = f"http://127.0.0.1:{port}"
    status, health = call("GET", f"{base}/health")
    check("GET /health", (status, isinstance(health, dict) and health["status"]), (200, "ok"))
    status, note = call("POST", f"{base}/notes", {"title": "smoke", "body": "caf\u00e9"})
    check("POST /notes", status, 201)
    assert isinstance(note, dict)
    check("GET /notes/ID", call("GET", f"{base}/notes/{note['id']}"), (200, note))
    check("POST of an invalid note", call("POST", f"{base}/notes", {"title": ""})[0], 422)
    check("DELETE /notes/ID", call("DELETE", f"{base}/notes/{note['id']}")[0], 204)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except OSError as error:
        sys.exit(f"smoke: no answer from port {sys.argv[1]}: {error}")
