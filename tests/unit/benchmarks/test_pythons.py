"""Which Python to ship: one table of one run, and no row that looks measured and is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import pythons
from benchmarks.registry import BENCHMARKS, command
from benchmarks.targets import PYTHON_ISOLATED
from decision.workflows import measuring
from spike.build import buildinfo
from spike.core.errors import MissingBuildError
from spike.measure import platforms
from spike.project import interpreters
from spike.project.sidecar import Sidecar
from tests.support.builds import VARIANT, info
from tests.support.evidence import result

LAUNCH = {"failure": None, "pss_bytes": 9e6}
RESULT = replace(
    result(
        "pythons",
        [
            {"target": f"3.11/{PYTHON_ISOLATED}", "ready_ms": 20.0, **LAUNCH},
            {"target": "3.11/x", "ready_ms": 50.0, "glibc": "2.34", "glibc_file": "a.so", **LAUNCH},
            {"target": "3.11/x", "ready_ms": None, **LAUNCH, "failure": "timeout"},
        ],
    ),
    provenance={"platform": "Linux", "arch": "x64"},
    settings={
        "refused": {"3.11": {}, "3.14": {"a": "Not for 3.14.", "b": "No.", "c": "Not for 3.14."}}
    },
    targets={
        f"3.11/{row}": {"kind": kind, "python": "3.11", "row": row, "python_version": "3.11.7"}
        | {"size_bytes": 12e6}
        for row, kind in ((PYTHON_ISOLATED, "baseline"), ("x", pythons.KIND))
    },
)


def test_each_python_has_its_row_and_the_others_say_that_they_were_not_measured() -> None:
    """Start, its ratio to the same Python's plain start, size, memory, GLIBC, refusals."""
    lines = pythons.render(RESULT).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    asked = ["3.11", "x (3.11.7)", "1 of 2", "50.0 ms", "2.50", "12.0 MB", "9.0 MB"]
    assert rows[2] == [*asked, "2.34 (a.so)"]
    for number, python in enumerate(interpreters.SUPPORTED[1:], 3):
        assert rows[number] == [python, "not measured", *["-"] * 6]
    unasked = ["-", "not asked: it was not here"]
    said = [row[1:] for row in rows[-5:]]
    assert said == [["none", ""], unasked, unasked, ["a, c", "Not for 3.14."], ["b", "No."]]
    assert "2 launches of each of 1 build, in one shuffled run" in pythons.summary(RESULT)
    own = replace(RESULT, targets={"a": {"build": {"python_version": "3.12.1"}}}, samples=[])
    assert platforms.name_of([own, RESULT]) == "linux-x64-3.12", "this result is of several"


def test_builds_of_two_pythons_are_measured_together_and_found_apart(demo: Sidecar) -> None:
    """Also those of a Python that is not here any more; neither makes the other stale."""
    other = replace(demo, python_name="3.98", python_asked="3.98")
    with pytest.raises(MissingBuildError, match=r"built with Python 3\.98.*-- --python 3\.98$"):
        buildinfo.find_all(other)
    before = buildinfo.find(VARIANT, demo)
    target = VARIANT.folder(other)
    target.mkdir(parents=True)
    (target / "demo").write_bytes(b"program")
    (target / "demo").chmod(0o755)
    buildinfo.save(target / buildinfo.FILE_NAME, info(other, target / "demo"))
    assert buildinfo.find(VARIANT, demo) == before
    chosen = measuring.choose(BENCHMARKS["pythons"], demo, [VARIANT.id]).targets
    own = interpreters.running().short
    names = [f"{own}/{PYTHON_ISOLATED}", f"{own}/{VARIANT.id}", f"3.98/{VARIANT.id}"]
    assert [each.id for each in chosen] == names
    assert not any("build" in each.as_json() for each in chosen)
    assert command("reliability", other) == "invoke bench --python 3.98"
    assert command("faults", other) == "invoke faults --python 3.98"
    assert command("pythons", other) == "invoke pythons", "it compares what was built with each"
