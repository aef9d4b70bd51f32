"""Results: whole or not there, and a clear word when they are damaged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

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


def test_a_file_has_a_line_for_each_sample(demo: sidecar.Sidecar) -> None:
    """Any program reads it, and a search or a comparison shows single launches."""
    record(demo, 3)
    text = (demo.workspace.results / "reliability.json").read_text()
    assert [sample["number"] for sample in json.loads(text)["samples"]] == [0, 1, 2]
    assert '\n{"target":"a","number":1},\n' in text
    record(demo, 0)
    assert not json.loads((demo.workspace.results / "reliability.json").read_text())["samples"]


def test_a_large_result_is_compressed_and_is_read_like_any_other(demo: sidecar.Sidecar) -> None:
    """There is one file of a run, whichever it was before."""
    folder = demo.workspace.results
    for samples, kept in ((3, "json"), (10_000, "json.gz"), (3, "json")):
        record(demo, samples)
        assert [path.name for path in folder.iterdir()] == [f"reliability.{kept}"]
        assert results.files(folder) == {"reliability": folder / f"reliability.{kept}"}
        found = results.load("reliability", demo, remedy="invoke bench")
        assert found is not None
        assert len(found.samples) == samples
        assert found.path == folder / f"reliability.{kept}"
        assert found == results.load_file(found.path, remedy="")


def test_a_compressed_file_is_the_same_for_the_same_samples(demo: sidecar.Sidecar) -> None:
    """No time of day in it: version control sees a change where there is one."""
    path = demo.workspace.results / "x.json"
    content = results.keep(path, "a" * 200_000).read_bytes()
    assert content == results.keep(path, "a" * 200_000).read_bytes()
    assert content[4:8] == bytes(4)
    assert gzip.decompress(content) == b"a" * 200_000


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:200] + b"\0\0\0\0" + content[204:],
        lambda content: b'{"schema": 2}',
        lambda content: gzip.compress(b"{"),
    ],
    ids=range(5),
)
def test_a_damaged_compressed_result(
    demo: sidecar.Sidecar, damage: Callable[[bytes], bytes]
) -> None:
    """The same word for it, whatever the compression makes of the damage."""
    record(demo, 10_000)
    path = demo.workspace.results / "reliability.json.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptFileError, match="invoke bench"):
        results.load("reliability", demo, remedy="invoke bench")


def test_two_runs_at_once_are_refused(demo: sidecar.Sidecar) -> None:
    """Two at once would measure each other."""
    with results.exclusive(demo), pytest.raises(BusyError), results.exclusive(demo):
        pass
    with results.exclusive(demo):
        pass
