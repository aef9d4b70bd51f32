"""What is launched and compared: the built variants, and the baselines beneath them.

The baselines are rows in every table: a static C program (the price of a launch as such), and the
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
from spike.core.workspace import TOOL, display_path
from spike.launch.spec import LaunchSpec
from spike.project.sidecar import Sidecar

BASELINE_SOURCE = TOOL / "benchmarks" / "baselines" / "ready.c"
STATIC_C = "baseline-static-c"
PYTHON_ISOLATED = "baseline-python-I-S"
PYTHON = "baseline-python"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One row of a comparison.

    Attributes:
        id: A variant's id, or a baseline's name.
        kind: ``variant`` or ``baseline``.
        argv: How it is launched.
        sidecar: Gives READY token, environment and timeouts.
        sha256: Of the program, or of the script for an interpreter's row.
        size_bytes: Bytes that ship.
        facts: More about it, for the result file.
        built: The build behind a variant; None for a baseline.
    """

    id: str
    kind: str
    argv: tuple[str, ...]
    sidecar: Sidecar
    sha256: str
    size_bytes: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    built: Built | None = None

    def spec(self, **changes: Any) -> LaunchSpec:
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
        return LaunchSpec(**{**settings, **changes})

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


def variant_target(built: Built) -> Target:
    """A built variant as a row."""
    info = built.info
    return Target(
        id=info.variant,
        kind="variant",
        argv=(str(built.artifact), *built.sidecar.args),
        sidecar=built.sidecar,
        sha256=info.sha256,
        size_bytes=info.shipped_bytes,
        facts={"build": dataclasses.asdict(info)},
        built=built,
    )


def baselines(sidecar: Sidecar) -> list[Target]:
    """The baselines that can be had here; a missing compiler leaves the C row out.

    Raises:
        SpikeError: The C program does not compile.
    """
    interpreter = str(getattr(sys, "_base_executable", sys.executable))
    script = sidecar.folder / sidecar.entry
    found = []
    try:
        program = static_c_program()
        found.append(
            Target(
                id=STATIC_C,
                kind="baseline",
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
            Target(
                id=name,
                kind="baseline",
                argv=(interpreter, *options, str(script), *sidecar.args),
                sidecar=sidecar,
                sha256=file_sha256(script),
                size_bytes=script.stat().st_size,
                facts={"python_version": "{}.{}.{}".format(*sys.version_info[:3])},
            )
        )
    return found


def static_c_program(source: Path = BASELINE_SOURCE) -> Path:
    """Compile a static C program, once for each version of its source.

    Raises:
        MissingToolError: There is no C compiler.
        SpikeError: It does not compile here.
    """
    return native.build(source, "-static")


def all_targets(sidecar: Sidecar, built: Sequence[Built]) -> list[Target]:
    """The baselines, then the variants."""
    return [*baselines(sidecar), *(variant_target(item) for item in built)]
