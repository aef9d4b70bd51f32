"""Conditions on the platform: decided where they are, and only where they are."""

from __future__ import annotations

import ast

import pytest

from spike.project import conditions

WINDOWS = {"sys.platform": "win32", "os.name": "nt", "platform.system()": "Windows"}
LINUX = {"sys.platform": "linux", "os.name": "posix", "platform.system()": "Linux"}


@pytest.mark.parametrize(
    ("text", "on_windows", "on_linux"),
    [
        ("sys.platform == 'win32'", True, False),
        ("'win32' == sys.platform", True, False),
        ("sys.platform != 'win32'", False, True),
        ("os.name == 'nt'", True, False),
        ("platform.system() == 'Windows'", True, False),
        ("sys.platform in ('win32', 'cygwin')", True, False),
        ("sys.platform not in {'win32'}", False, True),
        ("sys.platform.startswith('linux')", False, True),
        ("sys.platform.startswith(('win', 'cyg'))", True, False),
        ("not os.name == 'nt'", False, True),
        ("os.name == 'nt' and loud", None, False),
        ("os.name == 'nt' or loud", True, None),
        ("os.name == 'posix' or sys.platform == 'win32'", True, True),
        ("loud", None, None),
        ("sys.platform == name", None, None),
        ("'win' in sys.platform", None, None),
        ("sys.version_info >= (3, 12)", None, None),
        ("sys.platform == 'win32' == loud", None, None),
    ],
)
def test_a_condition_is_decided_or_left_open(
    text: str, on_windows: bool | None, on_linux: bool | None
) -> None:
    """What is not about the platform alone stays open on both."""
    test = ast.parse(text, mode="eval").body
    assert conditions.truth(test, WINDOWS) is on_windows
    assert conditions.truth(test, LINUX) is on_linux
