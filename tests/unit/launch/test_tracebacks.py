"""Which exception ended a program, and which it only told of."""

from __future__ import annotations

import pytest

from spike.launch import tracebacks

HEAD = "Traceback (most recent call last):\n"
FRAME = '  File "/opt/app/main.py", line 3, in <module>\n    raise x\n'


def block(exception: str) -> str:
    return f"{HEAD}{FRAME}{exception}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (block("KeyError: 'HOME'"), "KeyError: 'HOME'"),
        (block("AssertionError"), "AssertionError"),
        ("INFO:root:starting\n" + block("ValueError: x"), "ValueError: x"),
        (
            block("ValueError: 1\n  field\n\n    more"),
            "ValueError: 1\n  field\n\n    more",
        ),
        (block("ValueError: x") + "[PYI-1:ERROR] Failed to execute script", "ValueError: x"),
        (block("ValueError: x") + "Exception ignored in: <_io>\n", "ValueError: x"),
        (
            "ERROR:root:off\n" + block("ImportError: a") + block("RuntimeError: b"),
            "RuntimeError: b",
        ),
        (
            block("KeyError: 1")
            + "\nDuring handling of the above exception, another exception occurred:\n\n"
            + block("ValueError: 2"),
            "ValueError: 2",
        ),
        (
            "Exception in thread Thread-1 (serve):\n" + block("OSError: in use") + "INFO: up\n",
            "OSError: in use",
        ),
        (
            "  + Exception Group Traceback (most recent call last):\n"
            '  |   File "main.py", line 1, in <module>\n'
            "  | ExceptionGroup: several (1 sub-exception)\n"
            "  +-+---------------- 1 ----------------\n"
            "    | Traceback (most recent call last):\n"
            '    |   File "main.py", line 2, in one\n'
            "    | FileNotFoundError: gone\n"
            "    +------------------------------------\n",
            "FileNotFoundError: gone",
        ),
        (
            "  + Exception Group Traceback (most recent call last):\n"
            '  |   File "main.py", line 1, in <module>\n'
            "  | ExceptionGroup: start (2 sub-exceptions)\n"
            "  +-+---------------- 1 ----------------\n"
            "    | OSError: in use\n"
            "    +---------------- 2 ----------------\n"
            "    | ValueError: bad key\n"
            "    +------------------------------------\n",
            "ExceptionGroup: start (2 sub-exceptions)\n\nOSError: in use\n\nValueError: bad key",
        ),
        (
            "ERROR:    Traceback (most recent call last):\n"
            + FRAME
            + "FileNotFoundError: x\n\nERROR:    Application startup failed. Exiting.\n",
            "FileNotFoundError: x",
        ),
        ("ERROR:root:off\n" + block("ImportError: a") + "INFO:root:up\n", None),
        (block("ImportError: a") + "2026-01-01 10:00:00 INFO up\n", None),
        ("ERROR:    Traceback (most recent call last):\n" + FRAME + "ImportError: a\n", None),
        ("nothing of the kind", None),
        ("", None),
        (HEAD, ""),
    ],
)
def test_the_exception_that_ended_a_program_is_told_apart(text: str, expected: str | None) -> None:
    """From one that was logged, handled, or of a thread; with all lines of its message."""
    raised = tracebacks.uncaught(text)
    assert (raised.message if raised else None) == expected


def test_where_it_was_raised_is_known() -> None:
    """File and line of the last frame, and the line itself where Python prints it."""
    text = (
        HEAD
        + FRAME
        + '  File "C:\\app\\deep.py", line 12, in inner\n    assert n > 3\nAssertionError\n'
    )
    raised = tracebacks.uncaught(text)
    assert raised is not None
    assert (raised.where, raised.source, raised.kind) == (
        *("deep.py:12", "assert n > 3", "AssertionError"),
    )
    bare = tracebacks.uncaught(HEAD + '  File "main.py", line 1, in <module>\na.b.Error: x\n')
    assert bare is not None
    assert (bare.where, bare.source, bare.kind) == ("main.py:1", "", "Error")


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("/home/user/app/main.py", "main.py"),
        ("C:\\\\app\\\\main.py", "main.py"),
        ("pydantic/main.py", "pydantic/main.py"),
        ("/usr/lib/python3/dist-packages/pydantic/main.py", "pydantic/main.py"),
        ("<frozen runpy>", "<frozen runpy>"),
    ],
)
def test_a_library_is_told_from_the_program(file: str, shown: str) -> None:
    """Both may have a main.py."""
    text = f'{HEAD}  File "{file}", line 3, in x\nValueError: x\n'
    raised = tracebacks.uncaught(text)
    assert raised is not None
    assert raised.where == f"{shown}:3"


def test_a_frozen_module_of_pythons_own_is_no_place_to_look() -> None:
    """The line that called it is."""
    frames = '  File "main.py", line 3, in x\n  File "<frozen os>", line 679, in __getitem__\n'
    raised = tracebacks.uncaught(f"{HEAD}{frames}KeyError: 'X'\n")
    assert raised is not None
    assert raised.where == "main.py:3"


def test_the_causes_of_an_exception_come_along() -> None:
    """The nearest first."""
    chain = "\nThe above exception was the direct cause of the following exception:\n\n"
    raised = tracebacks.uncaught(chain.join(block(f"E: {n}") for n in (1, 2, 3)))
    assert raised is not None
    assert [each.message for each in tracebacks.every(raised)] == ["E: 3", "E: 2", "E: 1"]


def test_last_lines_are_the_programs_own() -> None:
    """Not those of a packager's launcher."""
    launcher = "[PYI-9:ERROR] Failed to execute script 'main' due to unhandled exception!"
    assert tracebacks.last_lines(f"one\n\ntwo \n{launcher}\n") == ("two", "one")
