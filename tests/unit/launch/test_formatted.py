"""Tracebacks in a box or in a log's JSON are those that Python would have written."""

from __future__ import annotations

import json

import pytest

from spike.launch import tracebacks

PLACE = "/opt/app/_internal/set/the-one-of-all.js"
LOST = f"FileNotFoundError: [Errno 2] No such file or directory: '{PLACE}'"
FOLDED = """\
FileNotFoundError: [Errno 2] No such
file or directory:
'/opt/app/_internal/set/the-one-of-all.j
s'
"""
# A frame of a packaged program has no file.
FROZEN = ("in <module>:29", "", "in load:28")
FRAMES = ("/opt/app/a-long-folder/of-this/one/m", "ain.py:26 in load", "", "❱ 26 │   open(path)")


def boxed(*inside: str, width: int = 40, aside: str = "") -> str:
    """As rich draws it."""
    lines = [
        f"╭{' Traceback (most recent call last) '.center(width - 2, '─')}╮",
        *(f"│ {line:<{width - 4}} │" for line in inside),
        f"╰{'─' * (width - 2)}╯",
    ]
    return "".join(f"{aside}{line}\n" for line in lines)


OPTIONAL = boxed(*FRAMES) + "ModuleNotFoundError: No module named\n'orjson'\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (boxed(*FROZEN) + FOLDED, LOST),
        (boxed("/opt/app/main.py:26 in load", width=100) + LOST + "\n", LOST),
        (
            "[11/30/26 16:06:31] ERROR    cannot start      main.py:30\n"
            + boxed(*FRAMES, aside=" " * 29)
            + "\n".join(" " * 29 + line for line in FOLDED.splitlines()),
            LOST,
        ),
        (OPTIONAL + boxed(*FRAMES) + "RuntimeError: unset\n", "RuntimeError: unset"),
        (OPTIONAL + " " * 11 + "ERROR    no storage      main.py:31\n", None),
    ],
)
def test_a_box_is_read_as_what_is_in_it(text: str, expected: str | None) -> None:
    """The message is whole, however narrow, and what was handled is none."""
    raised = tracebacks.uncaught(text, ended=True)
    assert (raised.message if raised else None) == expected
    if raised and "main.py" in text and "in <module>" not in text:
        assert raised.where == "main.py:26"


def logged(level: str, exception: str, **more: object) -> str:
    """A line of a logger that writes JSON."""
    told = f'Traceback (most recent call last):\n  File "main.py", line 3, in <module>\n{exception}'
    return json.dumps({"levelname": level, "message": "so", "exc_info": told, **more}) + "\n"


DICT = [{"exc_type": "FileNotFoundError", "exc_value": LOST.partition(": ")[2], "frames": []}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (logged("ERROR", "ImportError: orjson") + logged("CRITICAL", LOST), LOST),
        (logged("ERROR", "ImportError: orjson") + '{"levelname": "INFO", "message": "up"}\n', None),
        (json.dumps({"event": "cannot start", "level": "error", "exception": DICT}) + "\n", LOST),
        ('{"text": "Traceback (most recent call last):\n', None),
    ],
)
def test_an_exception_in_a_logs_json_is_read(text: str, expected: str | None) -> None:
    """With its place; one behind which the log goes on has ended nothing."""
    raised = tracebacks.uncaught(text, ended=True)
    assert (raised.message if raised and raised.lines else None) == expected
