"""Runs that were kept: one for each commit that changed the results, and what is there now.

They are read from git, so nothing is stored twice. A figure of a run is a ratio to the plain Python
of the same run, a size or a count: runs of other machines may stand beside it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import reliability, size
from benchmarks.targets import PYTHON_ISOLATED
from spike.core import process
from spike.core.errors import CorruptFileError, UsageError
from spike.core.statistics import Interval, ratio_of_medians
from spike.measure import results
from spike.measure.results import Result
from spike.project.sidecar import Sidecar

HERE: Final = "here"
"""In place of a commit: results that are not committed yet."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run says of one variant.

    Attributes:
        ready: READY as a multiple of plain Python's, with its 95 % interval; None for unknown.
        launches: Launches that were made.
        failed: How many failed.
        rate: The exact 95 % interval of the failure rate.
        size_bytes: What has to be in the installer; None when it was not weighed then.
    """

    ready: Interval | None
    launches: int
    failed: int
    rate: Interval
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run.

    Attributes:
        commit: That has its results; :data:`HERE` for none yet.
        at: When it was made: UTC, ISO 8601.
        code: The commit of what was measured; empty for unknown.
        dirty: Whether there were changes beside that commit.
        figures: By variant.
    """

    commit: str
    at: str
    code: str = ""
    dirty: bool = False
    figures: Mapping[str, Figures]

    @property
    def what(self) -> str:
        """The commit that was measured, as people name it."""
        if not self.code:
            return self.commit
        return f"{self.code}+" if self.dirty else self.code


@dataclass(frozen=True, kw_only=True)
class Line:
    """All runs that can be read.

    Attributes:
        runs: The oldest first.
        unread: Commits whose results are of a schema that this version does not read.
    """

    runs: Sequence[Run]
    unread: Sequence[str] = ()


def read(sidecar: Sidecar, *, most: int) -> Line:
    """Read the runs of a sidecar on its platform.

    Args:
        sidecar: The sidecar.
        most: How many commits are looked at, the newest ones.

    Raises:
        UsageError: The project is no git repository.
        CorruptFileError: What is there now is damaged.
    """
    folder = sidecar.workspace.results
    root = sidecar.workspace.root
    place = folder.relative_to(root).as_posix()
    runs: list[Run] = []
    unread = []
    for commit in reversed(_commits(root, place, most)):
        found = {}
        try:
            for name in (reliability.NAME, size.NAME):
                if result := _committed(root, place, commit, name):
                    found[name] = result
            run = _run(commit, found)
        except (CorruptFileError, KeyError, TypeError):
            unread.append(commit)
            continue
        if run is not None and (not runs or runs[-1].at != run.at):
            runs.append(run)
    there = {}
    for name in (reliability.NAME, size.NAME):
        result = results.load(name, sidecar, remedy=f"invoke bench{sidecar.option}")
        if result is not None and result.complete:
            there[name] = result
    now = _run(HERE, there)
    if now is not None and now.at not in {run.at for run in runs}:
        runs.append(now)
    return Line(runs=tuple(runs), unread=tuple(unread))


def _commits(root: Path, place: str, most: int) -> list[str]:
    done = process.capture(
        ["git", "log", f"--max-count={most}", "--format=%h", "--abbrev=12", "--", place], cwd=root
    )
    if not done.ok:
        raise UsageError(
            f"{root} is no git repository that can be read: {done.errors.strip()}.",
            why="The time line is made of the commits whose results were kept.",
            try_next="git init, then commit benchmarks/results",
        )
    return done.output.split()


def _committed(root: Path, place: str, commit: str, name: str) -> Result | None:
    """A result as a commit has it; None when it has none, or of a run that did not end."""
    for file in (f"{name}.json", f"{name}.json.gz"):
        done = process.capture(["git", "show", f"{commit}:./{place}/{file}"], cwd=root)
        if not done.ok:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file
            path.write_bytes(done.content)
            result = results.load_file(path, remedy="the run again")
        return result if result is not None and result.complete else None
    return None


def _run(commit: str, found: Mapping[str, Result]) -> Run | None:
    launches = found.get(reliability.NAME)
    if launches is None:
        return None
    facts = launches.provenance
    sizes = {}
    if size.NAME in found:
        sizes = {
            sample["target"]: sample.get("shipped_bytes") for sample in found[size.NAME].samples
        }
    plain = reliability.by_round(launches, PYTHON_ISOLATED)
    figures = {}
    for item in reliability.summarise(launches):
        if item.kind != "variant":
            continue
        ready = reliability.by_round(launches, item.target)
        common = min(len(ready), len(plain))
        figures[item.target] = Figures(
            ready=ratio_of_medians(ready[:common], plain[:common]),
            launches=item.launches,
            failed=item.failed,
            rate=Interval(estimate=item.rate, low=item.rate_low, high=item.rate_high),
            size_bytes=sizes.get(item.target),
        )
    return Run(
        commit=commit,
        at=str(facts.get("at", "")),
        code=str(facts.get("git_commit", ""))[:12],
        dirty=bool(facts.get("git_dirty")),
        figures=figures,
    )
