"""The part of a proof that runs in the namespaces: ``python -m spike.installed.inside REQUEST``.

It is the first process of its process namespace. It reads a request, builds the root, and writes
what it found beside the request.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from spike.core import command_line, jsonfile
from spike.core.errors import EXIT_OK, SpikeError
from spike.installed import lives, request, root, session
from spike.installed.rows import Finding

ANSWER = "answer.json"
SCHEMA = 1


def main(arguments: list[str]) -> int:
    """Carry out the request in a file; the answer lies beside it."""
    place = Path(arguments[0])
    asked = request.from_json(json.loads(place.read_text("utf-8")))
    answer: dict[str, Any] = {"schema": SCHEMA, "error": None}
    try:
        answer |= _lives(asked)
    except SpikeError as error:
        answer["error"] = {"what": error.what, "why": error.why, "try_next": error.try_next}
    jsonfile.write(place.with_name(ANSWER), answer)
    return EXIT_OK


def _lives(asked: request.Request) -> dict[str, Any]:
    if not asked.terms.network:
        root.loopback_up()
    own = root.Root(Path(asked.base), as_root=asked.privileged)
    own.build(Path(asked.packages), network=asked.terms.network)
    with session.opened(own, asked.terms.env) as started:
        outcome = lives.Lives(own, started, asked, _say).run()
    return {
        "root": own.kind,
        "findings": [_finding(each) for each in outcome.findings],
        "data_folders": list(outcome.data_folders),
    }


def _finding(each: Finding) -> dict[str, Any]:
    return {
        "row": each.row.value,
        "verdict": each.verdict.value,
        "detail": each.detail,
        "left": list(each.left),
        "log": list(each.log),
    }


def _say(what: str) -> None:
    sys.stderr.write(f"... {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    command_line.run_command_line(main)
