"""What is launched and compared: the built variants, and the floors beneath them.

The floors are rows in every table: a static C program (the price of a launch as such), and the
same script under ``python -I -S`` and plain ``python`` (the price of the interpreter).
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.baselines import native
from spike.build.buildinfo import Built, file_sha256
from spike.core.errors import MissingToolError
from spike.core.workspace import ROOT, display_path
from spike.launch.launcher import Plan
from spike.project.sidecar import Sidecar

FLOOR_SOURCE = ROOT / "benchmarks" / "baselines" / "ready.c"
STATIC_C = "floor-static-c"
PYTHON_ISOLATED = "floor-python-I-S"
PYTHON = "floor-python"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One row of a comparison.

    Attributes:
        id: A variant's id, or a floor's name.
        kind: ``variant`` or ``floor``.
        argv: How it is launched.
        sidecar: Gives READY token, environment and timeouts.
        sha256: Of the program, or of the script for an interpreter's row.
        size_bytes: Bytes that ship.
        facts: More about it, for the result file.
        built: The build behind a variant; None for a floor.
    """

    id: str
    kind: str
    argv: tuple[str, ...]
    sidecar: Sidecar
    sha256: str
    size_bytes: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    built: Built | None = None

    def plan(self, **changes: Any) -> Plan:
        """How to launch it, with changes for a special case."""
        settings: dict[str, Any] = {
            "argv": self.argv,
            "env": self.sidecar.env,
            "ready": self.sidecar.ready if self.id != STATIC_C else "READY",
            "ready_timeout_s": self.sidecar.ready_timeout_s,
            "smoke": self.sidecar.smoke if self.id != STATIC_C else (),
            "smoke_cwd": self.sidecar.folder,
            "smoke_stdio": self.sidecar.smoke_stdio,
            "cwd": None,
        }
        return Plan(**{**settings, **changes})

    def as_json(self) -> dict[str, Any]:
        """What a result file keeps of it."""
        return {
            "kind": self.kind,
            "argv": [_publishable(word) for word in self.argv],
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            **self.facts,
        }


def _publishable(word: str) -> str:
    return display_path(Path(word)) if Path(word).is_absolute() else word


def variant_subject(built: Built) -> Subject:
    """A built variant as a row."""
    info = built.info
    return Subject(
        id=info.variant,
        kind="variant",
        argv=(str(built.artifact), *built.sidecar.args),
        sidecar=built.sidecar,
        sha256=info.sha256,
        size_bytes=info.shipped_bytes,
        facts={"build": dataclasses.asdict(info)},
        built=built,
    )


def floors(sidecar: Sidecar) -> list[Subject]:
    """The floors that can be had here; a missing compiler leaves the C row out.

    Raises:
        SpikeError: The C program does not compile.
    """
    interpreter = str(getattr(sys, "_base_executable", sys.executable))
    script = sidecar.folder / sidecar.entry
    found = []
    try:
        program = static_c_program()
        found.append(
            Subject(
                id=STATIC_C,
                kind="floor",
                argv=(str(program),),
                sidecar=sidecar,
                sha256=file_sha256(program),
                size_bytes=program.stat().st_size,
            )
        )
    except MissingToolError:
        pass
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ((PYTHON_ISOLATED, ("-I", "-S")), (PYTHON, ()))
    if sidecar.dependencies:
        if sidecar.python is None:
            return found  # a plain interpreter does not have them: nox -s sidecar_env makes one
        # Without ``site`` the dependencies are not found, so there is no -I -S row.
        interpreter, rows = str(sidecar.python), ((PYTHON, ()),)
    for name, options in rows:
        found.append(
            Subject(
                id=name,
                kind="floor",
                argv=(interpreter, *options, str(script), *sidecar.args),
                sidecar=sidecar,
                sha256=file_sha256(script),
                size_bytes=script.stat().st_size,
                facts={"python_version": "{}.{}.{}".format(*sys.version_info[:3])},
            )
        )
    return found


def static_c_program(source: Path = FLOOR_SOURCE) -> Path:
    """Compile a static C program, once for each version of its source.

    Raises:
        MissingToolError: There is no C compiler.
        SpikeError: It does not compile here.
    """
    return native.build(source, "-static")


def all_subjects(sidecar: Sidecar, built: Sequence[Built]) -> list[Subject]:
    """The floors, then the variants."""
    return [*floors(sidecar), *(variant_subject(item) for item in built)]
