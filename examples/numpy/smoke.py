"""Smoke check: have a system solved. Usage: python smoke.py PORT. Standard library only."""

from __future__ import annotations

import json
import socket
import sys

TIMEOUT_S = 5.0
SIZE = 64  # above the block size of LAPACK's solver, so that its blocked path runs


def main(port: int) -> None:
    """Solve a system whose solution is known, then one that has none."""
    # Diagonally dominant, so it is well conditioned; row i sums to b[i] when x is all ones.
    a = [[float(SIZE + 1 if i == j else 1) for j in range(SIZE)] for i in range(SIZE)]
    b = [sum(row) for row in a]
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        stream = connection.makefile("rwb")
        for request, good in (
            ({"a": a, "b": b}, lambda got: max(abs(x - 1.0) for x in got["x"]) < 1e-9),
            ({"a": [[1, 1], [1, 1]], "b": [1, 2]}, lambda got: "Singular" in got["error"]),
        ):
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            answer = json.loads(stream.readline())
            if not good(answer):
                sys.exit(f"smoke: wrong answer: {str(answer)[:200]}")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"smoke: no usable answer from port {sys.argv[1]}: {error!r}")
