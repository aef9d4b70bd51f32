"""A version that a project keeps in a file: read as its build backend finds it, and never run.

Standard library only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spike.project import roots
from spike.project.dependency_files import text_of

_ASSIGNED = re.compile(
    r"""^(?:__version__|VERSION|version)\s*(?::\s*\w+\s*)?=\s*['"]v?([^'"]+)['"]""", re.MULTILINE
)


def setuptools_dynamic(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """What setuptools is told of a dynamic field; empty for nothing."""
    setuptools = roots.table(roots.table(document.get("tool")).get("setuptools"))
    return roots.table(roots.table(setuptools.get("dynamic")).get(key))


def read(document: Mapping[str, Any], folder: Path) -> str | None:
    """A version that stands in a file which the settings name; None when code makes it."""
    tool = roots.table(document.get("tool"))
    backend = str(roots.table(document.get("build-system")).get("build-backend", ""))
    hatch = roots.table(roots.table(tool.get("hatch")).get("version"))
    pdm = roots.table(roots.table(tool.get("pdm")).get("version"))
    named = hatch.get("path") or (pdm.get("path") if pdm.get("source") == "file" else None)
    if hatch.get("source", "regex") not in ("regex", "code"):
        return None
    if isinstance(named, str):
        expression = hatch.get("pattern")
        return _version_in(folder / named, expression if isinstance(expression, str) else "")
    setuptools = setuptools_dynamic(document, "version")
    if isinstance(file := setuptools.get("file"), str | list) and file:
        path = folder / (file if isinstance(file, str) else str(file[0]))
        return text_of(path).strip() if path.is_file() else None
    if isinstance(attribute := setuptools.get("attr"), str):
        module, _, variable = attribute.rpartition(".")
        return _attribute(document, folder, module, variable)
    if backend.startswith("flit"):
        given = roots.table(roots.table(tool.get("flit")).get("module")).get("name")
        name = str(given) if given else str(document["project"].get("name", "")).replace("-", "_")
        return _attribute(document, folder, name, "__version__")
    if isinstance(poetry := roots.table(tool.get("poetry")).get("version"), str):
        return poetry
    return None


def _version_in(path: Path, expression: str) -> str | None:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if expression:
        try:
            found = re.search(expression, content, re.MULTILINE)
            return found["version"] if found else None
        except (re.error, IndexError):
            return None
    match = _ASSIGNED.search(content)
    return match[1] if match else None


def _attribute(document: Mapping[str, Any], folder: Path, module: str, variable: str) -> str | None:
    """A literal in a module, found as setuptools finds it: without running anything."""
    parts = tuple(module.split("."))
    for root in (*roots.configured(document, folder), "."):
        depth, files = roots.resolved(parts, folder / root)
        if depth < len(parts) or not files:
            continue
        try:
            tree = ast.parse(files[-1].read_bytes())
        except (OSError, SyntaxError, ValueError):
            return None
        for node in tree.body:
            if (
                isinstance(node, ast.Assign | ast.AnnAssign)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
                and any(
                    isinstance(target, ast.Name) and target.id == variable
                    for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
                )
            ):
                return node.value.value
    return None
