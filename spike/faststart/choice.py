"""Which imports are put off: those that keep a module from being loaded until READY. Pure.

Only of these, and only where nothing depends on the module being there: one whose execution
changed something outside of itself, one that others reach as an attribute of its package or look
up in ``sys.modules``, and one that is in a circle of imports is loaded as always.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spike.faststart.statements import Statement
from spike.faststart.trials import Notes

Edges = Mapping[str, Mapping[int, frozenset[str]]]
"""Module, to the lines that import something (0: code that ran meanwhile), to what they import."""

_IMPORT = re.compile(r"^\s*(?:from\s+(?P<base>[\w.]+)\s+)?import\s+(?P<names>.+)$")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is put off.

    Attributes:
        statements: Module to the statements of it that are put off, in the order of its text.
        loaded: Modules that are still loaded until READY, as far as it can be told.
        spared: Those that are not.
        kept: Modules that would be spared, and why they are not.
    """

    statements: Mapping[str, tuple[Statement, ...]]
    loaded: frozenset[str]
    spared: frozenset[str]
    kept: Mapping[str, str] = field(default_factory=dict)


def choose(
    plain: Notes,
    candidates: Mapping[str, Sequence[Statement]],
    *,
    used: Collection[tuple[str, int]] = (),
    kept: Mapping[str, str] | None = None,
) -> Choice:
    """Choose what is put off.

    Args:
        plain: What a trial run of the plain script has noted, with its effects.
        candidates: Module to the statements of it that could be put off.
        used: Module and line of those that READY needs.
        kept: Modules that have to be loaded as always, and why.
    """
    edges = edges_of(plain)
    there = frozenset(plain.modules)
    reasons = dict(kept or {})
    for module, what in sorted(plain.effects):
        reasons.setdefault(module, f"its import changes {what}")
    open_ = {
        (module, each.line)
        for module, statements in candidates.items()
        for each in statements
        if (module, each.line) not in used and edges.get(module, {}).get(each.line)
    }
    told: dict[str, str] = {}
    closures: dict[str, frozenset[str]] = {}
    while True:
        loaded = _loaded(edges, open_, there)
        spared = there - loaded
        circles = _circles(edges, spared)
        needed = dict.fromkeys(circles, "it is in a circle of imports") | reasons
        drop = set()
        for module, line in sorted(open_):
            if module not in loaded:
                continue
            targets = edges[module][line]
            # What it would bring, and what that would bring.
            for target in targets - closures.keys():
                closures[target] = _closure(edges, [target])
            brought = frozenset().union(*(closures[target] for target in targets)) & spared
            told |= {name: needed[name] for name in sorted(brought & needed.keys())}
            if not targets - loaded or brought & needed.keys():
                drop.add((module, line))
        if not drop:
            break
        open_ -= drop
    chosen = {
        module: tuple(
            each for each in statements if (module, each.line) in open_ and module in loaded
        )
        for module, statements in sorted(candidates.items())
    }
    return Choice(
        statements={module: each for module, each in chosen.items() if each},
        loaded=loaded,
        spared=spared,
        kept={name: why for name, why in sorted(told.items()) if name in loaded},
    )


def sparable(plain: Notes, candidates: Mapping[str, Sequence[Statement]]) -> frozenset[str]:
    """Modules that would not be loaded if all were put off that can be: no choice spares more.

    Args:
        plain: What a trial run of the plain script has noted.
        candidates: Module to the statements of it that could be put off.
    """
    open_ = {(name, each.line) for name, statements in candidates.items() for each in statements}
    there = frozenset(plain.modules)
    return there - _loaded(edges_of(plain), open_, there)


def worth(plain: Notes, libraries: Collection[str]) -> frozenset[str]:
    """Modules in which something may be worth putting off; the others need not be looked at.

    Were every import statement of every library put off, some modules would be loaded all the
    same. Who imports no others has nothing to gain.

    Args:
        plain: What a trial run of the plain script has noted.
        libraries: The modules that may be rewritten.
    """
    edges = edges_of(plain)
    open_ = {(name, line) for name in libraries for line in edges.get(name, {}) if line}
    loaded = _loaded(edges, open_, frozenset(plain.modules))
    return frozenset(name for name, line in open_ if edges[name][line] - loaded)


def edges_of(notes: Notes) -> Edges:
    """Who imports what until READY; a module stands for its packages, too."""
    found: dict[str, dict[int, set[str]]] = {}
    for importer, line, name in notes.imports:
        if name in notes.modules and importer != name:
            found.setdefault(importer, {}).setdefault(line, set()).update(_with_packages(name))
    return {
        importer: {line: frozenset(names) for line, names in lines.items()}
        for importer, lines in found.items()
    }


def _with_packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:number]) for number in range(1, len(parts) + 1))


def _loaded(
    edges: Edges, put_off: Collection[tuple[str, int]], there: frozenset[str]
) -> frozenset[str]:
    """What is loaded until READY when some statements are put off."""
    imported = {name for lines in edges.values() for names in lines.values() for name in names}
    # What nobody was seen to import comes from the interpreter or by a way that nothing changes.
    waiting = [*edges.get("", {}).get(0, ()), *(there - imported), ""]
    waiting += [name for names in edges.get("__main__", {}).values() for name in names]
    loaded: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in loaded:
            continue
        loaded.add(name)
        for line, names in edges.get(name, {}).items():
            if (name, line) not in put_off:
                waiting += names - loaded
    return frozenset(loaded & there)


def _closure(edges: Edges, start: Iterable[str]) -> frozenset[str]:
    """Everything that modules import, at whatever depth, put off or not."""
    waiting, found = list(start), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [each for names in edges.get(name, {}).values() for each in names]
    return frozenset(found)


def _circles(edges: Edges, among: frozenset[str]) -> frozenset[str]:
    """Modules that import each other: two threads can come to each of them by different ways.

    That a part of a package imports the package is in the nature of packages, and no circle unless
    the package imports that part as well.
    """
    near = {
        name: {each for names in edges.get(name, {}).values() for each in names} & among - {name}
        for name in among
    }
    reach = {name: _reach(near, name) for name in among}
    return frozenset(name for name in among if name in reach[name])


def _reach(near: Mapping[str, Collection[str]], start: str) -> frozenset[str]:
    waiting, found = list(near[start]), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += near[name]
    return frozenset(found)
