"""What can be known of a sidecar without building it, said in a second.

Everything that the first steps of a build would refuse or warn about, and what lies in the folder
that nothing seems to take along.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spike.core.errors import SpikeError
from spike.core.workspace import display_path, project
from spike.project import imports, interpreters, sidecarlock
from spike.project.imports import Scan
from spike.project.sidecar import Sidecar
from spike.project.sidecarlock import pinned
from spike.project.sources import NOT_OF_THE_PROGRAM
from spike.project.specifiers import normal_name

SHOWN = 6
"""So many names are listed."""


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """What was found.

    Attributes:
        facts: What a build would do.
        warnings: What may be missing from what ships.
        errors: What a build would refuse.
    """

    facts: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def examine(sidecar: Sidecar) -> Checkup:
    """Look at a sidecar that could be loaded."""
    errors: list[str] = []
    warnings: list[str] = []
    facts = [f"{sidecar.name} {sidecar.version}: {_started(sidecar)} is packaged."]
    try:
        imports.check_python(sidecar, sidecar.python_version)
        if sidecar.python_version:
            place = interpreters.find(sidecar.python_version)
            facts.append(f"It is packaged with Python {sidecar.python_version}, {place}.")
    except SpikeError as error:
        errors.append(str(error))
    too_old = bool(errors)
    try:
        facts.append(_locked(sidecar))
    except SpikeError as error:
        errors.append(str(error))
    if not too_old:
        # An older Python calls newer syntax wrong; the version is the thing to correct.
        try:
            found = imports.scan(sidecar)
            facts += _roots(found)
            warnings += _imports(sidecar, found)
            warnings += _left_behind(sidecar, found)
        except SpikeError as error:
            if _read_by(sidecar):
                errors.append(str(error))
            else:
                facts.append("Its imports are not looked at: another Python has to read them.")
    return Checkup(facts=tuple(facts), warnings=tuple(warnings), errors=tuple(errors))


def _read_by(sidecar: Sidecar) -> bool:
    """Whether the Python that is packaged has this one's syntax."""
    wanted = sidecar.own_python()
    return wanted is not None and platform.python_version().startswith(f"{wanted.short}.")


def render(checkup: Checkup) -> str:
    """The lines that ``invoke doctor --sidecar`` prints."""
    return "\n".join(
        [
            *checkup.facts,
            *(f"warning: {text}" for text in checkup.warnings),
            *(f"error: {text}" for text in checkup.errors),
        ]
    )


def _started(sidecar: Sidecar) -> str:
    if sidecar.function:
        return f"{sidecar.module}:{sidecar.function} ({sidecar.entry_file})"
    if sidecar.module:
        return f"-m {sidecar.module.removesuffix('.__main__')} ({sidecar.entry_file})"
    return sidecar.entry


def _locked(sidecar: Sidecar) -> str:
    """What is pinned. What has not been locked yet is no mistake: it is the next step.

    Raises:
        SidecarError: The lock is one of other dependencies.
    """
    if sidecar.lock is not None and not sidecar.lock.exists():
        return f"Its dependencies are not locked yet. Next: nox -s lock --{sidecar.option}"
    lock = sidecarlock.check(sidecar)
    if lock is None:
        return "It has no dependencies."
    return (
        f"{display_path(lock)} pins {len(pinned(lock.read_text(encoding='utf-8')))} distributions."
    )


def _roots(found: Scan) -> list[str]:
    further = [name for name in found.roots[1:] if name != "."]
    reached = f"{len(found.files)} of its files are reached by imports"
    return [f"{reached}; modules also lie in {', '.join(further)}." if further else f"{reached}."]


def _imports(sidecar: Sidecar, found: Scan) -> tuple[str, ...]:
    """What the imports lack, as far as it can be known where nothing is installed yet."""
    provided = _installed(sidecar)
    if sidecar.dependencies and not provided:
        return ()
    return imports.check(sidecar, found, provided)


def _installed(sidecar: Sidecar) -> Mapping[str, str]:
    """Top-level modules of what the lock pins, from an environment that a session has made."""
    if sidecar.lock is None or not sidecar.lock.is_file():
        return {}
    names = pinned(sidecar.lock.read_text(encoding="utf-8"))
    for place in sorted((project() / ".nox").glob(f"*-{sidecar.name}")):
        modules = {}
        for packages in [*place.glob("lib/python*/site-packages"), place / "Lib/site-packages"]:
            for each in importlib.metadata.distributions(path=[str(packages)]):
                if normal_name(each.name) in names:
                    modules.update(dict.fromkeys(_tops(each.files or ()), each.name))
        if modules:
            return modules
    return {}


def _tops(files: Iterable[PurePosixPath]) -> set[str]:
    return {file.parts[0].partition(".")[0] for file in files if file.parts[0] != ".."}


def _left_behind(sidecar: Sidecar, found: Scan) -> list[str]:
    """Own modules that no import reaches, and files that are not data: said once, quietly."""
    covered = tuple(f"{item.rstrip('/')}/" for item in sidecar.data)
    base = Path(sidecar.entry).parent  # what lies elsewhere cannot be data
    modules: list[str] = []
    data: list[Path] = []
    for path in sidecarlock.own_files(sidecar):
        name = path.as_posix()
        is_aside = (
            NOT_OF_THE_PROGRAM.search(name) is not None
            or "scripts" in path.parts
            or path.name.startswith(("__main__.", "smoke"))
        )
        is_known = name in found.files or name in sidecar.smoke
        if is_aside or is_known or f"{name}/".startswith(covered) or _is_listed(path, sidecar):
            continue
        if path.suffix == ".py":
            modules.append(name)
        elif path.is_relative_to(base):
            data.append(path)
    said = []
    if modules:
        said.append(
            f"no import reaches {_named(modules)}; if the program loads that by name, it belongs "
            "into hidden_imports."
        )
    if data:
        code = {above for name in (*found.files, *modules) for above in Path(name).parents}
        said.append(f"{_named(_folders(data, code))} does not ship unless data lists it.")
    return said


def _is_listed(path: Path, sidecar: Sidecar) -> bool:
    names = ".".join(path.with_suffix("").parts)
    wanted = (*sidecar.loaded_by_name, *sidecar.collect)
    return any(f".{names}.".find(f".{name}.") >= 0 for name in wanted)


def _folders(paths: list[Path], code: set[Path]) -> list[str]:
    """Files as the topmost folder that they lie in and that has no code."""
    tops = []
    for path in paths:
        above = [place for place in path.parents if place not in code]
        tops.append(f"{above[-1].as_posix()}/" if above else path.as_posix())
    return list(dict.fromkeys(tops))


def _named(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
