"""The profile as a filter of lazy imports: what the interpreter asks by, and what it can tell."""

from __future__ import annotations

import sys

import pytest

from spike.faststart import lazy, statements
from spike.faststart.tables import Tables

SOURCE = b"""\
'''Doc.'''
import json
import os.path
import xml.dom as dom
from . import near
from .heavy import work, more as other
from lib.twice import one
from queue import Queue
def f():
    from queue import Queue
    return json, os.path, dom, work, other, one, Queue
class C:
    from lib.twice import one
"""


def tellable(source: bytes, *, is_package: bool = True) -> list[str]:
    found = statements.candidates(source, module="lib", is_package=is_package)
    return [each.code for each in lazy.tellable(source, found, module="lib", is_package=is_package)]


def test_what_the_filter_cannot_tell_apart_does_not_wait() -> None:
    """A second import of the same names; one that binds a part of a package to nothing."""
    assert tellable(SOURCE) == [
        "import json",
        "import xml.dom as dom",
        "from .heavy import work, more as other",
        "from queue import Queue",  # in a function nobody asks
    ]
    twice = b"x = 1\nimport json\ndef f():\n    return json\nif x:\n    import json as j\n"
    assert tellable(twice) == []
    relative = b"x = 1\nfrom .a import b\ndef f():\n    return b\n"
    assert tellable(relative) == ["from .a import b"]
    assert tellable(relative + b"if x:\n    from lib.a import b as c\n") == []
    assert tellable(relative + b"try:\n    from .a import b as c\nfinally:\n    pass\n") == []


def test_the_filter_is_asked_by_absolute_names_and_all_names_of_a_statement() -> None:
    """As the interpreter does it, sorted, with the line for the notes of a trial."""
    found = statements.candidates(SOURCE, module="lib", is_package=True)
    usable = lazy.tellable(SOURCE, found, module="lib", is_package=True)
    assert lazy.keys({"lib": usable}) == {
        ("lib", "json", None): 2,
        ("lib", "lib.heavy", ("work", "more")): 6,
        ("lib", "queue", ("Queue",)): 8,
        ("lib", "xml.dom", None): 4,
    }
    assert list(lazy.keys({"lib": usable})) == list(lazy.keys({"lib": usable[::-1]}))
    inner = statements.candidates(SOURCE, module="lib.part")
    keys = lazy.keys({"lib.part": lazy.tellable(SOURCE, inner, module="lib.part")})
    assert ("lib.part", "lib.heavy", ("work", "more")) in keys
    two = b"x = 1\nimport json, queue as q\ndef f():\n    return json, q\n"
    both = lazy.tellable(two, statements.candidates(two, module="m"), module="m")
    assert lazy.keys({"m": both}) == {("m", "json", None): 2, ("m", "queue", None): 2}


def test_what_waits_ships_with_the_tables_of_the_python_that_it_is_for() -> None:
    """The same text each time, and no table at all without any."""
    keys = (("lib", "json", None), ("lib", "lib.heavy", ("work",)))
    text = Tables(lazy=keys).module()
    assert f"\nLAZY = {keys!r}\n" in text
    assert repr(sys.version) in text
    assert "\nLAZY = ()\n" in Tables().module()


@pytest.mark.skipif(lazy.here(), reason="this Python asks a filter")
def test_below_python_3_15_nothing_asks() -> None:
    """Then libraries are rewritten."""
    assert sys.version_info < (3, 15)
