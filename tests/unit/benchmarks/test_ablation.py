"""The knobs of the recipes: each changes one thing, and the table says which."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import ablation
from benchmarks.targets import PYTHON_ISOLATED
from spike.core.errors import UsageError
from spike.packagers import VARIANTS
from spike.packagers.recipe import Recipe
from spike.project import sidecar
from tests.support.evidence import result

linux = pytest.mark.skipif(sys.platform != "linux", reason="the lean recipes are for Linux")


def base_of(ablated: ablation.Ablation) -> Recipe:
    variant = VARIANTS[ablated.base]
    return variant.packager.recipe(sidecar.load(), variant.mode.name)


@pytest.mark.slow
@linux
@pytest.mark.parametrize("ablated", ablation.ABLATIONS, ids=lambda ablated: ablated.name)
def test_every_knob_changes_its_recipe_and_nothing_of_what_is_published(
    ablated: ablation.Ablation,
) -> None:
    """A row named like its variant is the variant; every other differs in a part of the recipe."""
    base = base_of(ablated)
    changed = ablated.change(base)
    assert (changed == base) is (ablated.name == ablated.base)
    assert (changed.output, changed.artifact) == (base.output, base.artifact)
    assert ablated.says


@linux
def test_an_eager_inspect_ships_inspect() -> None:
    """Otherwise the program would not start: Nuitka imports it."""
    (ablated,) = (
        ablated for ablated in ablation.ABLATIONS if ablated.name == "nuitka-lean eager inspect"
    )
    told = json.loads(ablated.change(base_of(ablated)).files[ablation.SETTINGS])
    assert not told["lazy_inspect"]
    assert {"inspect", "dis", "tokenize"} <= set(told["reached"])


def test_a_row_that_does_not_exist_lists_those_that_do() -> None:
    """Before anything is built."""
    with pytest.raises(UsageError, match="nuitka-lean pie"):
        ablation.rows(sidecar.load(), ["nuitka-lean pei"])


def test_the_table_compares_with_the_interpreter() -> None:
    """Medians, the ratio, instructions in millions."""
    samples: list[dict[str, Any]] = [
        {"target": PYTHON_ISOLATED, "ready_ms": 19.0, "failure": None},
        {"target": PYTHON_ISOLATED, "ready_ms": 20.0, "failure": None},
        {"target": PYTHON_ISOLATED, "ready_ms": 30.0, "failure": None},
        {"target": "nuitka-lean", "ready_ms": 15.0, "failure": None},
        {"target": "nuitka-lean", "ready_ms": None, "failure": "ready_timeout"},
        {"target": "nuitka-lean", "instructions": 41_600_000},
    ]
    found = result("ablation", samples)
    found = replace(
        found,
        targets={
            PYTHON_ISOLATED: {"kind": "baseline", "size_bytes": 1},
            "nuitka-lean": {"kind": "knob", "size_bytes": 6_800_000, "says": "the lean recipe"},
        },
    )
    line = ablation.render(found).splitlines()[-1]
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        *("nuitka-lean", "the lean recipe", "15.0 ms", "0.75", "41.6 M", "6.8 MB")
    ]
