"""A sidecar that computes with numpy: one JSON line in, one JSON line out, over a local socket.

It solves the reference system in ``data/reference.csv`` before it says READY, so that a numpy
whose native libraries did not ship fails at the start and not in front of the user.
A request is ``{"a": [[...], ...], "b": [...]}``; its answer is ``{"x": [...], "residual": r}``,
r being the largest absolute entry of ``a x - b``, or ``{"error": "..."}``.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import threading
from pathlib import Path
from types import FrameType

NAME = "sidecar-numpy"
VERSION = "0.1.0"
REFERENCE = Path(__file__).resolve().parent / "data" / "reference.csv"
REFERENCE_SOLUTION = (1.0, -2.0, 3.0)


def say(line: str) -> None:
    """Write one protocol line and flush it: the host waits for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def solve(a: object, b: object) -> dict[str, object]:
    """Solve ``a x = b``; an unsolvable or malformed system gives ``{"error": ...}``."""
    import numpy as np

    try:
        matrix = np.asarray(a, dtype=np.float64)
        right = np.asarray(b, dtype=np.float64)
        solution = np.linalg.solve(matrix, right)
    except (ValueError, TypeError, np.linalg.LinAlgError) as error:
        return {"error": str(error)}
    residual = float(np.max(np.abs(matrix @ solution - right), initial=0.0))
    return {"x": solution.tolist(), "residual": residual}


def check_reference() -> None:
    """Solve the shipped system; raises RuntimeError when the answer is wrong."""
    import numpy as np

    table = np.loadtxt(REFERENCE, delimiter=",")
    answer = solve(table[:, :3], table[:, 3])
    if not np.allclose(np.asarray(answer.get("x", 0.0)), REFERENCE_SOLUTION):
        raise RuntimeError(f"the reference system gave {answer}, expected {REFERENCE_SOLUTION}")


class Handler(socketserver.StreamRequestHandler):
    """One connection: any number of request lines."""

    def handle(self) -> None:
        """Answer line by line until the client closes."""
        for line in self.rfile:
            try:
                request = json.loads(line)
                answer = solve(request["a"], request["b"])
            except (ValueError, TypeError, KeyError) as error:
                answer = {"error": f"not a request: {error!r}"}
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    """Threads do not hold up the stop."""

    daemon_threads = True


def main() -> int:
    """Run the service until it is told to stop."""
    stopped = threading.Event()
    reason = "reason=normal"

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal reason
        if not stopped.is_set():
            reason = f"reason=signal signal={signal.Signals(number).name}"
            stopped.set()

    def on_end_of_stdin() -> None:
        while os.read(0, 4096):
            pass
        stopped.set()

    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):  # the last one is Windows'
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    say(f"BOOT sidecar={NAME} version={VERSION} pid={os.getpid()}")
    check_reference()
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        if os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
            threading.Thread(target=on_end_of_stdin, daemon=True).start()
        if not stopped.is_set():
            say(f"LISTEN port={server.server_address[1]}")
            say("READY")
        while not stopped.wait(0.5):  # with a timeout, or Ctrl-C would not arrive on Windows
            pass
        server.shutdown()
    say(f"SHUTDOWN {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
