"""A sidecar that speaks JSON-RPC 2.0 over stdin and stdout, one message a line.

BOOT and READY come first. After READY stdout carries JSON-RPC answers and, at the very end, the
one SHUTDOWN line; nothing else can get there, because a stray ``print`` or a library's message is
sent to stderr. With ``SIDECAR_EXIT_ON_EOF=1`` the end of stdin ends the program.

Methods: ``ping`` -> "pong"; ``words`` {"text": str, "limit": int = 5} -> [[word, count], ...],
the most frequent words that are not in ``stopwords.txt``.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

NAME = "sidecar-jsonrpc"
VERSION = "0.1.0"
STOPWORDS = Path(__file__).resolve().parent / "stopwords.txt"

# The error codes of the JSON-RPC 2.0 specification, section 5.1.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603


def claim_stdout() -> BinaryIO:
    """Return stdout for the protocol alone and send every other writer to stderr.

    It works below Python, on the descriptors, so a C library's output is kept out as well.
    """
    sys.stdout.flush()
    protocol = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return protocol


def load_stopwords() -> frozenset[str]:
    """Read the words to leave out; FileNotFoundError when the file did not ship."""
    return frozenset(STOPWORDS.read_text(encoding="utf-8").split())


def make_methods(stopwords: frozenset[str]) -> dict[str, Callable[..., object]]:
    """Return the callable methods by name."""

    def ping() -> str:
        return "pong"

    def words(text: str, limit: int = 5) -> list[list[object]]:
        if not isinstance(text, str) or not isinstance(limit, int):
            raise TypeError("text must be a string and limit an integer")
        found = (word for word in re.findall(r"\w+", text.lower()) if word not in stopwords)
        return [list(pair) for pair in Counter(found).most_common(limit)]

    return {"ping": ping, "words": words}


def error(code: int, message: str, request_id: object = None) -> dict[str, object]:
    """Return an error answer."""
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}, "id": request_id}


def answer_one(request: Any, methods: dict[str, Callable[..., object]]) -> dict[str, object] | None:
    """Answer one request object; None for a notification."""
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        return error(INVALID_REQUEST, 'a request is an object with "jsonrpc": "2.0"')
    request_id = request.get("id")
    name, params = request.get("method"), request.get("params", {})
    if not isinstance(name, str) or not isinstance(params, dict | list):
        return error(
            INVALID_REQUEST, "method is a string, params an object or an array", request_id
        )
    answer: dict[str, object]
    if (method := methods.get(name)) is None:
        answer = error(METHOD_NOT_FOUND, f"there is no method {name!r}", request_id)
    else:
        try:
            result = method(**params) if isinstance(params, dict) else method(*params)
            answer = {"jsonrpc": "2.0", "result": result, "id": request_id}
        except TypeError as problem:
            answer = error(INVALID_PARAMS, str(problem), request_id)
        except Exception as problem:  # a method's failure is an answer, not the end of the service
            answer = error(INTERNAL_ERROR, repr(problem), request_id)
    return answer if "id" in request else None


def answer_line(line: bytes, methods: dict[str, Callable[..., object]]) -> object:
    """Answer one line: a request or a batch; None when nothing is to be sent."""
    try:
        message = json.loads(line)
    except ValueError as problem:
        return error(PARSE_ERROR, f"not JSON: {problem}")
    if not isinstance(message, list):
        return answer_one(message, methods)
    if not message:
        return error(INVALID_REQUEST, "an empty batch")
    answers = [answer for item in message if (answer := answer_one(item, methods)) is not None]
    return answers or None


def main() -> int:
    """Answer requests until stdin ends or a signal comes; a request being answered is finished."""
    reason = ""
    # None ends the loop. The queue's put may be called in a signal handler, and it wakes the loop
    # also when the signal comes just before it waits, which a blocking read would miss.
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal reason
        reason = reason or f"reason=signal signal={signal.Signals(number).name}"
        lines.put(None)

    def read_stdin() -> None:
        # open, not sys.stdin: a daemon thread inside sys.stdin would hold its lock at exit.
        with open(0, "rb", closefd=False) as stream:
            for line in stream:
                lines.put(line)
        if os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
            lines.put(None)

    protocol = claim_stdout()

    def send(line: str) -> None:
        protocol.write(line.encode("ascii") + b"\n")
        protocol.flush()

    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):  # the last one is Windows'
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    send(f"BOOT sidecar={NAME} version={VERSION} pid={os.getpid()}")
    methods = make_methods(load_stopwords())
    threading.Thread(target=read_stdin, daemon=True).start()
    if not reason:
        send("READY")
    while not reason:
        try:
            line = lines.get(timeout=0.5)  # with a timeout, or Ctrl-C would not arrive on Windows
        except queue.Empty:
            continue
        if line is None:
            break
        if line.strip() and (answer := answer_line(line, methods)) is not None:
            send(json.dumps(answer))
    send(f"SHUTDOWN {reason or 'reason=normal'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
