"""Results, entries and evidence made by hand, for the rules that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from decision.evidence import Evidence
from spike import issue_log
from spike.core import requirements
from spike.issue_log import Entry, Surroundings
from spike.measure.results import Result
from spike.project import sidecar

NUITKA, PYINSTALLER = requirements.PLAN_VARIANTS


def build_facts(variant: str, sha256: str = "a" * 64) -> dict[str, Any]:
    """What a result keeps of a build, as far as the rules read it."""
    return {
        "artifact": f"dist/{variant}",
        "size_bytes": 5_000_000,
        "platform": "Linux",
        "arch": "x64",
        "sha256": sha256,
        "packager": variant.partition("-")[0],
        "packager_version": "1.0",
        "python_version": "3.11.7",
        "argv": ["python", "-m", "packager"],
        "env": {},
        "cold_start_ms": 90.0,
        "elapsed_s": 60.0,
        "python_flavour": "CPython",
    }


def result(
    name: str, samples: Sequence[Mapping[str, Any]], *variants: str, complete: bool = True
) -> Result:
    """A result file's content."""
    return Result(
        benchmark=name,
        sidecar="sidecar-hello",
        sidecar_version="0.1.0",
        complete=complete,
        provenance={"at": "2026-11-23T01:00:00+00:00"},
        settings={},
        targets={
            variant: {
                "kind": "variant",
                "argv": [f"dist/{variant}"],
                "sha256": "a" * 64,
                "build": build_facts(variant),
            }
            for variant in variants
        },
        samples=samples,
        elapsed_s=1.0,
    )


def launches(variant: str, total: int, failed: int = 0) -> list[dict[str, Any]]:
    """Samples of a reliability run."""
    return [
        {
            "target": variant,
            "round": number,
            "failure": "ready_timeout" if number < failed else None,
            "detail": "no line 'READY' within 10 s" if number < failed else "",
            "boot_ms": 90.0,
            "ready_ms": None if number < failed else 100.0,
            "stop_ms": 5.0,
            "exit_code": 0,
            "exit_signal": "",
            "processes_left": [],
            "files_left": [],
        }
        for number in range(total)
    ]


def reliability(*counts: tuple[str, int, int]) -> Result:
    """A reliability run: variant, launches, failed launches."""
    samples = [sample for count in counts for sample in launches(*count)]
    return result("reliability", samples, *(variant for variant, _, _ in counts))


def checklist(variant: str, **changed: str) -> Result:
    """A checklist in which every row passes, but for the changed ones."""
    return result(
        "checklist",
        [
            {"target": variant, "row": row, "status": changed.get(row, "pass"), "evidence": "seen"}
            for row in requirements.CHECKLIST
            if changed.get(row) != "absent"
        ],
        variant,
    )


def evidence(*results: Result, issues: tuple[Entry, ...] = (), **more: Any) -> Evidence:
    """Evidence of the hello sidecar with these results and entries."""
    builds = {name: facts["build"] for found in results for name, facts in found.targets.items()}
    return Evidence(
        sidecar=sidecar.load(),
        results={found.benchmark: found for found in results},
        builds=builds,
        artifacts=more.pop("artifacts", {}),
        problems=(),
        issues=issues,
        **more,
    )


def entry(**changes: Any) -> Entry:
    """A filled-in entry about Nuitka."""
    whole = replace(
        issue_log.blank("It fails", Surroundings(build_command="nuitka x", launch_command="x")),
        id="0001",
        symptoms="It fails.",
        reproduction="1. Run it.",
        expected="It works.",
        actual="It fails.",
        suspected_cause="A defect.",
        resolution="None.",
        packager="nuitka",
    )
    return replace(whole, **changes)


def measured(
    benchmark: str, targets: dict[str, Any], samples: Sequence[Mapping[str, Any]]
) -> Result:
    """A whole result of some benchmark over these targets."""
    return Result(
        benchmark=benchmark,
        sidecar="hello",
        sidecar_version="1",
        complete=True,
        provenance={},
        settings={},
        targets=targets,
        samples=samples,
        elapsed_s=1.0,
    )
