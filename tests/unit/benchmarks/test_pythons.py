"""Which Python to ship: one table of one run, and no row that looks measured and is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks import pythons
from benchmarks.registry import BENCHMARKS, command
from benchmarks.targets import PYTHON_ISOLATED
from decision.workflows import measuring
from spike.build import buildinfo
from spike.core.errors import MissingBuildError
from spike.measure import platforms
from spike.measure.results import Result
from spike.project import interpreters
from spike.project.sidecar import Sidecar
from tests.support.builds import VARIANT, info

ROWS = (PYTHON_ISOLATED, "cx_freeze-onedir")


def sample(target: str, ready_ms: float | None, **more: Any) -> dict[str, Any]:
    failure = None if ready_ms else "timeout"
    return {"target": target, "ready_ms": ready_ms, "failure": failure, "pss_bytes": 9e6, **more}


RESULT = Result(
    benchmark="pythons",
    sidecar="demo",
    sidecar_version="1.0.0",
    complete=True,
    provenance={"platform": "Linux", "arch": "x64", "python": "3.11.7"},
    settings={"refused": {"3.11": {}, "3.13": {}, "3.14": {"a": "Not for 3.14.", "b": "No."}}},
    targets={
        f"{python}/{row}": {
            "kind": "baseline" if row == PYTHON_ISOLATED else pythons.KIND,
            "python": python,
            "row": row,
            "python_version": f"{python}.1",
            "size_bytes": 12e6,
        }
        for python in ("3.11", "3.13")
        for row in ROWS
    },
    samples=[
        sample("3.11/baseline-python-I-S", 20.0),
        sample("3.11/cx_freeze-onedir", 50.0, glibc="2.34", glibc_file="libpython3.11.so"),
        sample("3.11/cx_freeze-onedir", 50.0),
        sample("3.13/baseline-python-I-S", 40.0),
        sample("3.13/cx_freeze-onedir", 30.0, glibc="", glibc_file=""),
        sample("3.13/cx_freeze-onedir", None),
    ],
    elapsed_s=1.0,
)


def cells(text: str, python: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {python}")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_each_python_has_its_row_and_the_others_say_that_they_were_not_measured() -> None:
    """Start, its ratio to the same Python's plain start, size, memory, GLIBC, refusals."""
    first, second = pythons.render(RESULT).split("\n\n")
    assert cells(first, "3.11") == [
        *("cx_freeze-onedir (3.11.1)", "0 of 2", "50.0 ms", "2.50", "12.0 MB", "9.0 MB"),
        "2.34 (libpython3.11.so)",
    ]
    assert cells(first, "3.13")[1:4] == ["1 of 2", "30.0 ms", "0.75"]
    assert cells(first, "3.13")[-1] == "none: linked in"
    for python in ("3.12", "3.14"):
        assert cells(first, python) == ["not measured", *["-"] * 6]
    asked = {python: cells(second, python) for python in interpreters.SUPPORTED}
    assert list(asked.values()) == [
        *(["nothing"], ["not asked: it was not here"], ["nothing"], ["Not for 3.14. No."]),
    ]
    assert "2 launches of each of 2 builds, in one shuffled run" in pythons.summary(RESULT)


def test_a_run_over_pythons_does_not_name_the_platform() -> None:
    """A folder of results stands for one Python; this result is of several."""
    own = replace(RESULT, targets={"a": {"build": {"python_version": "3.12.1"}}}, samples=[])
    assert platforms.name_of([own, RESULT]) == "linux-x64-3.12"


def test_builds_of_two_pythons_are_measured_together_and_found_apart(demo: Sidecar) -> None:
    """Also those of a Python that is not here any more; neither makes the other stale."""
    other = replace(demo, python_name="3.98", python_asked="3.98")
    with pytest.raises(MissingBuildError, match=r"is built with Python 3\.98") as caught:
        buildinfo.find_all(other)
    assert caught.value.try_next.endswith("-- --python 3.98")
    before = buildinfo.find(VARIANT, demo)
    target = VARIANT.folder(other)
    target.mkdir(parents=True)
    (target / "demo").write_bytes(b"program")
    (target / "demo").chmod(0o755)
    buildinfo.save(target / buildinfo.FILE_NAME, info(other, target / "demo"))
    assert buildinfo.find(VARIANT, demo) == before
    chosen = measuring.choose(BENCHMARKS["pythons"], demo, [VARIANT.id]).targets
    own = interpreters.running().short
    assert [each.id for each in chosen] == [
        *(f"{own}/{PYTHON_ISOLATED}", f"{own}/{VARIANT.id}", f"3.98/{VARIANT.id}"),
    ]
    assert not any("build" in each.as_json() for each in chosen)
    assert command("reliability", other) == "invoke bench --python 3.98"
    assert command("faults", other) == "invoke faults"


def test_without_any_build_it_says_how_to_make_two(hello: Sidecar) -> None:
    """And nothing is measured."""
    with pytest.raises(MissingBuildError, match="not built with any Python") as caught:
        pythons.choose(hello)
    assert "--python" in caught.value.try_next
