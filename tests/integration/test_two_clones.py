"""Two clones on one machine: the figures of one never pass for those of the other.

Every field of the machine agrees between them, as it does between two machines of one kind.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from benchmarks.registry import BENCHMARKS, RELIABILITY
from benchmarks.targets import baselines
from commands import record
from decision import evidence
from decision.workflows import spike
from spike.core.workspace import PROJECT_VARIABLE, TOOL
from spike.measure import identity, provenance, results
from spike.project import sidecar

pytestmark = pytest.mark.integration

SIZE = "size"
OPTIONS: dict[str, dict[str, Any]] = {RELIABILITY: {"launches": 1, "seed": 1}}
SETTINGS = spike.Settings(launches=1, with_host=False, force=False)


class Clone:
    """A clone of this repository, as a project for the code under test."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        subprocess.run(["git", "clone", "--quiet", TOOL, root], check=True)
        self.root = root
        self._monkeypatch = monkeypatch

    def enter(self) -> sidecar.Sidecar:
        """Work in this clone from now on."""
        self._monkeypatch.setenv(PROJECT_VARIABLE, str(self.root))
        return sidecar.load()

    def measure(self, benchmark: str) -> results.Result:
        """Measure the baselines, which need no build."""
        hello = self.enter()
        return BENCHMARKS[benchmark].run(hello, baselines(hello), **OPTIONS.get(benchmark, {}))

    def gather(self) -> evidence.Evidence:
        """What is known here."""
        return evidence.gather(self.enter())

    def is_current(self, name: str) -> bool:
        """Whether ``invoke spike`` would skip this benchmark."""
        found = self.gather().results[name]
        return spike.is_current(found, baselines(self.enter()), SETTINGS)


@pytest.mark.skipif(not (TOOL / ".git").exists(), reason="this is no clone of a repository")
def test_two_clones_on_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What one clone measured counts there, and nowhere else."""
    one, two = (Clone(tmp_path / name, monkeypatch) for name in ("one", "two"))

    # A fresh clone shows the record of its authors, as a whole, and takes nothing of it for its own
    known = one.gather()
    assert known.results
    assert not known.own
    assert "the repository's own record" in evidence.origin(known)
    monkeypatch.chdir(one.root)
    for command in (record.status, record.recommend):
        with contextlib.suppress(Exit):  # its verdict, which is the record's
            command(Context())
        assert "the repository's own record" in capsys.readouterr().out
    assert not one.is_current(RELIABILITY)

    # Its own measuring counts as its own, and the second run there would skip it.
    measured = one.measure(RELIABILITY)
    assert one.is_current(RELIABILITY)
    assert set(one.gather().results) == {RELIABILITY}
    assert list((one.enter().workspace.results / "elsewhere").glob(f"{RELIABILITY}.json*"))

    # The same file in the other clone, by whatever way it came there: committed and cloned, say.
    source = one.enter().workspace.results
    target = two.enter().workspace.results
    shutil.rmtree(target)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("elsewhere"))
    known = two.gather()
    assert set(known.results) == {RELIABILITY}
    assert not known.own
    here = provenance.collect()
    assert all(measured.provenance[name] == here[name] for name in provenance.SAME_MACHINE)
    assert measured.provenance["checkout"] == identity.read(one.root) != identity.read(two.root)
    assert not two.is_current(RELIABILITY)

    # Beside a result of its own it is in no table, and it is kept.
    two.measure(SIZE)
    known = two.gather()
    assert known.own
    assert set(known.results) == {SIZE}
    kept = target / "elsewhere" / f"{RELIABILITY}.json"
    assert kept.read_bytes() == (source / kept.name).read_bytes()
    shutil.copy(kept, target)  # as a pull would bring it back
    assert set(two.gather().results) == {SIZE}
    assert RELIABILITY in evidence.origin(two.gather())
