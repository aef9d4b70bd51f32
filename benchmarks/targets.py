"""What is launched and compared: the built variants, and the baselines beneath them.

The baselines are rows in every table: a static C program (the price of a launch as such), and the
same script under ``python -I -S`` and plain ``python`` (the price of the interpreter).
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.baselines import native
from spike.build import advice
from spike.build.buildinfo import Built, file_sha256
from spike.core.errors import MissingToolError
from spike.core.workspace import TOOL, display_path
from spike.launch import judgement, places
from spike.launch.places import Place
from spike.launch.ready import Ready
from spike.launch.spec import Launch, LaunchSpec
from spike.project import copies, imports, interpreters
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
        script: The script of an interpreter's row; None for a program.
        place: Where the copy lies that ``argv`` launches; see :func:`staged`. Without one, the
            thing itself is launched, in this process's own surroundings.
    """

    id: str
    kind: str
    argv: tuple[str, ...]
    sidecar: Sidecar
    sha256: str
    size_bytes: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    built: Built | None = None
    script: Path | None = None
    place: Place | None = None

    def spec(self, **changes: Any) -> LaunchSpec:
        """How to launch it once, with changes for a special case."""
        roots = imports.module_path(self.sidecar, self._sources) if self.script else {}
        spec = judgement.spec_of(self.sidecar, (), place=self.place, env=roots)
        if self.id == STATIC_C:
            spec = dataclasses.replace(spec, ready=Ready(), smoke=())
        return dataclasses.replace(spec, **{"argv": self.argv, **changes})

    @property
    def _sources(self) -> Path:
        return self.place.sources if self.place else self.sidecar.folder

    def judged(self) -> Launch:
        """Launch it once, judge, and explain a failure of a variant."""
        return judgement.judge(self.spec(), place=self.place, explain=self.explained)

    def explained(self, done: Launch) -> Launch:
        """A launch of this with the reason of its failure; a baseline's has its last words."""
        if self.built is not None:
            return judgement.explained(done, variant=self.id, known=advice.facts_of(self.built))
        if done.ok:
            return done
        return dataclasses.replace(done, detail=f"{done.detail}; {judgement.last_words(done)}")

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
    interpreter = own = str(getattr(sys, "_base_executable", sys.executable))
    _, script, _ = copies.startable(sidecar)
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
    rows: tuple[tuple[str, tuple[str, ...]], ...] = (
        (PYTHON_ISOLATED, isolation(sidecar)),
        (PYTHON, ()),
    )
    if sidecar.dependencies:
        if sidecar.python is None:
            return found  # a plain interpreter does not have them: nox -s sidecar_env makes one
        # Without ``site`` the dependencies are not found, so there is no -I -S row.
        interpreter, rows = str(sidecar.python), ((PYTHON, ()),)
    elif sidecar.wanted_python:
        try:
            interpreter = str(interpreters.find(sidecar.wanted_python))
        except MissingToolError:
            return found
    version = "{}.{}.{}".format(*sys.version_info[:3])
    if interpreter != own:
        version = interpreters.version_of(interpreter)
    for name, options in rows:
        found.append(
            Target(
                id=name,
                kind="baseline",
                argv=(interpreter, *options, str(script), *sidecar.args),
                sidecar=sidecar,
                sha256=file_sha256(script),
                size_bytes=script.stat().st_size,
                facts={"python_version": version},
                script=script,
            )
        )
    return found


def isolation(sidecar: Sidecar) -> tuple[str, ...]:
    """Options that take the user and ``site`` out of an interpreter's start.

    ``-I`` also hides the modules beside the script; a script that imports one gets the other two
    thirds of it.
    """
    if imports.import_roots(sidecar)[1:]:
        return ("-s", "-S")  # the other roots come in an environment variable
    text = sidecar.script().decode("utf-8", "replace")
    script = sidecar.folder / sidecar.entry
    siblings = {path.stem for path in script.parent.glob("*.py")} | {
        path.name for path in script.parent.iterdir() if path.is_dir()
    }
    named = set(re.findall(r"^\s*(?:from|import)\s+(\w+)", text, flags=re.MULTILINE))
    return ("-E", "-s", "-S") if named & siblings else ("-I", "-S")


def static_c_program(source: Path = BASELINE_SOURCE) -> Path:
    """Compile a static C program, once for each version of its source.

    On macOS it loads the system's library, as every program there has to: there is no static one
    (Apple's Technical Q&A QA1118).

    Raises:
        MissingToolError: There is no C compiler.
        SpikeError: It does not compile here.
    """
    return native.build(source, *([] if sys.platform == "darwin" else ["-static"]))


def all_targets(sidecar: Sidecar, built: Sequence[Built]) -> list[Target]:
    """The baselines, then the variants."""
    return [*baselines(sidecar), *(variant_target(item) for item in built)]


@contextlib.contextmanager
def staged(targets: Sequence[Target]) -> Iterator[list[Target]]:
    """Copies of the targets, each in a place of its own; launch these, and nothing else changes.

    Made once a run, before anything is timed, and removed after it.

    Raises:
        StorageError: There is no room for the copies.
    """
    with contextlib.ExitStack() as stack:
        yield [_staged(target, stack) for target in targets]


def _staged(target: Target, stack: contextlib.ExitStack) -> Target:
    sidecar = target.sidecar
    original = target.script or Path(target.argv[0])
    folder = target.built.folder if target.built else None
    wanted = target.script is not None or bool(sidecar.smoke)
    sources, files = sidecar.folder, sidecar.source_files()
    if target.script is not None:
        sources, _, files = copies.startable(sidecar)
    place, copy = stack.enter_context(
        places.copied(
            sidecar.workspace.build / "places",
            original,
            folder=folder,
            sources=sources,
            files=files if wanted else (),
        )
    )
    return dataclasses.replace(
        target,
        argv=tuple(str(copy) if word == str(original) else word for word in target.argv),
        script=copy if target.script else None,
        built=target.built
        and dataclasses.replace(
            target.built, artifact=copy, folder=place.program if folder else None
        ),
        place=place,
    )
