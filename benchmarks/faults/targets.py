"""What the cases run on: the variants with their probes, and the same behind our own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.faults import supervised
from benchmarks.faults.case import Case
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program, program_of
from spike.build import buildinfo, sessions
from spike.build.buildinfo import Built
from spike.core.errors import SpikeError, UnsuitableError
from spike.core.workspace import display_path, publishable
from spike.project.sidecar import load

PROBE_FOLDER = Path(__file__).with_name("probe")
"""The sidecar that looks at itself."""


@dataclass(frozen=True, kw_only=True)
class FaultTarget:
    """What the cases are run on.

    Attributes:
        id: The variant, or the supervisor in front of one.
        hello: The hello sidecar as frozen by it.
        probe: The probe as frozen by it; None when there is none.
        probe_problem: Why there is no probe.
        launcher: Whether the launcher for folder builds stands in front of it.
        supervisor: Whether the supervisor does.
        host: Whether the program is the real application, with the variant packaged inside.
        problem: Why nothing can be run on it; empty when it can.
    """

    id: str
    hello: Program
    probe: Program | None
    probe_problem: str = ""
    launcher: bool = False
    supervisor: bool = False
    host: bool = False
    problem: str = ""

    @property
    def ours(self) -> bool:
        """Whether our own code stands in front: then only life and death matter, strictly."""
        return self.launcher or self.supervisor or self.host


def build_probes(built: Sequence[Built], cases: Sequence[Case]) -> None:
    """Freeze the probe for every variant that can hold it, when a case asks for it.

    Without that whole categories would not be run, and only their rows would say so.

    Raises:
        BuildFailedError: One does not build.
    """
    if not any(Need.PROBE in case.needs for case in cases):
        return
    probe = load(PROBE_FOLDER)
    for item in built:
        mode = item.variant.mode.name
        try:
            item.variant.packager.recipe(probe, mode)
        except UnsuitableError:
            continue
        try:
            buildinfo.find(item.variant, probe)
        except SpikeError:
            sessions.build(probe, [item.variant.packager.name], mode=mode)


def fault_targets(built: Sequence[Built]) -> list[FaultTarget]:
    """What the cases run on: each variant with its probe."""
    probe = load(PROBE_FOLDER)
    made = []
    for item in built:
        program, problem = None, ""
        try:
            program = program_of(buildinfo.find(item.variant, probe))
        except SpikeError as error:
            folder = f" --sidecar {display_path(PROBE_FOLDER)}"
            command = probe.nox_command(item.variant.packager.name, item.variant.mode.name)
            problem = f"the probe: {error.what} Try: {command.replace(probe.option, folder)}"
            try:
                item.variant.packager.recipe(probe, item.variant.mode.name)
            except UnsuitableError as refusal:
                problem = f"the probe: {refusal.what}"
            problem = publishable(problem)
        made.append(
            FaultTarget(
                id=item.variant.id,
                hello=program_of(item),
                probe=program,
                probe_problem=problem,
            )
        )
    return made


def behind_ours(direct: Sequence[FaultTarget]) -> list[FaultTarget]:
    """The same behind the launcher (folders only), and behind the supervisor (as a host does)."""
    problem = ""
    try:
        supervised.build()
    except SpikeError as error:
        problem = str(error)
    made = []
    for target in direct:
        is_folder = target.hello.folder is not None
        if is_folder:
            made.append(replace(target, id=f"launcher+{target.id}", launcher=True, problem=problem))
        made.append(
            replace(
                target,
                id=f"supervisor+{target.id}",
                launcher=is_folder,
                supervisor=True,
                problem=problem,
            )
        )
    return made


def facts(target: FaultTarget) -> dict[str, Any]:
    """What a result keeps of our own code in front of a variant."""
    program = supervised.supervise() if target.supervisor else supervised.launcher()
    if target.host:
        program = target.hello.artifact
    return {
        "kind": "ours",
        "argv": [display_path(program)],
        "sha256": "" if target.problem else buildinfo.file_sha256(program),
    }


def is_ours(target: str) -> bool:
    """Whether a row is about our own code in front of a variant."""
    return "+" in target
