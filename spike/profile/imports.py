"""The tree of a program's imports, from the notes that it has written, as values. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Node:
    """One module, as it was imported.

    Attributes:
        name: Its full name.
        self_us: Microseconds of its own code.
        file: Its source or library; empty where there is none.
        by: Place of the statement that imported it first: file and line.
        children: The modules that it was the first to import.
    """

    name: str
    self_us: float
    file: str = ""
    by: tuple[str, int] | None = None
    children: tuple[Node, ...] = ()

    @property
    def total_us(self) -> float:
        """Microseconds with everything that it was the first to import."""
        return self.self_us + sum(child.total_us for child in self.children)

    def walk(self) -> Iterator[Node]:
        """It and all below it, in the order of importing."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse(lines: Iterable[str]) -> tuple[Node, ...]:
    """Read what was noted of imports; other lines are passed over.

    A module's line comes after those of what it imports, which have a greater depth. Threads that
    import at the same time are told apart.

    Returns:
        The modules that nothing else has imported.
    """
    stacks: dict[str, list[tuple[int, Node]]] = {}
    for line in lines:
        parts = line.rstrip("\n").split("\t")
        if len(parts) != 8 or parts[0] != "load":
            continue
        _, thread, depth_text, took, name, file, place, number = parts
        depth = int(depth_text)
        stack = stacks.setdefault(thread, [])
        children: list[Node] = []
        while stack and stack[-1][0] > depth:
            children.insert(0, stack.pop()[1])
        below = sum(child.total_us for child in children)
        node = Node(
            name=name,
            self_us=max(0.0, float(took) - below),
            file=file,
            by=(place, int(number)) if number else None,
            children=tuple(children),
        )
        stack.append((depth, node))
    return tuple(node for stack in stacks.values() for _, node in stack)


def medians(runs: Sequence[tuple[Node, ...]]) -> tuple[Node, ...]:
    """The tree of the first run, with each module's median time of all of them."""
    times: dict[str, list[float]] = {}
    for roots in runs:
        for root in roots:
            for node in root.walk():
                times.setdefault(node.name, []).append(node.self_us)

    def typical(node: Node) -> Node:
        return replace(
            node,
            self_us=statistics.median(times[node.name]),
            children=tuple(typical(child) for child in node.children),
        )

    return tuple(typical(root) for root in runs[0]) if runs else ()


def importers(roots: Sequence[Node]) -> dict[str, str]:
    """Module to the one that was the first to import it; roots are not in it."""
    return {
        child.name: node.name for root in roots for node in root.walk() for child in node.children
    }


def chain(name: str, roots: Sequence[Node], lines: Mapping[str, str]) -> list[str]:
    """Who brings a module in: from the program down to it, a line each.

    Args:
        name: The module.
        roots: The tree.
        lines: Module to the place of the statement that imported it, where that is known.

    Returns:
        Empty when the program does not import it.
    """
    above = importers(roots)
    known = {node.name for root in roots for node in root.walk()}
    if name not in known:
        return []
    names = [name]
    while names[-1] in above:
        names.append(above[names[-1]])
    told = []
    for depth, each in enumerate(reversed(names)):
        place = f"  ({lines[each]})" if each in lines else ""
        told.append(f"{'  ' * depth}{each}{place}")
    return told
