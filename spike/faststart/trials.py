"""Trial runs of a plain script: what it imports until READY, and what it then needs of the rest.

Standard library only: it runs in the packager's environment.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spike.completeness.used import WATCHED
from spike.faststart.lazy import Key
from spike.faststart.tables import STAGED, Text
from spike.launch import judgement
from spike.launch.places import Place
from spike.launch.running import Running
from spike.launch.spec import Launch
from spike.project import imports
from spike.project.sidecar import Sidecar

PATIENCE = 10.0
"""So many times longer than the program a trial run may take to be ready: everything is noted."""

_FIELDS = {"module": 2, "import": 3, "effect": 2, "use": 2, "made": 2}
_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What a trial run has noted until READY.

    Attributes:
        modules: Name to file of what was executed, in that order; empty where there is no file.
        imports: Importing module, line and imported module. The line is 0 for what was imported
            by code that ran while that module was executed, and the module is empty where none was.
        effects: Module and what changed outside of it while it was executed; of some modules.
        used: Module and line of imports that were put off and needed.
        later: The same, of the time after READY.
        patterns: Patterns that ``re`` has compiled, with the flags that it was given.
        texts: Texts that modules of the standard library have made code from.
    """

    modules: Mapping[str, str]
    imports: frozenset[tuple[str, int, str]] = frozenset()
    effects: frozenset[tuple[str, str]] = frozenset()
    used: frozenset[tuple[str, int]] = frozenset()
    later: frozenset[tuple[str, int]] = frozenset()
    patterns: frozenset[tuple[str | bytes, int]] = frozenset()
    texts: frozenset[Text] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Overlaid:
    """A rewritten module for a trial run: the original file, and the file with its new text."""

    file: str
    text: str


def read(until: Iterable[str], after: Iterable[str] = ()) -> Notes:
    """Read the lines that were noted.

    Args:
        until: Those until READY.
        after: Those after it.
    """
    modules: dict[str, str] = {}
    found: dict[str, set[tuple[str, ...]]] = {kind: set() for kind in _FIELDS}
    for line in until:
        kind, *fields = line.split("\t")
        if len(fields) == _FIELDS.get(kind):  # a program may be killed while it writes
            found[kind].add(tuple(fields))
            if kind == "module":
                modules.setdefault(fields[0], fields[1])
    later = {
        (fields[1], fields[2])
        for line in after
        if len(fields := line.split("\t")) == 3 and fields[0] == "use"
    }
    return Notes(
        modules=modules,
        imports=frozenset((one, int(number), two) for one, number, two in found["import"]),
        effects=frozenset((one, what) for one, what in found["effect"]),
        used=frozenset((one, int(number)) for one, number in found["use"]),
        later=frozenset((one, int(number)) for one, number in later),
        patterns=frozenset(_unpacked(what) for kind, what in found["made"] if kind == "pattern"),
        texts=frozenset(Text(*_unpacked(what)) for kind, what in found["made"] if kind == "text"),
    )


def _unpacked(what: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = marshal.loads(bytes.fromhex(what))
    return found


def environment(
    sidecar: Sidecar,
    place: Place,
    *,
    modules: Mapping[str, Overlaid] | None = None,
    lazy: Mapping[Key, int] | None = None,
    tables: Path | None = None,
    effects: Collection[str] = (),
    quiet: bool = False,
) -> tuple[Mapping[str, str], Path]:
    """Variables that make any Python program a trial run, and the file of its notes.

    Args:
        sidecar: Whose modules it can import.
        place: Where the copy of them lies.
        modules: See :func:`run`; ``lazy``, ``tables`` and ``effects`` likewise.
        lazy: See there.
        tables: See there.
        effects: See there.
        quiet: Whether to note nothing, and to change nothing else of the interpreter.
    """
    folder = place.root / "trial"
    folder.mkdir(exist_ok=True)
    notes, settings = folder / "notes", folder / "settings"
    notes.write_bytes(b"")
    told = {
        "notes": str(notes),
        "tools": str(_HERE / "tools"),
        "staged": str(STAGED),
        "tables": str(tables or ""),
        "effects": sorted(effects),
        "quiet": quiet,
        "ready": "" if sidecar.ready_pattern or sidecar.ready_url else sidecar.ready,
        "modules": {
            name: {"file": each.file, "text": each.text} for name, each in (modules or {}).items()
        },
        "lazy": dict(lazy or {}),
    }
    settings.write_bytes(marshal.dumps(told))
    path = imports.module_path(sidecar, place.sources).get("PYTHONPATH", "")
    search = [str(WATCHED), *([path] if path else [])]
    return {
        "PYTHONPATH": (";" if sys.platform == "win32" else ":").join(search),
        "SPIKE_FAST_START": str(settings),
        # The order of sets decides what is imported first in some libraries.
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }, notes


def run(
    sidecar: Sidecar,
    place: Place,
    script: Path,
    *,
    modules: Mapping[str, Overlaid] | None = None,
    lazy: Mapping[Key, int] | None = None,
    tables: Path | None = None,
    effects: Collection[str] = (),
) -> tuple[Launch, Notes]:
    """Launch a plain script up to READY, with its smoke command, and read what it has noted.

    Args:
        sidecar: Whose script.
        place: Where the copy of it lies.
        script: The copy.
        modules: The rewritten modules that it is to import.
        lazy: What the interpreter's own filter lets wait instead, with the line of each.
        tables: Folder of the module that hands out what was made beforehand; None for none.
        effects: Modules of which to note what changes outside of them while they are executed.
    """
    env, notes = environment(
        sidecar, place, modules=modules, lazy=lazy, tables=tables, effects=effects
    )
    spec = judgement.spec_of(sidecar, [sys.executable, str(script)], place=place, env=env)
    spec = replace(spec, ready_timeout_s=spec.ready_timeout_s * PATIENCE)
    at_ready = [0]

    def look(running: Running) -> None:
        at_ready[0] = notes.stat().st_size

    launch = judgement.judge(spec, place=place, at_ready=look)
    content = notes.read_bytes()
    said = content.find(b"\nready\n")
    # From outside READY is seen some time after it was said.
    cut = said + 1 if said >= 0 else at_ready[0] or len(content)
    until, after = content[:cut].decode("utf-8"), content[cut:].decode("utf-8")
    return launch, read(until.split("\n"), after.split("\n"))
