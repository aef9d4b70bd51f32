"""Smoke check: our stdout is the sidecar's stdin and our stdin its stdout. Standard library only.

Everything that arrives has to be a JSON-RPC answer: one stray line on the sidecar's stdout fails.
"""

from __future__ import annotations

import json
import sys


def check(sent: object, expected: object) -> None:
    """Send one line and compare the whole answer."""
    sys.stdout.write((sent if isinstance(sent, str) else json.dumps(sent)) + "\n")
    sys.stdout.flush()
    line = sys.stdin.readline()
    try:
        answer = json.loads(line)
    except ValueError:
        sys.exit(f"smoke: not JSON on the sidecar's stdout: {line!r}")
    if answer != expected:
        sys.exit(f"smoke: sent {sent!r}, expected {expected!r}, got {answer!r}")


def main() -> None:
    """A call, the data file through a call, and an error."""
    check(
        {"jsonrpc": "2.0", "method": "ping", "id": 1},
        {"jsonrpc": "2.0", "result": "pong", "id": 1},
    )
    check(
        {"jsonrpc": "2.0", "method": "words", "params": {"text": "the cat and the cat"}, "id": "a"},
        {"jsonrpc": "2.0", "result": [["cat", 2]], "id": "a"},
    )
    check(
        {"jsonrpc": "2.0", "method": "absent", "id": 2},
        {
            "jsonrpc": "2.0",
            "error": {"code": -32601, "message": "there is no method 'absent'"},
            "id": 2,
        },
    )


if __name__ == "__main__":
    main()
