"""What a plain script does until READY: imports, code made from text, patterns, collections.

The script notes it itself (:mod:`spike.completeness.used`), which costs it some microseconds
an import; how much in all is told by launches without notes beside those with.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spike.completeness import used
from spike.core import jsonfile, process
from spike.core.errors import CorruptFileError, MissingToolError, SidecarError, UsageError
from spike.core.workspace import display_path
from spike.launch import judgement, leftovers, places
from spike.launch.places import Place
from spike.launch.running import Running
from spike.profile import imports
from spike.profile.imports import Node
from spike.project import copies, interpreters
from spike.project import imports as own
from spike.project.sidecar import Sidecar

SCHEMA = 1
STANDARD = "the standard library"
OWN = "the sidecar itself"


@dataclass(frozen=True, kw_only=True)
class Module:
    """One imported module.

    Attributes:
        name: Its full name.
        self_us: Microseconds of its own code, the median of the launches.
        total_us: With everything that it was the first to import.
        importer: Who imported it first; empty for the program itself.
        by: Place of the statement that did, where it is one.
        distribution: Where it comes from.
        size_bytes: Of its source or library; 0 where there is no file.
    """

    name: str
    self_us: float
    total_us: float
    importer: str = ""
    by: str = ""
    distribution: str = STANDARD
    size_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How often something happened until the program ended, and how long it took together.

    Attributes:
        number: How often.
        total_us: Microseconds; 0 where nobody took the time.
        size: Characters, of code that was made from text.
    """

    number: int = 0
    total_us: float = 0.0
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What was found.

    Attributes:
        sidecar: Name of the sidecar.
        python: Version of the Python that ran it.
        ready_ms: Launch to READY of each launch, in milliseconds, without notes.
        noted_ms: The same with notes.
        modules: The modules that were imported until READY, in that order.
        texts: Code that was made from text (``exec`` and the like) in modules.
        patterns: Regular expressions that were compiled.
        collections: Runs of the garbage collector.
        minor_faults: Page faults until READY that needed no reading.
        major_faults: Those that did.
    """

    sidecar: str
    python: str
    ready_ms: tuple[float, ...]
    noted_ms: tuple[float, ...]
    modules: tuple[Module, ...]
    texts: Counts = field(default_factory=Counts)
    patterns: Counts = field(default_factory=Counts)
    collections: Counts = field(default_factory=Counts)
    minor_faults: int = 0
    major_faults: int = 0

    @property
    def roots(self) -> tuple[Node, ...]:
        """The tree of imports."""
        below: dict[str, list[Module]] = {}
        for module in self.modules:
            below.setdefault(module.importer, []).append(module)

        def node(module: Module) -> Node:
            return Node(
                name=module.name,
                self_us=module.self_us,
                children=tuple(node(child) for child in below.get(module.name, ())),
            )

        return tuple(node(module) for module in below.get("", ()))

    @property
    def by_distribution(self) -> dict[str, tuple[int, int, float]]:
        """Distribution to modules, bytes and own microseconds together, the slowest first."""
        found: dict[str, tuple[int, int, float]] = {}
        for module in self.modules:
            number, size, time_us = found.get(module.distribution, (0, 0, 0.0))
            found[module.distribution] = (
                number + 1,
                size + module.size_bytes,
                time_us + module.self_us,
            )
        return dict(sorted(found.items(), key=lambda item: -item[1][2]))


def measure(sidecar: Sidecar, *, launches: int) -> Profile:
    """Launch a plain script again and again and see what it does until READY.

    Args:
        sidecar: Whose script.
        launches: How often it is timed.

    Raises:
        MissingToolError: It has dependencies, and no environment with them.
        SidecarError: It does not come up.
    """
    python = _python(sidecar)
    leftovers.adopt_orphans()
    sources, script, files = copies.startable(sidecar)
    base = sidecar.workspace.build / "places"
    with places.copied(base, script, folder=None, sources=sources, files=files) as (place, copy):
        plain, noted = [], []
        for _ in range(launches):
            plain.append(_launched(sidecar, python, place, copy))
            noted.append(_launched(sidecar, python, place, copy, notes=True))
        roots = imports.medians([imports.parse(each.lines) for each in noted])
        origins = _origins(python)
        above = imports.importers(roots)
        modules = tuple(
            Module(
                name=node.name,
                self_us=node.self_us,
                total_us=node.total_us,
                importer=above.get(node.name, ""),
                by=_place(node, place.sources),
                distribution=_origin(node.file, origins, place.sources),
                size_bytes=_size(node.file),
            )
            for root in roots
            for node in root.walk()
        )
    last = noted[-1].lines
    return Profile(
        sidecar=sidecar.name,
        python=interpreters.version_of(python),
        ready_ms=tuple(each.ready_ms for each in plain),
        noted_ms=tuple(each.ready_ms for each in noted),
        modules=modules,
        texts=_counted(last, "text"),
        patterns=_counted(last, "pattern"),
        collections=_counted(last, "gc"),
        minor_faults=plain[-1].faults[0],
        major_faults=plain[-1].faults[1],
    )


@dataclass(frozen=True, kw_only=True)
class _Launched:
    ready_ms: float
    faults: tuple[int, int]
    lines: tuple[str, ...] = ()


def _launched(
    sidecar: Sidecar, python: str, place: Place, script: Path, *, notes: bool = False
) -> _Launched:
    """Launch the script once; what it notes after READY is left out.

    Raises:
        SidecarError: It does not come up.
    """
    path = own.module_path(sidecar, place.sources).get("PYTHONPATH", "")
    with used.notebook(path, everything=True) as (env, file):
        plain = {"PYTHONPATH": path} if path else {}
        spec = judgement.spec_of(
            sidecar, [python, str(script)], place=place, env=env if notes else plain
        )
        at_ready = [0, 0, 0]

        def look(running: Running) -> None:
            at_ready[:] = [file.stat().st_size, *_faults(running.pid)]

        done = judgement.judge(spec, place=place, at_ready=look)
        if done.ready_ms is None:
            raise SidecarError(
                f"The plain script of {sidecar.name} does not come up: {done.detail}.",
                why=judgement.last_words(done),
                try_next=copies.by_hand(sidecar),
            )
        text = file.read_bytes()[: at_ready[0]].decode("utf-8", "replace")
    return _Launched(
        ready_ms=done.ready_ms,
        faults=(at_ready[1], at_ready[2]),
        lines=tuple(text.split("\n")),
    )


def _python(sidecar: Sidecar) -> str:
    """The Python that runs the script, with its dependencies.

    Raises:
        MissingToolError: There is none yet.
    """
    if not sidecar.dependencies:
        if sidecar.wanted_python:
            return str(interpreters.find(sidecar.wanted_python))
        return str(getattr(sys, "_base_executable", sys.executable))
    if sidecar.python is None:
        raise MissingToolError(
            f"The dependencies of {sidecar.name} are not installed for its plain script.",
            try_next=f"nox -s sidecar_env --{sidecar.option}{sidecar.python_option}",
        )
    return str(sidecar.python)


def _faults(pid: int | None) -> tuple[int, int]:
    """Page faults of a process so far: those without reading, and those with; proc(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0, 0
    return int(fields[7]), int(fields[9])


def _counted(lines: Sequence[str], kind: str) -> Counts:
    parts = [line.split("\t") for line in lines if line.startswith(f"{kind}\t")]
    amount = sum(float(part[1]) for part in parts)
    if kind == "text":
        return Counts(number=len(parts), size=int(amount))
    return Counts(number=len(parts), total_us=amount)


def _place(node: Node, sources: Path) -> str:
    """Where a module was imported, short: ``main.py:12``, ``starlette/routing.py:30``."""
    if node.by is None:
        return ""
    file = _short(node.by[0], sources)
    return f"{file}:{node.by[1]}"


def _short(file: str, sources: Path) -> str:
    for base in (f"{sources}{os.sep}", f"{os.sep}site-packages{os.sep}", f"{os.sep}python3."):
        if base in file:
            rest = file.partition(base)[2]
            return rest.partition(os.sep)[2] if base.endswith("python3.") else rest
    return file


def _origins(python: str) -> dict[str, str]:
    """Files of every distribution that a Python has installed, absolute, to its name."""
    place = process.capture(
        [python, "-I", "-c", "import sysconfig as s; print(s.get_path('purelib'))"], timeout_s=20.0
    ).output.strip()
    found: dict[str, str] = {}
    for each in importlib.metadata.distributions(path=[place]):
        name = each.name  # read anew each time it is asked for
        found.update((str(file.locate()), name) for file in each.files or ())
    return found


def _origin(file: str, origins: Mapping[str, str], sources: Path) -> str:
    if file.startswith(f"{sources}{os.sep}"):
        return OWN
    return origins.get(file, STANDARD)


def _size(file: str) -> int:
    try:
        return Path(file).stat().st_size if Path(file).is_absolute() else 0
    except OSError:
        return 0


def save(profile: Profile, place: Path) -> None:
    """Keep a profile as JSON."""
    place.parent.mkdir(parents=True, exist_ok=True)
    jsonfile.write(place, {"schema": SCHEMA, **asdict(profile)})


def load(place: Path) -> Profile:
    """Read a kept profile.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It is none, or of a newer schema.
    """
    try:
        kept: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        if kept.pop("schema") != SCHEMA:
            raise ValueError("it has another schema")
        kept["modules"] = tuple(Module(**each) for each in kept["modules"])
        for key in ("texts", "patterns", "collections"):
            kept[key] = Counts(**kept[key])
        for key in ("ready_ms", "noted_ms"):
            kept[key] = tuple(kept[key])
        return Profile(**kept)
    except FileNotFoundError:
        raise UsageError(
            f"There is no profile {display_path(place)}.",
            why="invoke startup keeps one in the file that --output names.",
            try_next="invoke startup --sidecar DIR --output FILE, then --compare FILE",
        ) from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CorruptFileError(
            f"{display_path(place)} is no profile of a start: {error}.",
            try_next="invoke startup --sidecar DIR --output FILE",
        ) from None
