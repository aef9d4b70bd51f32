"""What the script has and the program has not, and the key of ``[tool.sidecar]`` that closes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from spike.completeness.parts import Parts
from spike.completeness.used import Used
from spike.packagers.recipe import Shipped

MODULES = ("collect", "hidden_imports")
"""The keys that bring modules, and what those import with them."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that the script has and the program has not.

    Attributes:
        key: The list in ``[tool.sidecar]`` that closes it; empty where none can.
        values: What to add to it.
        what: What is missing and what shows it, in one sentence.
        certain: Whether the plain script has used it; otherwise it may well be of no use.
    """

    key: str
    values: tuple[str, ...]
    what: str
    certain: bool = False


def own_gaps(own: Parts, shipped: Shipped, used: Used) -> list[Gap]:
    """What of the sidecar's folder did not ship.

    Args:
        own: From :func:`own_parts`.
        shipped: What did, from :func:`without_dependencies`.
        used: What the plain script has used of its folder.
    """
    at_hand = {name: path for name, path in own.aside.items() if path in used.modules | used.files}
    own = replace(own, modules={**at_hand, **own.modules})
    loaded = own.loaded(used)
    base = f"{own.base}/" if own.base else ""

    elsewhere = _below_their_names(own, base)

    def there(path: str) -> bool:
        places = {path, path.removeprefix(base), elsewhere.get(path, path)}
        return any(map(shipped.has_file, places))

    absent = sorted(
        name for name in set(own.modules) - shipped.modules if not there(own.modules[name])
    )
    texts = [own.modules[name] for name in absent if own.modules[name] in used.files]
    absent = [name for name in absent if own.modules[name] not in texts]
    gaps = []
    if texts:
        # Of a folder that the script lists it may read any file at the next turn.
        folders = [path.rpartition("/")[0] for path in texts]
        values = [
            folder if folder in used.folders else path
            for folder, path in zip(folders, texts, strict=True)
        ]
        gaps.append(
            Gap(
                key="data",
                values=tuple(dict.fromkeys(values)),
                what=f"the plain script reads {_some(texts)} and does not import {_it(texts)}, and "
                "the program has no such file",
                certain=True,
            )
        )
        told = tuple(f"{value}/" for value in values)
        absent = [name for name in absent if not own.modules[name].startswith(told)]
    # No key helps these: what a packager ships by such a name is Python's.
    pythons = [name for name in absent if name.partition(".")[0] in sys.stdlib_module_names]
    if names := [name for name in pythons if name in loaded]:
        tops = sorted({name.partition(".")[0] for name in names})
        what = f"{_some(names)} did not ship: Python has modules of the name {', '.join(tops)}, "
        what += "which a packager takes in their place. Fix: rename yours"
        gaps.append(Gap(key="", values=tuple(names), what=what, certain=True))
    absent = [name for name in absent if name not in pythons]
    if names := [name for name in absent if name in loaded]:
        gaps += _loaded_gaps(names, own, ": no import statement names " + _it(_innermost(names)))
    if unused := [name for name in absent if name not in loaded]:
        paths = [own.modules[name] for name in unused]
        gaps.append(
            Gap(
                key="hidden_imports",
                values=_innermost(unused),
                what=f"{_some(paths)} did not ship: no import statement reaches {_it(unused)}",
            )
        )
    opened = own.opened(used)
    for certain, some in ((True, opened), (False, frozenset(own.data) - opened)):
        gone = sorted(path for path in some & elsewhere.keys() if not there(path))
        if whole := {_package(elsewhere[path], own) for path in gone}:
            what = f"{_some(gone)} did not ship with the package"
            gap = Gap(key="collect", values=tuple(sorted(whole)), what=what, certain=certain)
            gaps.append(gap)
    ours = tuple(path for path in own.data if path not in elsewhere)
    files = tuple(path for path in own.files if path not in elsewhere)
    return [*gaps, *_file_gaps(replace(own, data=ours, files=files), used, there)]


def _below_their_names(own: Parts, base: str) -> dict[str, str]:
    """Files of packages that lie elsewhere than below the script, and where they are looked for.

    A package of ``src/`` beside a ``main.py`` finds its files below its own name, while what is
    listed as data lies as it does beside the script.
    """
    packages = {
        path.removesuffix("/__init__.py"): name
        for name, path in own.modules.items()
        if path.endswith("/__init__.py")
    }
    found = {}
    for path in own.files:
        above = (str(folder) for folder in PurePosixPath(path).parents)
        if folder := next((folder for folder in above if folder in packages), ""):
            place = packages[folder].replace(".", "/") + path.removeprefix(folder)
            if place != path.removeprefix(base):
                found[path] = place
    return found


def _file_gaps(own: Parts, used: Used, there: Callable[[str], bool]) -> Iterator[Gap]:
    """What of the files that are no code is not there."""
    base = f"{own.base}/" if own.base else ""
    absent = sorted(path for path in own.opened(used) if not there(path))
    if outside := [path for path in absent if not path.startswith(base)]:
        what = (
            f"the plain script opens {_some(outside)}, which cannot ship: a program finds its "
            f"files relative to its script, which lies in {base}. Fix: move it below {base} and "
            "let its path begin there, at __file__"
        )
        yield Gap(key="", values=tuple(outside), what=what, certain=True)
    opened = [path for path in absent if path.startswith(base)]
    modules = [*own.modules.values(), *([base] if base else [])]
    every = [path for path in own.files if path.startswith(base)]
    gone = [path for path in every if not there(path)]
    tops = _tops(opened, gone, [*every, *modules])
    if tops:
        what = f"the plain script opens {_some(opened)}, and the program has no such file"
        yield Gap(key="data", values=tuple(tops), what=what, certain=True)
    covered = tuple(f"{top}/" for top in tops)
    data = [path for path in own.data if path.startswith(base)]
    missing = [path for path in data if not there(path) and not f"{path}/".startswith(covered)]
    if tops := _tops(missing, missing, [*data, *modules]):
        what = f"{_some(tops)} did not ship: what is not listed as data stays behind"
        yield Gap(key="data", values=tuple(tops), what=what)


def _tops(wanted: Sequence[str], missing: Iterable[str], every: Sequence[str]) -> list[str]:
    """The topmost folders of which everything is missing, and the single files beside them.

    Args:
        wanted: Files that are to ship.
        missing: All files that did not.
        every: All files that there are, and those of modules, whose folder is no data.
    """
    told: list[str] = []
    gone = set(missing)
    for path in wanted:
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
    name: str, has: Parts, shipped: Shipped, used: Used, *, direct: bool
) -> list[Gap]:
    """What of a dependency did not ship and is missed, or may well be.

    Args:
        name: The distribution.
        has: From :func:`distribution_parts`.
        shipped: What did ship.
        used: What the plain script has used of the folder that it is installed in.
        direct: Whether the sidecar names it itself. What only others need is judged by what
            the script has used.
    """
    gaps = []
    loaded = has.loaded(used)
    there = set(has.modules) & shipped.modules
    if absent := sorted(loaded - shipped.modules):
        gaps += _loaded_gaps(absent, has, f", which {_is_part(_innermost(absent))} of {name}")
    elif has.modules and not there and direct:
        tops = sorted({_package(path, has) for path in has.modules.values()})
        gaps.append(
            Gap(
                key="collect",
                values=tuple(tops),
                what=f"nothing of the dependency {name} shipped: no import statement names it",
            )
        )
    opened = sorted(path for path in has.opened(used) if not shipped.has_file(path))
    if opened:
        gaps.append(
            Gap(
                key="collect",
                values=tuple(sorted({_package(path, has) for path in opened})),
                what=f"the plain script opens {_some(opened)} of {name}, and the program has no "
                "such file",
                certain=True,
            )
        )
    packages = {module.partition(".")[0] for module in there | loaded}
    missing = [
        path
        for path in has.data
        if path.partition("/")[0] in packages and not shipped.has_file(path) and path not in opened
    ]
    if missing and direct:
        gaps.append(
            Gap(
                key="collect",
                values=tuple(sorted({_package(path, has) for path in missing})),
                what=f"{len(missing)} data files of the dependency {name} did not ship "
                f"({_some(missing)})",
            )
        )
    return [*gaps, *_metadata_gaps(name, has, shipped, used)]


def _metadata_gaps(name: str, has: Parts, shipped: Shipped, used: Used) -> list[Gap]:
    """Metadata that was read: a distribution's own version, or the plugins that it offers."""
    read = [path for path in has.metadata if path in used.files and not shipped.has_file(path)]
    # Whoever looks for plugins opens this file of every distribution.
    telling = [path for path in read if has.has_plugins or not path.endswith("/entry_points.txt")]
    if not telling or not shipped.tells_metadata:
        return []
    return [
        Gap(
            key="metadata",
            values=(name,),
            what=f"the plain script reads the metadata of {name}, which did not ship",
            certain=True,
        )
    ]


