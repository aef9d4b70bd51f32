"""Two runs: noise is not called a change, and what cannot be compared is refused by name."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import reliability
from spike.core.errors import IncompatibleResultsError, UsageError
from spike.core.workspace import platform_id
from spike.measure import compare
from spike.measure.results import Result

MACHINE = {"platform": "Linux", "arch": "x64", "kernel": "6.1", "cpu": "one", "cpu_count": 2}


def run(seed: int, medians: dict[str, float], **changes: Any) -> Result:
    source = random.Random(seed)
    return replace(
        Result(
            benchmark="reliability",
            sidecar="hello",
            sidecar_version="1",
            complete=True,
            provenance=MACHINE,
            settings={},
            targets={
                name: {
                    "kind": "baseline" if name.startswith("baseline") else "variant",
                    "sha256": name,
                }
                for name in medians
            },
            samples=[
                {
                    "target": name,
                    "round": n,
                    "failure": None,
                    "ready_ms": value * source.lognormvariate(0, 0.05),
                    "stop_ms": None,
                }
                for n in range(20)
                for name, value in medians.items()
            ],
            elapsed_s=1.0,
        ),
        **changes,
    )


BASE = {"baseline-python-I-S": 15.0, "nuitka-onefile": 100.0}


def verdicts(old: Result, new: Result) -> dict[str, str]:
    return {
        change.target: change.verdict for change in compare.changes(old, new, reliability.COMPARED)
    }


def test_noise_is_not_a_change() -> None:
    """Two runs of the same thing come out the same."""
    assert verdicts(run(1, BASE), run(2, BASE)) == dict.fromkeys(BASE, "same")


def test_a_real_change_is_found_in_both_directions() -> None:
    """A fifth slower is worse, a fifth faster is better."""
    slower = {**BASE, "nuitka-onefile": 120.0}
    assert verdicts(run(1, BASE), run(2, slower))["nuitka-onefile"] == "worse"
    assert verdicts(run(1, slower), run(2, BASE))["nuitka-onefile"] == "better"


def test_a_slower_machine_is_not_blamed_on_the_program() -> None:
    """When the interpreter's own row is slower by as much, nothing is called worse."""
    slower = {name: value * 1.3 for name, value in BASE.items()}
    assert verdicts(run(1, BASE), run(2, slower))["nuitka-onefile"] == "same"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"provenance": {**MACHINE, "cpu": "another"}}, "cpu"),
        ({"sidecar": "other"}, "sidecar"),
        ({"benchmark": "size"}, "benchmark"),
    ],
)
def test_other_machines_and_programs_are_refused(changes: dict[str, Any], named: str) -> None:
    """The field that differs is in the message."""
    with pytest.raises(IncompatibleResultsError, match=named):
        compare.changes(run(1, BASE), run(2, BASE, **changes), reliability.COMPARED)


def test_another_binary_is_compared_but_never_pooled() -> None:
    """A comparison says that the binary changed; putting the samples together is refused."""
    other = run(2, BASE)
    targets = {**other.targets, "nuitka-onefile": {"kind": "variant", "sha256": "new"}}
    other = replace(other, targets=targets)
    found = {
        change.target: change
        for change in compare.changes(run(1, BASE), other, reliability.COMPARED)
    }
    assert found["nuitka-onefile"].other_binary
    with pytest.raises(IncompatibleResultsError, match="sha256 of nuitka-onefile"):
        compare.pool([run(1, BASE), other])


def test_pooled_runs_keep_every_sample() -> None:
    """Two runs of 20 launches make 40, each in a round of its own."""
    together = compare.pool([run(1, BASE), run(2, BASE)])
    assert len(together.of("nuitka-onefile")) == 40
    assert len({sample["round"] for sample in together.of("nuitka-onefile")}) == 40


def test_a_run_counts_once() -> None:
    """A copy of a file is no more launches, and a size is none at all."""
    with pytest.raises(IncompatibleResultsError, match="once more"):
        compare.pool([run(1, BASE), replace(run(1, BASE), path=Path("copy.json"))])
    sizes = replace(run(2, BASE), samples=[{"target": "nuitka-onefile", "bytes": 1}])
    with pytest.raises(IncompatibleResultsError, match="no launches"):
        compare.pool([sizes, sizes])


def test_one_run_is_not_pooled() -> None:
    """Nothing to put together is a usage error, and so is a file that is not there."""
    with pytest.raises(UsageError, match="At least two") as caught:
        compare.pool([run(1, BASE)])
    assert "invoke pool --result" in (caught.value.try_next or "")
    with pytest.raises(UsageError, match=r"no result file none\.json") as caught:
        compare.load("none.json")
    assert f"benchmarks/results/{platform_id()}/" in (caught.value.try_next or "")


def test_a_missing_file_names_the_way_to_get_one() -> None:
    """The message shows a command."""
    with pytest.raises(UsageError, match="cp -r"):
        compare.load("no-such-file.json")
