"""How a program starts: a script, a function of a module, or a module run with ``python -m``.

Packagers package a script. For the two other forms one is made: the function is called as its
installed command would do it; the module's own text becomes the script, with its relative imports
spelled out, so that no line moves and every packager sees every import. Standard library only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spike.project import roots
from spike.project.settings import inside, wrong

SCRIPT_NAME = "sidecar_start.py"
"""The script that is made, at the import root that the module lies in."""

_FUNCTION = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)(?:\s*\[[^\]]*\])?")
_RELATIVE = re.compile(rb"^[ \t]*from[ \t]+\.", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is started.

    Attributes:
        script: The script that is packaged, relative to the folder; one that is made lies at an
            import root, and only in copies of the sources.
        file: The author's file that it stands for, relative to the folder.
        module: The module that is started; empty for a script.
        function: The function of it that is called; empty for ``python -m``.
    """

    script: str
    file: str
    module: str = ""
    function: str = ""


def found(
    given: str | None, folder: Path, scripts: Mapping[str, str], package_roots: tuple[str, ...]
) -> Entry:
    """Find out what is started.

    Args:
        given: ``entry`` in ``[tool.sidecar]``; None when it is not set.
        folder: The project's folder.
        scripts: The project's commands: name to ``module:function``.
        package_roots: Folders that the project's packages lie in, relative.

    Raises:
        SidecarError: It does not exist, or there are several and none is chosen.
    """
    where = _Where(folder=folder, roots=tuple(dict.fromkeys([*package_roots, "."])))
    if given is None:
        return _unsaid(where, scripts)
    text = given.strip()
    if text.startswith("-m"):
        return _of_module(text[2:].strip(), "", where)
    if text in scripts and not (folder / text).is_file():
        return _of_function(scripts[text], where)
    if _FUNCTION.fullmatch(text):
        return _of_function(text, where)
    name = inside(text, "tool.sidecar.entry", 'entry = "main.py"')
    return _of_script(PurePosixPath(name).as_posix(), where)


@dataclass(frozen=True, kw_only=True)
class _Where:
    folder: Path
    roots: tuple[str, ...]


def _unsaid(where: _Where, scripts: Mapping[str, str]) -> Entry:
    """No key says it: ``main.py``, the one command, or the one package that can be run."""
    if (where.folder / "main.py").is_file():
        return Entry(script="main.py", file="main.py")
    if len(scripts) == 1:
        return _of_function(next(iter(scripts.values())), where)
    if scripts:
        names = ", ".join(sorted(scripts))
        raise wrong(
            "[project.scripts]",
            f"has several commands ({names}), and [tool.sidecar] entry does not say which one",
            f'[tool.sidecar] entry = "{sorted(scripts)[0]}"',
        )
    runnable = [
        path.parent.name
        for root in where.roots
        for path in sorted((where.folder / root).glob("*/__main__.py"))
        if path.parent.name.isidentifier()
    ]
    if len(runnable) == 1:
        return _of_module(runnable[0], "", where)
    raise wrong(
        "tool.sidecar.entry",
        f"is not set, there is no main.py in {where.folder}, and no [project.scripts]",
        f'[tool.sidecar] entry = "{f"-m {runnable[0]}" if runnable else "package.module:main"}"',
    )


def _of_function(target: str, where: _Where) -> Entry:
    match = _FUNCTION.fullmatch(target.strip())
    if match is None:
        raise wrong(
            "[project.scripts]",
            f"has {target!r}, which is not module:function",
            'my-service = "my_service.cli:main"',
        )
    return _of_module(match[1], match[2], where)


def _of_module(module: str, function: str, where: _Where) -> Entry:
    """The entry of ``python -m module``, or of a function in it."""
    said = f"{module}:{function}" if function else f"-m {module}"
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module):
        raise wrong("tool.sidecar.entry", f"is {said!r}, which names no module", 'entry = "-m app"')
    parts = tuple(module.split("."))
    for root in where.roots:
        depth, files = roots.resolved(parts, where.folder / root)
        if depth < len(parts):
            continue
        package = (where.folder / root).joinpath(*parts)
        file = files[-1] if files else None
        if not function and package.is_dir():
            parts, file = (*parts, "__main__"), package / "__main__.py"
            module = ".".join(parts)
        if file is None or not file.is_file():
            break
        return Entry(
            script=(PurePosixPath(root) / SCRIPT_NAME).as_posix(),
            file=file.relative_to(where.folder).as_posix(),
            module=module,
            function=function,
        )
    places = ", ".join("the folder" if root == "." else f"{root}/" for root in where.roots)
    raise wrong(
        "tool.sidecar.entry",
        f"is {said!r}, and {places} has no module {module!r} that can be started so",
        'entry = "main.py", "package.module:function" or "-m package"',
    )