def _package(path: str, has: Parts) -> str:
    """The package that a file belongs to: its outermost that is more than a namespace."""
    parts = path.removesuffix(".py").split("/")[:-1] or [path.removesuffix(".py")]
    for depth in range(1, len(parts) + 1):
        if ".".join(parts[:depth]) in has.modules:
            return ".".join(parts[:depth])
    return parts[0]


def named_gaps(
    names: Iterable[str], has: Parts, shipped: Shipped, covered: Iterable[Gap]
) -> list[Gap]:
    """Modules whose names stand in texts of the sidecar's sources, and that did not ship.

    Args:
        names: Dotted texts; a class or a function of a module may end them.
        has: What there is, of the sidecar or of a distribution.
        shipped: What did ship.
        covered: Gaps that are told already.
    """
    told = {value for gap in covered for value in gap.values}
    found: dict[str, str] = {}
    for name in sorted(names):
        parts = name.split(".")
        module = next(
            (
                prefix
                for depth in range(len(parts), 0, -1)
                if (prefix := ".".join(parts[:depth])) in has.modules
            ),
            "",
        )
        known = not module or module in shipped.modules
        if not known and not any(f"{module}.".startswith(f"{each}.") for each in told):
            found.setdefault(module, name)
    if not found:
        return []
    return [
        Gap(
            key="hidden_imports",
            values=_innermost(sorted(found)),
            what=f"the sources name {_some([repr(name) for name in found.values()])} in a text, "
            f"and {_it(list(found))} did not ship",
        )
    ]


