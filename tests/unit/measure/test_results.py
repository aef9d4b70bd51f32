"""Results: whole or not there, and a clear word when they are damaged."""

from __future__ import annotations

import json

import pytest

from spike.core.errors import BusyError, CorruptFileError
from spike.measure import results
from spike.project import sidecar


@pytest.mark.parametrize(
    "content", ["", "{", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "samples": 3}']
)
def test_a_damaged_result(demo: sidecar.Sidecar, content: str) -> None:
    """The same holds for results, and the task that makes them is named."""
    path = demo.workspace.results / "reliability.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(CorruptFileError, match="invoke bench"):
        results.load("reliability", demo, remedy="invoke bench")


def record(found: sidecar.Sidecar, samples: int, stop: type[BaseException] | None = None) -> None:
    with results.Recorder(
        "reliability", found, targets={"a": {"kind": "baseline"}}, settings={}, provenance={}
    ) as recorder:
        for number in range(samples):
            recorder.add("a", {"number": number})
        if stop:
            raise stop


def test_an_interrupted_run_keeps_what_it_has_and_takes_nothing_away(
    demo: sidecar.Sidecar,
) -> None:
    """The last whole run stays the result; the broken one lies beside it."""
    record(demo, 3)
    with pytest.raises(KeyboardInterrupt):
        record(demo, 2, KeyboardInterrupt)
    whole = results.load("reliability", demo, remedy="invoke bench")
    assert whole is not None
    assert whole.complete
    assert len(whole.samples) == 3
    kept = json.loads((demo.workspace.results / "reliability.incomplete.json").read_text())
    assert not kept["complete"]
    assert len(kept["samples"]) == 2


def test_two_runs_at_once_are_refused(demo: sidecar.Sidecar) -> None:
    """Two at once would measure each other."""
    with results.exclusive(demo), pytest.raises(BusyError), results.exclusive(demo):
        pass
    with results.exclusive(demo):
        pass