def _of_script(name: str, where: _Where) -> Entry:
    """A script as it is; one inside a package that relies on it is run as a module of it."""
    path = where.folder / name
    if not path.is_file():
        raise wrong(
            "tool.sidecar.entry",
            f"names {name!r}, and {path} is not a file",
            'entry = "main.py", "package.module:function" or "-m package"',
        )
    if (path.parent / "__init__.py").is_file() and (
        path.name == "__main__.py" or _RELATIVE.search(path.read_bytes())
    ):
        root = path.parent
        while (root / "__init__.py").is_file() and root != where.folder:
            root = root.parent
        return Entry(
            script=(root / SCRIPT_NAME).relative_to(where.folder).as_posix(),
            file=name,
            module=".".join(path.relative_to(root).with_suffix("").parts),
        )
    return Entry(script=name, file=name)


def script_text(entry: Entry, folder: Path) -> bytes:
    """The script that is packaged.

    Raises:
        SidecarError: The author's file cannot be read or is not valid Python.
    """
    if entry.function:
        first, _, _ = entry.function.partition(".")
        return (
            f'"""Start {entry.module}:{entry.function}, as the installed command does."""\n'
            "import sys\n"
            f"from {entry.module} import {first}\n"
            "\n"
            'if __name__ == "__main__":\n'
            f"    sys.exit({entry.function}())\n"
        ).encode()
    content = (folder / entry.file).read_bytes()
    return as_script(content, entry.module) if entry.module else content


def as_script(content: bytes, module: str) -> bytes:
    """The text of a module of a package, such that it can be run as a script beside the package.

    Lines keep their numbers. ``__file__`` and ``__package__`` stand for what they would be under
    ``python -m``.

    Raises:
        SidecarError: It is not valid Python.
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return content  # the check of the imports says what is wrong and where
    package = module.rpartition(".")[0].split(".")
    lines = content.split(b"\n")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            prefix = package[: len(package) - (node.level - 1)]
            absolute = ".".join([*prefix, *([node.module] if node.module else [])])
            before = lines[node.lineno - 1][: node.col_offset]
            after = lines[node.lineno - 1][node.col_offset :]
            said = rb"^from\s*(?:\.\s*){%d}%s" % (node.level, (node.module or "").encode())
            instead = f"from {absolute}{'' if node.module else ' '}".encode()
            lines[node.lineno - 1] = before + re.sub(said, instead, after, count=1)
    prologue = []
    if "__file__" in names:
        path = "/".join(module.split(".")) + ".py"
        prologue.append(
            '__file__ = __import__("os").path.join('
            f'__import__("os").path.dirname(__file__), *{path.split("/")!r})'
        )
    if "__package__" in names:
        prologue.append(f"__package__ = {'.'.join(package)!r}")
    changed = b"\n".join(lines)
    return with_first(changed, "; ".join(prologue)) if prologue else changed


def with_first(content: bytes, statements: str) -> bytes:
    """Put simple statements before a script's first one without moving a line.

    Its docstring and its ``from __future__`` imports have to stay first. A script whose first
    statement is a block and that has nothing before it gets a line more.

    Raises:
        SyntaxError: The script is not Python.
    """
    lines = content.split(b"\n")
    added = statements.encode()
    last_of_head: ast.stmt | None = None
    for index, node in enumerate(ast.parse(content).body):
        docstring = (
            index == 0
            and isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
        if docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            last_of_head = node
            continue
        if last_of_head is None and not hasattr(node, "body"):
            line, column = node.lineno - 1, node.col_offset
            lines[line] = lines[line][:column] + added + b"; " + lines[line][column:]
            return b"\n".join(lines)
        break
    if last_of_head is None:
        # Behind a "#!" and an encoding line, which have to be the first two.
        place = next((i for i, line in enumerate(lines) if not line.startswith(b"#")), len(lines))
        return b"\n".join([*lines[:place], added, *lines[place:]])
    line, cut = (last_of_head.end_lineno or 1) - 1, last_of_head.end_col_offset or 0
    lines[line] = lines[line][:cut] + b"; " + added + lines[line][cut:]
    return b"\n".join(lines)