def one_way(gaps: Sequence[Gap]) -> list[Gap]:
    """The gaps, where a package that comes whole is not asked for in parts, or in doubt, as well.

    Args:
        gaps: What is missing.
    """
    whole = {value for gap in gaps if gap.key == "collect" and gap.certain for value in gap.values}
    told = []
    for gap in gaps:
        packages = {
            name: next((each for each in whole if f"{name}.".startswith(f"{each}.")), "")
            for name in (gap.values if gap.key in MODULES else ())
        }
        if not any(packages.values()) or (gap.key == "collect" and gap.certain):
            told.append(gap)
        elif rest := tuple(name for name, package in packages.items() if not package):
            told.append(replace(gap, values=rest))
        elif gap.certain:
            values = tuple(sorted(set(packages.values())))
            told.append(replace(gap, key="collect", values=values))
    return told


def needed(
    gaps: Iterable[Gap], present: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[str]]:
    """What each list of ``[tool.sidecar]`` is to hold: what it does, and what is certainly missed.

    Args:
        gaps: What is missing.
        present: The lists as they are.
    """
    lists = {key: list(values) for key, values in present.items()}
    for gap in gaps:
        if gap.key and gap.certain:
            lists.setdefault(gap.key, []).extend(gap.values)
    return lists


def setting(key: str, values: Iterable[str]) -> str:
    """A list of ``[tool.sidecar]`` as a line of TOML."""
    return f"{key} = {json.dumps(list(dict.fromkeys(values)), ensure_ascii=False)}"


def lines(gaps: Sequence[Gap], present: Mapping[str, Sequence[str]]) -> list[str]:
    """The gaps in words, with the lines for ``[tool.sidecar]`` that close them.

    A key stands once in a table: so one line closes all that is missed for certain by one key, and
    a line for what may be of no use has that as well.

    Args:
        gaps: What is missing.
        present: The lists of ``[tool.sidecar]`` as they are.
    """
    lists = needed(gaps, present)
    reasons: dict[str, list[str]] = {}
    for gap in gaps:
        if gap.key and gap.certain:
            reasons.setdefault(gap.key, []).append(gap.what)
    told = []
    for gap in gaps:
        if not gap.key:
            told.append(gap.what)
        elif not gap.certain:
            line = setting(gap.key, [*lists.get(gap.key, ()), *gap.values])
            told.append(f"{gap.what}. If the program needs it: in [tool.sidecar] set {line}")
        elif gap.key in reasons:
            line = setting(gap.key, lists[gap.key])
            told.append(f"{'; '.join(reasons.pop(gap.key))}. Fix: in [tool.sidecar] set {line}")
    return told


def _loaded_gaps(names: Sequence[str], has: Parts, why: str) -> list[Gap]:
    """Modules that the script has loaded and the program lacks; two of a package mean it whole.

    What is found by name is seldom found alone: the next start would miss the next one.
    """
    single = []
    packages: dict[str, list[str]] = {}
    for name in _innermost(names):
        top = _package(has.modules[name], has)
        if top != name:
            packages.setdefault(top, []).append(name)
        else:
            single.append(name)
    whole = tuple(top for top, parts in packages.items() if len(parts) > 1)
    single += [parts[0] for parts in packages.values() if len(parts) == 1]
    what = f"the plain script loads {{}}, and the program has no such part{why}"
    gaps = []
    if whole:
        parts = [name for top in whole for name in packages[top]]
        gaps.append(Gap(key="collect", values=whole, what=what.format(_some(parts)), certain=True))
    if single:
        names = tuple(sorted(single))
        gaps.append(
            Gap(key="hidden_imports", values=names, what=what.format(_some(names)), certain=True)
        )
    return gaps


def _is_part(names: Sequence[str]) -> str:
    return "is part" if len(names) == 1 else "are parts"


def _innermost(names: Sequence[str]) -> tuple[str, ...]:
    """The names without packages that another of them brings along."""
    return tuple(name for name in names if not any(other.startswith(name + ".") for other in names))


def _it(items: Sequence[object]) -> str:
    return "it" if len(items) == 1 else "them"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
