"""Which Python is wanted and which marker holds, by the rules of PEP 440 and PEP 508."""

from __future__ import annotations

import sys

import pytest

from spike.project import specifiers


@pytest.mark.parametrize(
    ("specifier", "version", "expected"),
    [
        (">=3.12", "3.11.7", False),
        (">=3.12", "3.12.0", True),
        (">=3.12", "3.12.0rc1", True),
        (">=3.11,<4", "3.13.1", True),
        (">=3.11, <3.13", "3.13.0", False),
        ("==3.12.*", "3.12.4", True),
        ("==3.12.*", "3.13.0", False),
        ("!=3.11.*", "3.11.7", False),
        ("~=3.11", "3.14.0", True),
        ("~=3.11.2", "3.12.0", False),
        ("~=3.10", "3.9.1", False),
        (">3.10", "3.11.0", True),
        ("", "3.11.0", True),
        ("^3.11", "3.11.0", None),
        ("^3.11,<3", "3.11.0", False),
    ],
)
def test_a_python_is_in_a_set_of_versions(
    specifier: str, version: str, expected: bool | None
) -> None:
    """``requires-python`` is read before anything else; what is not understood is no verdict."""
    assert specifiers.holds(specifier, version) is expected


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [(">=3.12", "3.12"), (">=3.9,!=3.9.1,<4", "3.9"), ("<4", ""), ("~=3.12.2", "3.12"), ("", "")],
)
def test_the_lowest_version_is_named(specifier: str, expected: str) -> None:
    """That is the one to try next."""
    assert specifiers.lowest(specifier) == expected


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("click>=8", True),
        ("pywin32; sys_platform == 'win32'", sys.platform == "win32"),
        ("uvloop ; sys_platform != 'win32'", sys.platform != "win32"),
        ('tomli>=2; python_version < "3.2"', False),
        ('x; python_version >= "3.10" and (os_name == "none" or python_version > "3")', True),
        ('x; python_full_version == "2.7.*"', False),
        ('x; "win" in sys_platform and python_version < "3"', False),
        ("x @ file:///tmp/a;b/x.whl ; python_version < '3'", False),
        ('x; python_version ~= "3.8"', None),
        ('x; nonsense == "1"', None),
        ('x; extra == "test"', False),
    ],
)
def test_a_marker_holds_or_not(requirement: str, expected: bool | None) -> None:
    """Conditions on the platform and the Python, with and, or and parentheses."""
    assert specifiers.marker_holds(requirement) is expected


def test_names_are_compared_in_normal_form() -> None:
    """``Typing_Extensions[x]>=4`` and ``typing-extensions`` are one distribution."""
    assert specifiers.requirement_name("Typing_Extensions[x]>=4; os_name == 'nt'") == (
        "typing-extensions"
    )
    assert specifiers.requirement_name("") == ""
