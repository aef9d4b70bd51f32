"""What a program has at hand as a script, against what shipped. Pure: values in, gaps out.

A packager ships what import statements name. What is reached in another way (a plugin found by
name, a template opened at the first request, a dependency's data file) stays behind, and the
program may say READY all the same. Three things tell, none of them an error message: the files of
the sidecar's folder, the files that the direct dependencies have installed, and the modules that
the plain script has loaded by the time it is stopped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from spike.packagers.recipe import Shipped
from spike.project import sources

_NOT_DATA_OF_A_PACKAGE = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?|benchmarks?|include|licenses?|__pycache__)/"
    r"|(^|/)(readme|licen[cs]e|copying|notice|authors|changelog|changes|py\.typed)[^/]*$"
    r"|\.(pyi?|pyc|pyx|pxd|pxi|c|cc|cpp|h|hpp|rs|md|rst|txt|typed|so|pyd|dylib|dll|exe|a|lib|sh|in"
    r"|toml|cfg|ini|build|pc|template|cmake|f|f90|pyf|src|def)$|\.so\.[\d.]+$",
    re.IGNORECASE,
)
"""Files of an installed package that its code does not open, or that are code."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What there is: of the sidecar's folder, or of an installed distribution.

    Attributes:
        modules: Dotted name to path.
        data: Paths of files that are neither code nor about the project.
    """

    modules: Mapping[str, str]
    data: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that the script has and the program has not.

    Attributes:
        key: The list in ``[tool.sidecar]`` that closes it.
        values: What to add to it.
        what: What is missing and what shows it, in one sentence.
        certain: Whether the plain script has used it; otherwise it may well be of no use.
    """

    key: str
    values: tuple[str, ...]
    what: str
    certain: bool = False


def own_parts(
    files: Iterable[str],
    *,
    entry: str,
    not_data: Iterable[str] = (),
    roots: Sequence[str] = (),
) -> Parts:
    """What the sidecar's folder has.

    Args:
        files: Its files, relative to it, with forward slashes.
        entry: The entry script among them.
        not_data: Files that others use, such as the smoke command's.
        roots: Further folders that absolute imports start at, relative to it.
    """
    every = set(files)
    bases = [
        _import_root(PurePosixPath(entry).parent, every),
        *(f"{root}/" if root not in ("", ".") else "" for root in roots),
    ]
    left = set(not_data) | {entry}
    modules = {}
    data = []
    for path in sorted(every - left):
        if sources.NOT_OF_THE_PROGRAM.search(path):
            continue
        if path.endswith(".py"):
            names = [name for base in bases if (name := module_name(path, base))]
            if names:
                # Below several roots, the innermost is the one that imports name.
                modules[min(names, key=len)] = path
        else:
            data.append(path)
    return Parts(modules=modules, data=tuple(data))


def _import_root(folder: PurePosixPath, files: set[str]) -> str:
    """The folder that absolute imports start at: above the package that the entry lies in."""
    while str(folder) != "." and (folder / "__init__.py").as_posix() in files:
        folder = folder.parent
    return "" if str(folder) == "." else folder.as_posix() + "/"


def module_name(path: str, base: str = "") -> str:
    """Dotted name of a module's file; empty when it cannot be imported from ``base``."""
    if not path.startswith(base):
        return ""
    parts = path[len(base) :].removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def distribution_parts(files: Iterable[str]) -> Parts:
    """What a distribution has installed, by its RECORD."""
    modules = {}
    data = []
    for path in sorted(files):
        top = path.partition("/")[0]
        if path.startswith(("..", "/")) or top.endswith((".dist-info", ".data", ".egg-info")):
            continue
        if path.endswith(".py"):
            if name := module_name(path):
                modules[name] = path
        elif "/" in path and not _NOT_DATA_OF_A_PACKAGE.search(path):
            data.append(path)
    return Parts(modules=modules, data=tuple(data))


def without(parts: Parts, exclude: Iterable[str]) -> Parts:
    """The parts but for modules that are not to ship, and what lies below them."""
    kept = {
        name: path
        for name, path in parts.modules.items()
        if not any(f"{name}.".startswith(f"{left}.") for left in exclude)
    }
    return Parts(modules=kept, data=parts.data)


_OF_VERBOSE = ("# ", "import _", "Processing ", "Adding directory: ")
"""What else ``python -v`` writes."""


