"""The seal of a result: every digit of it counts, and what was changed is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spike.measure import results, seal
from spike.project.sidecar import Sidecar

TARGETS: dict[str, dict[str, Any]] = {
    "a": {"kind": "baseline"},
    "b": {"kind": "variant", "build": {"at": 17}},
}


def recorded(sidecar: Sidecar, count: int = 3) -> Path:
    """A whole run of the real recorder, plain or compressed."""
    with results.Recorder(
        "reliability",
        sidecar,
        targets=TARGETS,
        settings={"launches": count},
        provenance={"cpu": "one 2.50GHz", "memory_bytes": 4096},
    ) as recorder:
        for number in range(count):
            recorder.add("a", {"round": number, "failure": None, "ready_ms": 20.5 + number})
            recorder.add("b", {"round": number, "failure": "no_ready", "ready_ms": None})
    return recorder.path


def said(path: Path) -> str:
    """What the seal says of a file as it is read."""
    found = results.load_file(path, remedy="")
    assert found is not None
    return found.seal_problem


def test_a_run_is_what_it_was_written_as(demo: Sidecar) -> None:
    """Plain and compressed: what is read is what was sealed."""
    for count in (3, 2000):
        path = recorded(demo, count)
        assert said(path) == ""
        quick = results.load_unbroken(path, remedy="")
        assert quick is not None
        assert quick.samples == ()
        found = results.load_file(path, remedy="")
        assert found is not None
        assert replace(quick, samples=found.samples) == found
        assert found.seal["targets"]["b"]["failed"] == count
        assert found.seal["targets"]["a"]["ready_ms"] == 20.5 + (count - 1) / 2


def test_one_changed_digit_anywhere_is_seen(demo: Sidecar) -> None:
    """In a sample, a setting, the machine, a build's facts, and in the seal itself."""
    path = recorded(demo)
    text = path.read_text(encoding="utf-8")
    schema = text.index("2")  # of the schema: that one is read before anything else
    tried = 0
    for digit in re.finditer(r"\d", text):
        place = digit.start()
        if place == schema:
            continue
        other = str((int(digit[0]) + 1) % 10)
        changed = text[:place] + other + text[place + 1 :]
        try:
            json.loads(changed)
        except ValueError:
            continue  # a leading zero: the file is damaged, which is said elsewhere
        path.write_text(changed, encoding="utf-8")
        tried += 1
        assert said(path), changed[max(0, place - 30) : place + 30]
        assert results.load_unbroken(path, remedy="") is None, changed[
            max(0, place - 30) : place + 30
        ]
    assert tried > 100


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"ready_ms":20.5', '"ready_ms":26.5', "samples of a give ready_ms 22.5, and its summary"),
        ('"failure":null', '"failure":"x"', "samples of a give failed 1, and its summary says 0"),
        ('"round":1', '"round":7', "the samples of a are not its own"),
        ('"memory_bytes":4096', '"memory_bytes":4097', "machine, settings or targets"),
        ('"seal":', '"old":', None),
    ],
)
def test_what_was_changed_is_named(demo: Sidecar, old: str, new: str, told: str | None) -> None:
    """By target and figure, as far as the summary tells."""
    path = recorded(demo)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if told is None:
        with pytest.raises(Exception, match="damaged"):
            said(path)
    else:
        assert told in said(path)


def test_a_sample_that_was_taken_out_is_missed(demo: Sidecar) -> None:
    """Nobody makes a rate better by forgetting a launch."""
    path = recorded(demo)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    del lines[1]
    path.write_text("".join(lines), encoding="utf-8")
    assert "samples of a give samples 2, and its summary says 3" in said(path)


def test_a_file_that_was_formatted_anew_is_still_the_same_run(demo: Sidecar) -> None:
    """What counts is what it says; only the quick way takes the recorder's own lines alone."""
    path = recorded(demo)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")), indent=1), encoding="utf-8")
    assert results.load_unbroken(path, remedy="") is None
    assert said(path) == ""


def test_a_run_without_samples_has_a_seal_too(demo: Sidecar) -> None:
    """A size table of nothing is sealed, and a sample that somebody adds is seen."""
    path = recorded(demo, 0)
    assert results.load_unbroken(path, remedy="") is not None
    text = path.read_text(encoding="utf-8")
    added = text.replace('"samples":[\n', '"samples":[\n{"target":"a","ready_ms":1.0}', 1)
    path.write_text(added, encoding="utf-8")
    assert results.load_unbroken(path, remedy="") is None
    assert "samples of a give samples 1, and its summary says 0" in said(path)


def test_an_unfinished_run_and_one_of_an_earlier_version_have_none(demo: Sidecar) -> None:
    """They can be read, and they cannot be told from what was changed."""
    with (
        pytest.raises(KeyboardInterrupt),
        results.Recorder("size", demo, targets={}, settings={}, provenance={}) as recorder,
    ):
        raise KeyboardInterrupt
    assert "has no seal" in said(recorder.incomplete_path)


@pytest.mark.parametrize(
    ("harm", "name", "told"),
    [
        (lambda folder: None, "", ""),
        (lambda folder: (folder / "v" / "a.json").write_text("[2]"), "a.json", "was changed"),
        (lambda folder: (folder / "v" / "a.json").unlink(), "a.json", "is missing"),
        (lambda folder: (folder / "v" / "c.json").write_text("1"), "c.json", "by hand"),
        (lambda folder: (folder / "seal.json").unlink(), "evidence", "has no seal"),
        (lambda folder: (folder / "seal.json").write_text("{"), "seal.json", "is damaged"),
        (
            lambda folder: (folder / "seal.json").write_text('{"schema": 1}'),
            "seal.json",
            "is damaged",
        ),
    ],
)
def test_a_folder_of_files(
    tmp_path: Path, harm: Callable[[Path], object], name: str, told: str
) -> None:
    """Each file counts, also one too many."""
    folder = tmp_path / "evidence"
    (folder / "v").mkdir(parents=True)
    (folder / "v" / "a.json").write_text("[1]", encoding="utf-8")
    seal.seal_folder(folder)
    harm(folder)
    found = seal.folder_problem(folder, remedy="")
    if not told:
        assert found is None
    else:
        assert found is not None
        assert found[0].name == name
        assert told in found[1]
