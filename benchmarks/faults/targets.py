"""What the cases run on: the variants with their probes, and the same behind our own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.faults import ability, supervised
from benchmarks.faults.case import Case
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program, program_of
from spike.build import buildinfo, sessions
from spike.build.buildinfo import Built
from spike.core.errors import SpikeError, UnsuitableError
from spike.core.workspace import command_path, display_path, publishable
from spike.project.sidecar import Sidecar, load

PROBE_FOLDER = Path(__file__).with_name("probe")
"""The sidecar that looks at itself."""


@dataclass(frozen=True, kw_only=True)
class FaultTarget:
    """What the cases are run on.

    Attributes:
        id: The variant, or the supervisor in front of one.
        hello: The program that most cases launch: the hello sidecar, or another one.
        probe: The probe as frozen by it; None when there is none.
        probe_problem: Why there is no probe.
        lacks: What its program does not offer to cases, and why.
        launcher: Whether the launcher for folder builds stands in front of it.
        supervisor: Whether the supervisor does.
        host: Whether the program is the real application, with the variant packaged inside.
        problem: Why nothing can be run on it; empty when it can.
    """

    id: str
    hello: Program
    probe: Program | None
    probe_problem: str = ""
    lacks: Mapping[Need, str] = field(default_factory=dict)
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
    for item in built:
        probe = _probe(item)
        mode = item.variant.mode.name
        try:
            item.variant.packager.recipe(probe, mode)
        except UnsuitableError:
            continue
        try:
            buildinfo.find(item.variant, probe)
        except SpikeError:
            sessions.build(probe, [item.variant.packager.name], mode=mode)


def fault_targets(built: Sequence[Built], *, as_hello: bool = False) -> list[FaultTarget]:
    """What the cases run on: each variant, that of the hello sidecar with its probe.

    Args:
        built: The variants.
        as_hello: Whether another sidecar speaks as the hello sidecar does, as the minimal programs
            of the issue log do.
    """
    return [
        _with_probe(item)
        if as_hello or item.sidecar.is_hello
        else FaultTarget(
            id=item.variant.id,
            hello=(program := program_of(item, protocol=False)),
            probe=None,
            probe_problem=NOT_OF_HELLO[Need.PROBE],
            lacks={**NOT_OF_HELLO, **ability.lacking(program)},
        )
        for item in built
    ]


NOT_OF_HELLO: Mapping[Need, str] = {
    Need.PROBE: "needs the probe, a sidecar of the tool's: what it shows belongs to packager and "
    "mode (invoke faults)",
    Need.PROTOCOL: "needs the hello sidecar, which says what it was given and does: what that "
    "shows belongs to packager and mode (invoke faults)",
}
"""Why a case cannot be tried on a sidecar of somebody else's."""


def lacking_in_host(item: Built) -> dict[Need, str]:
    """What the real host with this variant inside does not offer to cases, and why."""
    if item.sidecar.is_hello:
        return {}
    return without_stdin({**NOT_OF_HELLO, **ability.lacking(program_of(item, protocol=False))})


def _probe(item: Built) -> Sidecar:
    """The probe, for the Python that the variant was built with."""
    return load(PROBE_FOLDER, item.sidecar.python_asked)


def _with_probe(item: Built) -> FaultTarget:
    probe = _probe(item)
    program, problem = None, ""
    try:
        program = program_of(buildinfo.find(item.variant, probe))
    except SpikeError as error:
        folder = f" --sidecar {command_path(PROBE_FOLDER)}"
        command = probe.nox_command(item.variant.packager.name, item.variant.mode.name)
        problem = f"the probe: {error.what} Try: {command.replace(probe.option, folder)}"
        try:
            item.variant.packager.recipe(probe, item.variant.mode.name)
        except UnsuitableError as refusal:
            problem = f"the probe: {refusal.what}"
        problem = publishable(problem)
    return FaultTarget(
        id=item.variant.id, hello=program_of(item), probe=program, probe_problem=problem
    )


def without_stdin(lacks: Mapping[Need, str]) -> dict[Need, str]:
    """What is lacking behind our own code, which watches its stdin whatever the sidecar does."""
    return {need: why for need, why in lacks.items() if need is not Need.STDIN}


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
                lacks=without_stdin(target.lacks),
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
