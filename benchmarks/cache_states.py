"""States of the caches before a launch: which a program has, of which files, and their proof.

One launch that nobody times shows which files a program maps, and whether it keeps what it unpacks.
What "cold" means, and of which files, stands in :mod:`benchmarks.cold_start`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.targets import Target
from spike.core import process
from spike.core.workspace import display_path
from spike.launch import leftovers
from spike.launch.launcher import launch
from spike.launch.running import Running
from spike.launch.spec import LaunchSpec
from spike.measure import pagecache

CACHE_VARIABLE = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
"""Where programs look for their cache on Linux (XDG Base Directory Specification)."""


@dataclass(frozen=True, kw_only=True)
class State:
    """The caches before a launch.

    Attributes:
        page_cache: ``cold`` or ``warm``.
        unpack_cache: ``none`` when the program keeps nothing, else ``empty`` or ``filled``.
    """

    page_cache: str
    unpack_cache: str

    @property
    def id(self) -> str:
        """Name of the state in samples and tables: ``cold``, ``warm+empty``."""
        if self.unpack_cache == "none":
            return self.page_cache
        return f"{self.page_cache}+{self.unpack_cache}"


def states(*, keeps_unpacked: bool) -> tuple[State, ...]:
    """The states that a program has."""
    caches = ("empty", "filled") if keeps_unpacked else ("none",)
    return tuple(
        State(page_cache=page, unpack_cache=unpack)
        for page in ("warm", "cold")
        for unpack in caches
    )


@dataclass(frozen=True, kw_only=True)
class Scouted:
    """What a first, untimed launch has shown of a target.

    Attributes:
        target: What was launched.
        files: The program's own files, that decide on cold or warm.
        system_files: Files of the system that it maps; they may stay in memory.
        unpack_cache: Its filled cache; None when it keeps nothing.
    """

    target: Target
    files: tuple[Path, ...]
    system_files: tuple[Path, ...]
    unpack_cache: Path | None


def scout(target: Target, scratch: Path) -> Scouted:
    """Launch a target once and learn which files it reads and whether it keeps what it unpacks.

    Args:
        target: What to launch.
        scratch: Folder for its cache, which stays filled.
    """
    cache = scratch / target.id
    cache.mkdir()
    mapped: set[Path] = set()
    private: list[Path] = []

    def look(running: Running) -> None:
        mapped.update(mapped_files(running.mark))
        if running.tmp is not None:
            private.append(running.tmp)

    launch(with_cache(target, cache), inspect=leftovers.inspect, at_ready=look)
    kept = pagecache.regular_files([cache])
    own = own_files(target)
    known = {*own, *kept}
    return Scouted(
        target=target,
        files=tuple(own),
        system_files=tuple(
            path
            for path in pagecache.regular_files(sorted(mapped))
            if path not in known and not any(path.is_relative_to(folder) for folder in private)
        ),
        unpack_cache=cache if kept else None,
    )


def own_files(target: Target) -> list[Path]:
    """The files that ship as this target; for the interpreter's rows, what the script needs."""
    if target.built is not None:
        return pagecache.regular_files([target.built.folder or target.built.artifact])
    if target.script is not None:
        return pagecache.regular_files(interpreter_files(target, target.script))
    return pagecache.regular_files([Path(target.argv[0])])


_LIST_MODULES = """
import sys
path = sys.argv[1]
names = {"__name__": "listed", "__file__": path}
exec(compile(open(path).read(), path, "exec"), names)
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    if spec is not None and spec.has_location:
        print(spec.cached or spec.origin)
"""


def interpreter_files(target: Target, script: Path) -> list[Path]:
    """The interpreter, its library, the script, and the files of the modules that it imports."""
    import sysconfig

    options = target.argv[1 : target.argv.index(str(script))]
    done = process.capture([target.argv[0], *options, "-c", _LIST_MODULES, str(script)])
    library = Path(str(sysconfig.get_config_var("LIBDIR"))) / str(
        sysconfig.get_config_var("INSTSONAME")
    )
    return [
        Path(target.argv[0]).resolve(),
        script,
        *([library] if library.suffix != ".a" else []),
        *(Path(line) for line in done.output.splitlines() if Path(line).is_file()),
    ]


def mapped_files(mark: str) -> set[Path]:
    """Files that the processes of a launch have mapped."""
    found: set[Path] = set()
    for member in leftovers.survivors(mark):
        try:
            text = Path(f"/proc/{member.pid}/maps").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            fields = line.split(maxsplit=5)
            if len(fields) == 6 and fields[5].startswith("/"):
                found.add(Path(fields[5]))
    return {path for path in found if path.is_file()}


def prepare(files: Sequence[Path], system_files: Sequence[Path], page_cache: str) -> None:
    """Evict the files, or read them.

    Raises:
        OSError: A file cannot be opened.
    """
    if page_cache == "cold":
        pagecache.evict([*files, *system_files])
    else:
        pagecache.warm(files)


def shortfall(found: pagecache.Residency, wanted: str) -> str:
    """Say why a state was not reached; empty when it was."""
    if found.unknown:
        return f"cannot be verified: {found.unknown[0]}"
    if wanted == "cold" and not found.cold:
        names = ", ".join(display_path(path) for path in found.staying[:2])
        return (
            f"{found.resident} of {found.pages} pages stay in memory ({names}): a running process "
            "has them mapped, or this file system keeps them"
        )
    if wanted == "warm" and not found.warm:
        return f"only {found.resident} of {found.pages} pages are in memory: too little of it"
    return ""


def with_cache(target: Target, cache: Path) -> LaunchSpec:
    """How a target is launched with this folder for the cache that it may keep."""
    spec = target.spec()
    return replace(spec, env={**spec.env, CACHE_VARIABLE: str(cache)})
