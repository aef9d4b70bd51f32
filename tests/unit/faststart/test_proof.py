"""What counts as a difference between plain and rewritten libraries."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from spike.faststart import proof
from spike.faststart.proof import Difference
from spike.faststart.rewrite import rewritten
from spike.faststart.statements import candidates
from spike.faststart.trials import Overlaid

PLAIN: dict[str, Any] = {
    "modules": {
        "lib": {"x": "int 1", "__spec__": "spec lib /lib.py None"},
        "far": {"now": "float 1.5"},
    },
    "sources": {"lib": {"f": "def f(): ..."}},
    "pickles": {"lib": {"f": "80"}},
    "errors": {"bad": "ImportError: no"},
    "warnings": [["UserWarning", "old", "/lib.py", 3]],
    "first": {},
    "threads": [],
}


def changed(**parts: Any) -> dict[str, Any]:
    seen = copy.deepcopy(PLAIN)
    for name, value in parts.items():
        if isinstance(value, dict) and name in ("modules", "sources", "pickles"):
            for module, each in value.items():
                seen[name].setdefault(module, {}).update(each)
        else:
            seen[name] = value
    return seen


@pytest.mark.parametrize(
    ("fast", "expected"),
    [
        ({}, set()),
        ({"modules": {"lib": {"x": "int 2"}}}, {("lib", "attribute x")}),
        ({"modules": {"lib": {"y": "int 2"}}}, {("lib", "attribute y")}),
        ({"modules": {"lib": {"x": None}}}, {("lib", "attribute x")}),
        ({"sources": {"lib": {"f": "OSError"}}}, {("lib", "source of f")}),
        ({"pickles": {"lib": {"f": "81"}}}, {("lib", "pickle of f")}),
        ({"errors": {}}, {("bad", "its import ends with success")}),
        (
            {"errors": {"bad": "ImportError: no", "lib": "E: x"}},
            {("lib", "its import ends with E: x")},
        ),
        ({"warnings": []}, {("lib", "warning old")}),
        ({"warnings": [["UserWarning", "old", "/lib.py", 4]]}, {("lib", "warning old")}),
        ({"warnings": PLAIN["warnings"] * 2}, {("lib", "warning old")}),
        ({"first": {"lib x": "T\nE: y"}}, {("lib", "x cannot be loaded first: E: y")}),
        ({"threads": [["lib", "x", "T\nE: y"]]}, {("lib", "x among threads: E: y")}),
        # What differs from one plain run to the next says nothing.
        ({"modules": {"far": {"now": "float 3.5"}}}, set()),
    ],
)
def test_differences(fast: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    """Each kind of thing that one can see."""
    again = changed(modules={"far": {"now": "float 2.5"}})
    seen = changed(**fast)
    found = (*proof.failures(seen), *proof.differences(PLAIN, again, seen))
    assert {(each.module, each.what) for each in found} == expected


def test_a_module_that_is_not_loaded_any_more() -> None:
    """Everything that the plain program loads has to be there in the end."""
    fast = changed()
    del fast["modules"]["lib"]
    found = proof.differences(PLAIN, PLAIN, fast)
    assert Difference(module="lib", what="it is not loaded") in found


def test_what_cannot_be_imported_by_itself_is_not_proved() -> None:
    """Nothing is known of it then."""
    assert proof.unproved(PLAIN, ["lib"]) == ()
    assert [each.module for each in proof.unproved(PLAIN, ["lib", "bad"])] == ["bad"]


SOURCES = {
    "fsp_lib": "\nfrom fsp_far import Thing\n\ndef f(x=1):\n    return Thing\n\n\nclass A:\n"
    "    y = [1]\n\n    def g(self):\n        return Thing\n",
    "fsp_far": "class Thing:\n    pass\n",
}


def seen_of(tmp_path: Path, name: str, text: str | None, order: list[str]) -> Any:
    """What a process shows of the modules above, with another text for one of them."""
    folder = tmp_path / "lib"
    folder.mkdir(exist_ok=True)
    for each, source in SOURCES.items():
        (folder / f"{each}.py").write_text(source)
    modules = {}
    if text is not None:
        (tmp_path / f"{name}.txt").write_text(text)
        modules[name] = Overlaid(
            file=str(folder / f"{name}.py"), text=str(tmp_path / f"{name}.txt")
        )
    statements = candidates(SOURCES["fsp_lib"].encode(), module="fsp_lib")
    return proof.look(
        tmp_path / "proof",
        before=order,
        after=[each for each in SOURCES if each not in order],
        rewritten=["fsp_lib"],
        modules=modules,
        put_off={"fsp_lib": statements} if text is not None else {},
        path=[str(folder)],
    )


def fast_text(source: str = SOURCES["fsp_lib"]) -> str:
    statements = candidates(SOURCES["fsp_lib"].encode(), module="fsp_lib")
    return rewritten(SOURCES["fsp_lib"].encode(), statements).decode() if source else ""


def test_a_rewritten_module_shows_what_the_plain_one_does(tmp_path: Path) -> None:
    """With sources, pickles, lines and everything else."""
    plain = seen_of(tmp_path, "", None, ["fsp_far", "fsp_lib"])
    fast = seen_of(tmp_path, "fsp_lib", fast_text(), ["fsp_lib"])
    assert proof.differences(plain, plain, fast) == proof.failures(fast) == ()
    assert plain["modules"]["fsp_lib"].keys() >= {"Thing", "f", "A"}
    assert "function fsp_lib.f" in plain["modules"]["fsp_lib"]["f"]
    assert plain["sources"]["fsp_lib"]["A.g"].startswith("    def g")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("x=1", "x=2", "attribute f"),
        ("\n\nclass A", "\n\n\nclass A", "attribute A"),
        ("y = [1]", "y = [2]", "attribute A"),
        ("g(self)", "g(self, z)", "attribute A"),
        ("from fsp_far import Thing;", "Thing = 1;", "attribute Thing"),
        ("from fsp_far import Thing;", "raise ValueError;", "among threads"),
    ],
)
def test_any_other_change_is_seen(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """In values, in lines, in classes, and in what is put off."""
    text = fast_text()
    assert old in text
    plain = seen_of(tmp_path, "", None, ["fsp_far", "fsp_lib"])
    fast = seen_of(tmp_path, "fsp_lib", text.replace(old, new), ["fsp_lib"])
    found = (*proof.failures(fast), *proof.differences(plain, plain, fast))
    assert any(each.module == "fsp_lib" and expected in each.what for each in found), found


def test_libraries_that_end_the_process_are_not_proved(tmp_path: Path) -> None:
    """They cannot be loaded apart."""
    text = "import os\nos._exit(3)\n"
    found = seen_of(tmp_path, "fsp_lib", text, ["fsp_lib"])
    assert isinstance(found, Difference)
    assert "cannot be loaded apart" in found.what


def test_a_large_set_is_the_same_in_every_process(tmp_path: Path) -> None:
    """It is iterated by addresses, and only so much of it is told."""
    folder = tmp_path / "lib"
    folder.mkdir()
    text = "MANY = {type(f'C{number}', (), {}) for number in range(400)}\n"
    (folder / "fsp_many.py").write_text(text)
    looks = [
        proof.look(tmp_path / "proof", before=["fsp_many"], rewritten=[], path=[str(folder)])
        for _ in range(3)
    ]
    told = {
        each["modules"]["fsp_many"]["MANY"] for each in looks if not isinstance(each, Difference)
    }
    (said,) = told
    assert said.startswith("set 400 [class ")