def loaded_modules(stderr: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Divide what ``python -q -v`` wrote to stderr: names of modules, and all other lines.

    (``-X importtime`` would be terser, and does not see what importlib.import_module loads.)
    """
    names = set()
    rest = []
    for line in stderr:
        if match := re.match(r"import '([\w.]+)' # ", line):
            names.add(match[1])
        elif not line.startswith(_OF_VERBOSE):
            rest.append(line)
    return frozenset(names), tuple(rest)


def own_gaps(own: Parts, shipped: Shipped, loaded: frozenset[str]) -> list[Gap]:
    """What of the sidecar's folder did not ship.

    Args:
        own: From :func:`own_parts`.
        shipped: What did.
        loaded: Modules that the plain script has loaded.
    """
    gaps = []
    absent = sorted(set(own.modules) - shipped.modules)
    if used := [name for name in absent if name in loaded]:
        gaps.append(_loaded_gap(used, ": no import statement names " + _it(_innermost(used))))
    if unused := [name for name in absent if name not in loaded]:
        paths = [own.modules[name] for name in unused]
        gaps.append(
            Gap(
                key="hidden_imports",
                values=_innermost(unused),
                what=f"{_some(paths)} did not ship: no import statement reaches {_it(unused)}",
            )
        )
    missing = [path for path in own.data if not shipped.has_file(path)]
    if missing:
        tops = _tops(missing, own.data)
        gaps.append(
            Gap(
                key="data",
                values=tuple(tops),
                what=f"{_some(tops)} did not ship: what is not listed as data stays behind",
            )
        )
    return gaps


def _tops(missing: Sequence[str], every: Sequence[str]) -> list[str]:
    """The topmost folders of which everything is missing, and the single files beside them."""
    told: list[str] = []
    gone = set(missing)
    for path in missing:
        parents = [str(top) for top in PurePosixPath(path).parents][:-1]
        whole = [
            top
            for top in parents
            if all(other in gone for other in every if other.startswith(top + "/"))
        ]
        top = whole[-1] if whole else path
        if top not in told:
            told.append(top)
    return told


def distribution_gaps(
    name: str, has: Parts, shipped: Shipped, loaded: frozenset[str], *, direct: bool
) -> list[Gap]:
    """What of a dependency did not ship and is missed, or may well be.

    Args:
        name: The distribution.
        has: From :func:`distribution_parts`.
        shipped: What did ship.
        loaded: Modules that the plain script has loaded.
        direct: Whether the sidecar names it itself. What only others need is judged by what
            the script has loaded.
    """
    gaps = []
    there = set(has.modules) & shipped.modules
    used = sorted((loaded & set(has.modules)) - shipped.modules)
    if used:
        gaps.append(_loaded_gap(used, f", which are parts of {name}"))
    elif has.modules and not there and direct:
        tops = sorted({module.partition(".")[0] for module in has.modules})
        gaps.append(
            Gap(
                key="collect",
                values=tuple(tops),
                what=f"nothing of the dependency {name} shipped: no import statement names it",
            )
        )
    used_packages = {module.partition(".")[0] for module in there | (loaded & set(has.modules))}
    missing = [
        path
        for path in has.data
        if path.partition("/")[0] in used_packages and not shipped.has_file(path)
    ]
    if missing and direct:
        tops = sorted({path.partition("/")[0] for path in missing})
        gaps.append(
            Gap(
                key="collect",
                values=tuple(tops),
                what=f"{len(missing)} data files of the dependency {name} did not ship "
                f"({_some(missing)})",
            )
        )
    return gaps


def lines(gaps: Sequence[Gap], present: Mapping[str, Sequence[str]]) -> list[str]:
    """The gaps in words, each with the line for ``[tool.sidecar]`` that closes it.

    Args:
        gaps: What is missing.
        present: The lists of ``[tool.sidecar]`` as they are.
    """
    told = []
    for gap in gaps:
        values = list(dict.fromkeys([*present.get(gap.key, ()), *gap.values]))
        line = f"{gap.key} = {json.dumps(values, ensure_ascii=False)}"
        lead = "Fix: in" if gap.certain else "If the program needs it: in"
        told.append(f"{gap.what}. {lead} [tool.sidecar] set {line}")
    return told


def _loaded_gap(used: Sequence[str], why: str) -> Gap:
    names = _innermost(used)
    return Gap(
        key="hidden_imports",
        values=names,
        what=f"the plain script loads {_some(names)}, and the program has no such part{why}",
        certain=True,
    )


def _innermost(names: Sequence[str]) -> tuple[str, ...]:
    """The names without packages that another of them brings along."""
    return tuple(name for name in names if not any(other.startswith(name + ".") for other in names))


def _it(items: Sequence[object]) -> str:
    return "it" if len(items) == 1 else "them"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


_CHANGING = re.compile(
    r"0x[0-9a-fA-F]+|\d{4}-\d\d-\d\d|\d\d?:\d\d:\d\d(?:[.,]\d+)?|\b\d+(?:\.\d+)? ?(?:ms|us|s)\b"
    r"|(?<=python[=/ ])\d+\.\d+\.\d+",
    re.IGNORECASE,
)
"""Addresses, dates, times and durations: different in every run. And the version of Python:
cx_Freeze's distributions bring an interpreter of their own."""


def differing(
    plain: Sequence[str], again: Sequence[str], program: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Lines that only the plain script, and lines that only the program has written.

    Args:
        plain: Lines of the plain script, its own folders named alike in all three.
        again: The same of a second run: what differs there differs by itself.
        program: Lines of the program.
    """
    masks = [_mask(line) for line in plain]
    if len(plain) == len(again):
        masks = [_common(one, other) for one, other in zip(plain, again, strict=True)]
        optional: list[str] = []
    else:
        common = Counter(_mask(line) for line in again)
        optional = [mask for mask in masks if not common[mask]]
    every = [re.compile(_pattern(mask), re.DOTALL) for mask in masks]
    left = list(every)
    names = list(plain)
    only_program = []
    for line in program:
        shown = _mask(line)
        for place, pattern in enumerate(left):
            if pattern.fullmatch(shown):
                del left[place], names[place]
                break
        else:
            # Once more is no difference: a child of multiprocessing imports the main script.
            if not any(pattern.fullmatch(shown) for pattern in every):
                only_program.append(line)
    told = [_mask(line) for line in program]
    only_plain = [
        line
        for line, pattern in zip(names, left, strict=True)
        if _mask(line) not in optional and not any(pattern.fullmatch(other) for other in told)
    ]
    return only_plain, only_program


_ANY = "\0"


def _mask(line: str) -> str:
    return _CHANGING.sub(_ANY, line.rstrip())


def _common(one: str, other: str) -> str:
    """A line with what differs in a second run masked, word by word."""
    words = re.split(r"([\s=,;]+)", _mask(one))
    others = re.split(r"([\s=,;]+)", _mask(other))
    if len(words) != len(others):
        return _ANY
    return "".join(word if word == twin else _ANY for word, twin in zip(words, others, strict=True))


def _pattern(mask: str) -> str:
    return ".*".join(re.escape(part) for part in mask.split(_ANY))
