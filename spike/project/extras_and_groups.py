"""The extras and dependency groups of a project: what they ask for, and which has a distribution.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spike.core.errors import SidecarError
from spike.project import dependency_files, roots
from spike.project.settings import wrong
from spike.project.specifiers import normal_name, requirement_name


def texts(value: object, key: str, right: str) -> tuple[str, ...]:
    """A list of texts.

    Args:
        value: What stands there.
        key: Where, for a message.
        right: What would be right.

    Raises:
        SidecarError: It is none.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong(key, f"is {value!r}, not a list of texts", right)
    return tuple(value)


def of_extras(project: Mapping[str, Any], name: str, extras: tuple[str, ...]) -> Iterator[str]:
    """The requirements of extras, and of the extras that these name of the project itself."""
    asked = list(extras)
    for extra, value in _each("extras", asked, project.get("optional-dependencies")):
        key = f"project.optional-dependencies.{extra}"
        for text in texts(value, key, f'{extra} = ["httpx>=0.28"]'):
            own = _own_extras(text, name)
            asked += own
            if not own:
                yield text


def of_groups(
    document: Mapping[str, Any],
    groups: tuple[str, ...],
    name: str,
    project: Mapping[str, Any],
) -> Iterator[str]:
    """The requirements of dependency groups, and of the groups that these include (PEP 735)."""
    asked = list(groups)
    for group, value in _each("groups", asked, document.get("dependency-groups")):
        for item in value if isinstance(value, list) else []:
            if isinstance(item, dict) and isinstance(item.get("include-group"), str):
                asked.append(item["include-group"])
            elif isinstance(item, str) and requirement_name(item) == normal_name(name):
                yield from of_extras(project, name, _own_extras(item, name))
            elif isinstance(item, str):
                yield item
            else:
                raise wrong(
                    f"dependency-groups.{group}",
                    f"has {item!r}, neither a requirement nor an include-group",
                    f'{group} = ["httpx>=0.28"]',
                )


def _each(key: str, asked: list[str], known: object) -> Iterator[tuple[str, Any]]:
    """What is asked for, each once; whoever takes it may ask for more.

    Raises:
        SidecarError: The project has no such extra or group.
    """
    found = roots.table(known)
    table = {normal_name(name): value for name, value in found.items()}
    seen = set()
    while asked:
        name = normal_name(asked.pop(0))
        if name not in table:
            raise no_such(key, name, found)
        if name not in seen:
            seen.add(name)
            yield name, table[name]


def _own_extras(text: str, name: str) -> tuple[str, ...]:
    """The extras of the project itself that a requirement asks for; none of another one."""
    match = re.match(r"[^\[]+\[([^\]]*)\]", text)
    if match is None or requirement_name(text) != normal_name(name):
        return ()
    return tuple(part.strip() for part in match[1].split(","))


def part_with(folder: Path, distribution: str) -> tuple[str, str] | None:
    """The key and the name of an extra or a group of the project that asks for a distribution."""
    document = dependency_files.document(folder)
    extras = roots.table(roots.table(document.get("project")).get("optional-dependencies"))
    for key, found in (("extras", extras), ("groups", document.get("dependency-groups"))):
        for name, texts in roots.table(found).items():
            for text in texts if isinstance(texts, list) else []:
                if isinstance(text, str) and requirement_name(text) == normal_name(distribution):
                    return key, name
    return None


def no_such(key: str, name: str, known: object) -> SidecarError:
    """An extra or a group is asked for that the project does not have."""
    names = sorted(known) if isinstance(known, dict | list | tuple) else []
    listed = ", ".join(names) if names else "none"
    return wrong(
        f"tool.sidecar.{key}",
        f"names {name!r}, and the project has {listed}",
        f'{key} = ["{names[0]}"]' if names else f"remove {key}",
    )
