"""Which imports can be put off, construct by construct."""

from __future__ import annotations

import textwrap

import pytest

from spike.faststart.statements import candidates

USE = "\n\ndef use():\n    return json.dumps(1)\n"


def names(source: str, *, module: str = "lib.part", **more: object) -> tuple[str, ...]:
    found = candidates(textwrap.dedent(source).encode(), module=module, **more)  # type: ignore[arg-type]
    return tuple(name for each in found for name in each.names)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("\nimport json" + USE, ("json",)),
        ('"""Docs."""\nimport json' + USE, ("json",)),
        ("from __future__ import annotations\nimport json" + USE, ("json",)),
        ("\nimport json  # said" + USE, ("json",)),
        ("\nimport a.b as json" + USE, ("json",)),
        ("\nimport json.decoder" + USE, ("json",)),
        ("\nimport json, os\n\ndef f():\n    return json, os\n", ("json", "os")),
        ("\nfrom a import (\n    b,\n    c as d,\n)\n\ndef f():\n    return b, d\n", ("b", "d")),
        ("\nfrom .near import b\n\ndef f():\n    return b\n", ("b",)),
        ("\nimport json\nf = lambda: json\n", ("json",)),
        ("\nimport json\n\nasync def f():\n    return [json for _ in range(3)]\n", ("json",)),
        ("\nimport json\n\nclass A:\n    def f(self):\n        return json\n", ("json",)),
        ("\nimport json\n\ndef f():\n    @json\n    def g(a=json): ...\n", ("json",)),
        ("\nimport json\n\ndef f():\n    class A(json.B): ...\n", ("json",)),
        # A local of the same name is another variable.
        ("\nimport json" + USE + "\ndef g(json):\n    return json\n", ("json",)),
        ("\nimport json" + USE + "\ndef g():\n    json = 1\n    return json\n", ("json",)),
        # Named in __all__ and for others alone.
        ("\nfrom a import b\n__all__ = ['b']\n", ("b",)),
        ("\nfrom a import b as b\n", ("b",)),
    ],
)
def test_what_only_functions_need_can_wait(source: str, expected: tuple[str, ...]) -> None:
    """In each form of an import statement, and wherever in a function its name stands."""
    assert names(source) == expected


LEFT_ALONE = {
    "used by the module itself": "\nimport json\nx = json.dumps(1)" + USE,
    "used in a condition": "\nimport json\nif json: pass" + USE,
    "used in a comprehension of the module": "\nimport json\nx = [json for _ in 'a']" + USE,
    "used in a generator of the module": "\nimport json\nx = (json for _ in 'a')" + USE,
    "a decorator": "\nimport json\n@json.x\ndef f(): ...\n" + USE,
    "a decorator of a class": "\nimport json\n@json.x\nclass A: ...\n" + USE,
    "a decorator of a method": "\nimport json\nclass A:\n    @json.x\n    def f(self): ...\n" + USE,
    "a default": "\nimport json\ndef f(a=json): ...\n" + USE,
    "a default of a lambda": "\nimport json\nf = lambda a=json: a\n" + USE,
    "a keyword's default": "\nimport json\ndef f(*, a=json): ...\n" + USE,
    "a base class": "\nimport json\nclass A(json.B): ...\n" + USE,
    "a metaclass": "\nimport json\nclass A(metaclass=json.B): ...\n" + USE,
    "a class attribute": "\nimport json\nclass A:\n    x = json\n" + USE,
    "a class attribute of the same name": "\nimport json\nclass A:\n    json = json\n" + USE,
    "an annotation of an argument": "\nimport json\ndef f(a: json.B): ...\n" + USE,
    "an annotation of a result": "\nimport json\ndef f() -> json.B: ...\n" + USE,
    "an annotation of a variable": "\nimport json\nx: json.B\n" + USE,
    "an annotation of an attribute": "\nimport json\nclass A:\n    x: json.B = 1\n" + USE,
    "an annotation that nobody evaluates yet": "from __future__ import annotations\n"
    "import json\ndef f(a: json.B): ...\n" + USE,
    "an annotation inside a function": "\nimport json\ndef f():\n    x: json.B = 1\n" + USE,
    "an annotation in quotes": "\nimport json\ndef f(a: 'json.B'): ...\n" + USE,
    "a type in quotes": "\nimport json\nx = cast('list[json.B]', 1)\n" + USE,
    "a class in a function": "\nimport json\ndef f():\n    class A:\n        x = json\n" + USE,
    "bound twice": "\nimport json\nimport json" + USE,
    "bound twice by parts": "\nimport json\nimport json.decoder" + USE,
    "assigned": "\nimport json\njson = None" + USE,
    "assigned by a walrus": "\nimport json\nx = [json := 1 for _ in 'a']" + USE,
    "a loop's variable": "\nimport json\nfor json in 'a': pass" + USE,
    "a with's variable": "\nimport json\nwith x as json: pass" + USE,
    "an exception's variable": "\nimport json\ntry: pass\nexcept E as json: pass" + USE,
    "a match's capture": "\nimport json\nmatch 1:\n    case json: pass" + USE,
    "a match's rest": "\nimport json\nmatch 1:\n    case {**json}: pass" + USE,
    "a match's star": "\nimport json\nmatch 1:\n    case [*json]: pass" + USE,
    "a function's name": "\nimport json\ndef json(): ...\n" + USE,
    "a class's name": "\nimport json\nclass json: ...\n" + USE,
    "deleted": "\nimport json\ndel json" + USE,
    "declared global": "\nimport json\ndef f():\n    global json\n    json = 1\n" + USE,
    "conditional": "\nimport json\nif x:\n    import simplejson as json" + USE,
    "of a try": "\ntry:\n    import json\nexcept ImportError:\n    json = None" + USE,
    "with a fallback": "\nimport json\ntry:\n    import orjson as json\nexcept E: pass" + USE,
    "for type checkers": "\nif TYPE_CHECKING:\n    import json" + USE,
    "in a with": "\nwith x:\n    import json" + USE,
    "in an if": "\nif x:\n    import json" + USE,
    "used by nobody": "\nimport json\n",
    "used by nobody, from": "\nfrom json import dumps\n",
    "a star": "\nfrom json import *" + USE,
    "beside a star": "\nimport json\nfrom os import *" + USE,
    "from a package itself": "\nfrom . import json" + USE,
    "beyond the package": "\nfrom ... import json\nfrom ...x import json" + USE,
    "sharing its line": "\nimport json; x = 1" + USE,
    "behind another": "\nx = 1; import json" + USE,
    "globals": "\nimport json\ndef f():\n    return globals()\n" + USE,
    "vars": "\nimport json\ndef f():\n    return vars()\n" + USE,
    "locals": "\nimport json\nx = locals()\n" + USE,
    "eval": "\nimport json\ndef f(x):\n    return eval(x)\n" + USE,
    "exec": "\nimport json\ndef f(x):\n    exec(x)\n" + USE,
    "dir": "\nimport json\nx = dir()\n" + USE,
    "sys.modules": "\nimport json\nimport sys\nx = sys.modules[__name__]\n" + USE,
    "sys.modules by name": "\nimport json\nfrom sys import modules\n" + USE,
    "a function's globals": "\nimport json\ndef f(g):\n    return g.__globals__\n" + USE,
    "an own __getattr__": "\nimport json\ndef __getattr__(name): ...\n" + USE,
    "an assigned __getattr__": "\nimport json\n__getattr__ = x\n" + USE,
    "an own __dir__": "\nimport json\ndef __dir__(): ...\n" + USE,
    "a conditional __getattr__": "\nimport json\nif x:\n    def __getattr__(name): ...\n" + USE,
    "a compiler's user": "\nimport json\nimport numba\n" + USE,
    "typing": "\nimport typing\n\ndef f():\n    return typing\n",
    "importlib": "\nfrom importlib import metadata\n\ndef f():\n    return metadata\n",
    "warnings": "\nimport warnings\n\ndef f():\n    warnings.warn('')\n",
    "the name of a builtin": "\nfrom codecs import open\n\ndef f():\n    open()\n",
    "a private name": "\nimport json as __json\n\ndef f():\n    __json\n",
    "the first line of all": "import json" + USE,
    "another encoding": "# coding: latin-1\n\nimport json" + USE,
    "lines of Windows": "\r\nimport json\r\ndef f(): json\r\n",
    "no Python": "\nimport json\ndef f(:\n",
    "our own names": "\nimport json\n\ndef f():\n    _fast_start_1()\n" + USE,
}


