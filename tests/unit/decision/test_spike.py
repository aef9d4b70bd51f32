"""The workflow of ``invoke spike``: what it does with results that are not its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decision.workflows import spike
from spike.core import jsonfile
from spike.measure import provenance, results
from spike.project import sidecar
from spike.project.sidecar import Sidecar


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """A sidecar of its own, in a checkout that holds nothing yet."""
    folder = tmp_path / "sidecar"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "one"\nversion = "1"\n')
    (folder / "main.py").touch()
    monkeypatch.setattr(sidecar, "ROOT", tmp_path)
    return sidecar.load(str(folder))


def measured(hello: Sidecar, name: str, **changes: Any) -> Path:
    path = hello.workspace.results / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": results.SCHEMA,
        "benchmark": name,
        "sidecar": hello.name,
        "sidecar_version": hello.version,
        "complete": True,
        "provenance": {**provenance.collect(), **changes},
        "settings": {},
        "elapsed_s": 1.0,
        "targets": {},
        "samples": [],
    }
    jsonfile.write(path, document)
    return path


def test_results_of_another_machine_leave_the_record_and_are_kept(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fresh clone brings those of its authors, which cannot stand beside one's own."""
    own = measured(hello, "reliability")
    foreign = measured(hello, "faults", kernel="of-another")
    content = foreign.read_bytes()
    spike.set_aside(hello)
    assert own.is_file()
    assert not foreign.exists()
    assert (foreign.parent / "elsewhere" / foreign.name).read_bytes() == content
    said = capsys.readouterr().out
    assert said.startswith("faults: of another machine (kernel")
    assert "here it is made by: invoke faults" in said
    spike.set_aside(hello)
    assert capsys.readouterr().out == ""
