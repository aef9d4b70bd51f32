"""Two clones on one machine: the figures of one never pass for those of the other.

Every field of the machine agrees between them, as it does between two machines of one kind.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks import reliability, size
from benchmarks.targets import Target, baselines
from decision import evidence
from decision.workflows import spike
from spike.core.workspace import PROJECT_VARIABLE, TOOL
from spike.measure import identity, provenance
from spike.project import sidecar

pytestmark = pytest.mark.integration

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

    def targets(self) -> list[Target]:
        """The baselines, which need no build."""
        return baselines(self.enter())

    def gather(self) -> evidence.Evidence:
        """What is known here."""
        return evidence.gather(self.enter())

    def is_current(self, name: str) -> bool:
        """Whether ``invoke spike`` would skip this benchmark."""
        found = self.gather().results[name]
        return spike.is_current(found, self.targets(), SETTINGS)


@pytest.mark.skipif(not (TOOL / ".git").exists(), reason="this is no clone of a repository")
def test_two_clones_on_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one clone measured counts there, and nowhere else."""
    one, two = (Clone(tmp_path / name, monkeypatch) for name in ("one", "two"))

    # A fresh clone shows the record of its authors, as a whole, and takes nothing of it for its own
    known = one.gather()
    assert known.results
    assert not known.own
    assert "the repository's own record" in evidence.origin(known)
    assert not any(one.is_current(name) for name in known.results if name == reliability.NAME)

    # Its own measuring counts as its own, and the second run there would skip it.
    measured = reliability.run(one.targets(), launches=1, seed=1)
    assert one.is_current(reliability.NAME)
    assert set(one.gather().results) == {reliability.NAME}
    assert (one.enter().workspace.results / "elsewhere" / f"{reliability.NAME}.json").exists()

    # The same file in the other clone, by whatever way it came there: committed and cloned, say.
    source = one.enter().workspace.results
    target = two.enter().workspace.results
    shutil.rmtree(target)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("elsewhere"))
    known = two.gather()
    assert set(known.results) == {reliability.NAME}
    assert not known.own
    here = provenance.collect()
    assert all(measured.provenance[name] == here[name] for name in provenance.SAME_MACHINE)
    assert measured.provenance["checkout"] == identity.read(one.root) != identity.read(two.root)
    assert not two.is_current(reliability.NAME)

    # Beside a result of its own it is in no table, and it is kept.
    size.run(two.targets())
    known = two.gather()
    assert known.own
    assert set(known.results) == {size.NAME}
    kept = target / "elsewhere" / f"{reliability.NAME}.json"
    assert kept.read_bytes() == (source / kept.name).read_bytes()
    shutil.copy(kept, target)  # as a pull would bring it back
    assert set(two.gather().results) == {size.NAME}
    assert reliability.NAME in evidence.origin(two.gather())
