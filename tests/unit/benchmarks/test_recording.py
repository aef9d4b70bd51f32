"""A run that launches: the result names what ships, and copies are launched."""

from __future__ import annotations

from benchmarks.recording import recorded
from benchmarks.targets import PYTHON, baselines
from spike.measure import results
from spike.project.sidecar import Sidecar


def test_copies_are_launched_and_the_originals_are_named(hello: Sidecar) -> None:
    """The copies go with the run; its file stays."""
    (row,) = [each for each in baselines(hello) if each.id == PYTHON]
    with recorded("toy", hello, [row], settings={"launches": 1}) as (recorder, (copy,)):
        assert copy.script is not None
        assert copy.script != row.script
        assert copy.script.is_file()
        recorder.add(row.id, {"round": 0})
    assert not copy.script.exists()
    result = results.load_file(results.files(hello.workspace.results)["toy"], remedy="")
    assert result is not None
    assert result.targets[row.id]["argv"] == row.as_json()["argv"]
    assert (result.settings, len(result.samples)) == ({"launches": 1}, 1)
