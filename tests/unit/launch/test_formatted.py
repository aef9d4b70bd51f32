"""Tracebacks in a box or in a log's JSON are those that Python would have written."""

from __future__ import annotations

import json

import pytest

from spike.launch import tracebacks

PLACE = "/opt/app/_internal/set/the-one-of-all.js"
LOST = f"FileNotFoundError: [Errno 2] No such file or directory: '{PLACE}'"
FOLDED = f"FileNotFoundError: [Errno 2] No such\nfile or directory:\n'{PLACE[:39]}\n{PLACE[39:]}'\n"
HEAD = "Traceback (most recent call last):\n"
# A frame of a packaged program has no file.
FROZEN = ("in <module>:29", "", "in load:28")
FRAMES = ("/opt/app/a-long-folder/of-this/one/m", "ain.py:26 in load", "", "❱ 26 │   open(path)")


def boxed(*inside: str, width: int = 40) -> str:
    """As rich draws it."""
    top = f"╭{' Traceback (most recent call last) '.center(width - 2, '─')}╮"
    rows = [f"│ {line:<{width - 4}} │" for line in inside]
    return "\n".join([top, *rows, f"╰{'─' * (width - 2)}╯", ""])


OPTIONAL = boxed(*FRAMES) + "ModuleNotFoundError: No module named\n'orjson'\n"
COLUMN = "".join(f"{'':29}{line}\n" for line in (boxed(*FRAMES) + FOLDED).splitlines())


def logged(level: str, exception: str) -> str:
    """A line of a logger that writes JSON."""
    told = (
        f'Traceback (most recent call last):\n  File "main.py", line 26, in <module>\n{exception}'
    )
    return json.dumps({"levelname": level, "message": "so", "exc_info": told}) + "\n"


DICT = [{"exc_type": "FileNotFoundError", "exc_value": LOST.partition(": ")[2], "frames": []}]


@pytest.mark.parametrize(
    ("text", "expected", "where"),
    [
        (boxed(*FROZEN) + FOLDED, LOST, ""),
        (boxed("/opt/app/main.py:26 in load", width=100) + LOST + "\n", LOST, "main.py:26"),
        ("[11/30/26 16:06] ERROR    cannot start    main.py:30\n" + COLUMN, LOST, "main.py:26"),
        (OPTIONAL + boxed(*FRAMES) + "RuntimeError: unset\n", "RuntimeError: unset", "main.py:26"),
        (OPTIONAL + " " * 11 + "ERROR    no storage      main.py:31\n", None, ""),
        (logged("ERROR", "ImportError: x") + logged("CRITICAL", LOST), LOST, "main.py:26"),
        (logged("ERROR", "ImportError: x") + '{"levelname": "INFO", "message": "up"}\n', None, ""),
        (
            f"2026-11-30 16:32 [CRITICAL] svc: Uncaught exception\n{HEAD}{LOST}\n"
            "2026-11-30 16:33 [INFO] svc: bye\n",
            LOST,
            "",
        ),
        (json.dumps({"event": "no start", "level": "error", "exception": DICT}) + "\n", LOST, ""),
    ],
)
def test_the_exception_that_ended_it_is_read_whole(
    text: str, expected: str | None, where: str
) -> None:
    """However narrow the box, and with its place; what was handled is none."""
    raised = tracebacks.uncaught(text, ended=True)
    assert (raised.message, raised.where) == (expected, where) if raised else expected is None


def test_what_stands_in_another_box_are_the_last_words() -> None:
    """Errors of typer and of rich-click say so of a wrong option."""
    box = boxed(
        "Invalid value for '--set': File", f"'{PLACE[:35]}", f"{PLACE[35:]}' does not exist."
    )
    text = "Usage: svc [OPTIONS]\n" + box.replace(f" {HEAD[:-2]} ", " Error ".center(35, "─"))
    told = f"Invalid value for '--set': File '{PLACE}' does not exist."
    assert tracebacks.last_lines(text, 1) == (told,)
