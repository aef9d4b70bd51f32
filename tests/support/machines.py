"""Folders of results as the machines of a CI hand them over: written by the real recorder.

What is in them is what the repository's own record has, as if another machine had measured it:
other system, Python, processor and times, the same samples otherwise.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.registry import BENCHMARKS, CHECKLIST
from spike.core.workspace import TOOL
from spike.measure import results, seal
from spike.measure.results import Result
from spike.project.sidecar import Sidecar

COMMITTED = TOOL / "benchmarks" / "results" / "linux-x64"
FEW = ("reliability", "checklist", "faults", "size")
"""The results that a row of the record is made of."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Who measured.

    Attributes:
        platform: The plan's name of its system.
        arch: And of its architecture.
        python: The Python of its programs.
        checkout: Its identity.
        factor: Its times by those of the repository's record.
        at: When, UTC, ISO 8601.
        emulated: What plays the system.
    """

    platform: str = "Linux"
    arch: str = "arm64"
    python: str = "3.12.4"
    checkout: str = "c" * 16
    factor: float = 1.0
    at: str = "2026-12-01T10:00:00+00:00"
    emulated: str = ""

    @property
    def name(self) -> str:
        """What its results are called."""
        return f"{self.platform.lower()}-{self.arch}-{self.python.rpartition('.')[0]}"

    @property
    def provenance(self) -> dict[str, Any]:
        """What its results say of it."""
        facts = {
            "at": self.at,
            "tool": "0.1.0",
            "platform": self.platform,
            "arch": self.arch,
            "emulated": self.emulated,
            "system": f"a {self.platform}",
            "kernel": "6.1",
            "cpu": "a processor",
            "cpu_count": 4,
            "memory_bytes": 16_000_000_000,
            "python": self.python,
            "checkout": self.checkout,
            "load_1min": 0.1,
        }
        return {key: value for key, value in facts.items() if value}


@functools.cache
def committed() -> Mapping[str, Result]:
    """The repository's own measurements; what K1 has frozen is none."""
    found = {}
    for name, path in results.files(COMMITTED).items():
        if name not in BENCHMARKS:
            continue
        result = results.load_file(path, remedy="")
        assert result is not None
        found[name] = result
    return found


def hand_over(
    sidecar: Sidecar,
    to: Path,
    machine: Machine,
    *,
    only: Sequence[str] = FEW,
    sample: Callable[[dict[str, Any]], Mapping[str, Any] | None] = lambda sample: sample,
    build: Callable[[dict[str, Any]], Mapping[str, Any]] = lambda build: build,
) -> Path:
    """Write what a machine measured into a folder.

    Args:
        sidecar: What it measured.
        to: The folder; it is made.
        machine: Who measured.
        only: The benchmarks; all that the repository's record has when empty.
        sample: Changes a sample, or leaves it out by None.
        build: Changes the facts of a build.
    """
    away = sidecar.on(f"being-made-by-{machine.checkout}-{to.name}")
    for name, result in committed().items():
        timed = not BENCHMARKS[name].of_functions
        if (only and name not in only) or (timed and machine.emulated):
            continue
        with results.Recorder(
            name,
            away,
            targets={
                target: _target(facts, away, machine, build)
                for target, facts in result.targets.items()
            },
            settings=result.settings,
            provenance=machine.provenance,
        ) as recorder:
            for taken in result.samples:
                changed = sample(dict(taken))
                if changed is not None:
                    recorder.add(
                        changed["target"],
                        {
                            key: round(value * machine.factor, 3)
                            if key.endswith("_ms") and isinstance(value, float)
                            else value
                            for key, value in changed.items()
                            if key != "target"
                        },
                    )
        if name == CHECKLIST:
            journals = recorder.path.parent / results.EVIDENCE
            shutil.copytree(COMMITTED / results.EVIDENCE, journals)
            seal.seal_folder(journals)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(away.workspace.results, to)
    return to


def _target(
    facts: Mapping[str, Any],
    sidecar: Sidecar,
    machine: Machine,
    change: Callable[[dict[str, Any]], Mapping[str, Any]],
) -> dict[str, Any]:
    if "build" not in facts:
        return dict(facts)
    packager = facts["build"]["packager"]
    told = {
        **facts["build"],
        "platform": machine.platform,
        "arch": machine.arch,
        "python_version": machine.python,
        "source_sha256": sidecar.source_sha256(packager),
        "sidecar": sidecar.name,
    }
    return {**facts, "build": change(told)}