@pytest.mark.parametrize("source", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_whatever_is_not_surely_safe_is_left_alone(source: str) -> None:
    """Each construct in which a later import could mean something else."""
    assert "json" not in names(source)
    assert not set(names(source)) & {"typing", "metadata", "warnings", "open", "__json", "dumps"}


def test_names_in_f_strings_have_no_true_place_before_3_12() -> None:
    """So they are not touched there."""
    import sys

    found = names("\nimport json\n\ndef f():\n    return f'{json}'\n")
    assert found == (("json",) if sys.version_info >= (3, 12) else ())


def test_a_name_that_is_also_a_submodule_is_left_alone() -> None:
    """Whoever imports the submodule changes the attribute."""
    source = "\nfrom .routing import routing, b\n\ndef f():\n    return routing\n"
    more = {"module": "lib", "is_package": True, "submodules": ["routing"]}
    assert names(source, **more) == ()  # type: ignore[arg-type]
    assert names(source, module="lib", is_package=True) == ("routing", "b")


def test_a_package_passes_on_what_others_use() -> None:
    """In an ``__init__`` an import that nobody uses there is for others."""
    source = "\nfrom .near import b\n"
    assert names(source, module="lib", is_package=True) == ("b",)
    assert names(source, module="lib.part") == ()


@pytest.mark.parametrize(
    ("line", "module", "is_package", "targets"),
    [
        ("import a.b", "lib.part", False, ("a.b",)),
        ("from a import b", "lib.part", False, ("a", "a.b")),
        ("from .near import b as a", "lib.part", False, ("lib.near", "lib.near.b")),
        ("from .near import b as a", "lib.part", True, ("lib.part.near", "lib.part.near.b")),
        ("from ..near import b as a", "lib.in.part", False, ("lib.near", "lib.near.b")),
    ],
)
def test_targets_are_absolute(
    line: str, module: str, is_package: bool, targets: tuple[str, ...]
) -> None:
    """Relative imports are told by where they lead."""
    used = "b" if line.endswith("b") and "import b" in line else "a"
    source = f"\n{line}\n\ndef f():\n    return {used}\n".encode()
    (found,) = candidates(source, module=module, is_package=is_package)
    assert found.targets == targets


def test_places_are_counted_in_bytes() -> None:
    """As the parser counts them, whatever stands before a name in its line."""
    source = "\nimport json\n\ndef f():\n    return 'é', json\n".encode()
    (found,) = candidates(source, module="lib.part")
    line, column = found.uses[0]
    assert source.split(b"\n")[line - 1][column:] == b"json"
