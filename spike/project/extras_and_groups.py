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
    found = roots.table(project.get("optional-dependencies"))
    table = {normal_name(key): value for key, value in found.items()}
    queue, seen = list(extras), set()
    while queue:
        extra = normal_name(queue.pop(0))
        if extra in seen:
            continue
        seen.add(extra)
        if extra not in table:
            raise no_such("extras", extra, found)
        key = f"project.optional-dependencies.{extra}"
        for text in texts(table[extra], key, f'{extra} = ["httpx>=0.28"]'):
            own = re.match(r"[^\[]+\[([^\]]*)\]", text)
            if requirement_name(text) == normal_name(name) and own:
                queue += [part.strip() for part in own[1].split(",")]
            else:
                yield text


def of_groups(
    document: Mapping[str, Any],
    groups: tuple[str, ...],
    name: str,
    project: Mapping[str, Any],
) -> Iterator[str]:
    """The requirements of dependency groups, and of the groups that these include (PEP 735)."""
    found = roots.table(document.get("dependency-groups"))
    table = {normal_name(key): value for key, value in found.items()}
    queue, seen = list(groups), set()
    while queue:
        group = normal_name(queue.pop(0))
        if group in seen:
            continue
        seen.add(group)
        if group not in table:
            raise no_such("groups", group, found)
        for item in table[group] if isinstance(table[group], list) else []:
            if isinstance(item, dict) and isinstance(item.get("include-group"), str):
                queue.append(item["include-group"])
            elif isinstance(item, str) and requirement_name(item) == normal_name(name):
                own = re.match(r"[^\[]+\[([^\]]*)\]", item)
                extras = tuple(part.strip() for part in own[1].split(",")) if own else ()
                yield from of_extras(project, name, extras)
            elif isinstance(item, str):
                yield item
            else:
                raise wrong(
                    f"dependency-groups.{group}",
                    f"has {item!r}, neither a requirement nor an include-group",
                    f'{group} = ["httpx>=0.28"]',
                )


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
