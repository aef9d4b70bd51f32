"""How a program starts: a script, a function of a module, or a module run with ``python -m``.

Packagers package a script. For the two other forms one is made: the function is called as its
installed command would do it; the module's own text becomes the script, with its relative imports
spelled out, so that no line moves and every packager sees every import. Standard library only.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spike.project import roots
from spike.project.settings import inside, wrong
from spike.project.sources import NOT_OF_THE_PROGRAM, NOT_SOURCES

SCRIPT_NAME = "sidecar_start.py"
"""The script that is made, at the import root that the module lies in."""

_FUNCTION = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)(?:\s*\[[^\]]*\])?")
_MAIN = re.compile(rb"^if\s+__name__\s*==", re.MULTILINE)
_CODING = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)[-\w.]+")
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
    here = [f"-m {name}" for name in runnable] or _startable(where.folder)
    raise wrong(
        "tool.sidecar.entry",
        f"is not set, there is no main.py in {where.folder}, and no [project.scripts]",
        f'[tool.sidecar] entry = "{here[0] if here else "package.module:main"}"',
    )


def _startable(folder: Path) -> list[str]:
    """Scripts that look as if they were started: those that ask for ``__main__`` come first."""
    found = []
    patterns = ("*.py", "*.pyw", "*/main.py")
    for path in [each for pattern in patterns for each in sorted(folder.glob(pattern))]:
        name = path.relative_to(folder).as_posix()
        if not NOT_OF_THE_PROGRAM.search(name) and path.parent.name not in NOT_SOURCES:
            found.append((_MAIN.search(path.read_bytes()) is None, name))
    return [name for _, name in sorted(found)]


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
        right = "-m app" if " " not in module else "main.py"
        note = ", with arguments in args, or in a script of your own that starts it"
        raise wrong(
            "tool.sidecar.entry",
            f"is {said!r}, which names no module",
            f'entry = "{right}"{note if right == "main.py" else ""}',
        )
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
    right = 'entry = "main.py", "package.module:function" or "-m package"'
    if not any(roots.resolved(parts[:1], where.folder / root)[0] for root in where.roots):
        of = module if function else f"{module}.__main__"
        called = function or "main"
        right = (
            f'main.py with "from {of} import {called.partition(".")[0]}; {called}()", by the name '
            f"of its function, when {parts[0]} is a dependency; else {right}"
        )
    raise wrong(
        "tool.sidecar.entry",
        f"is {said!r}, and {places} has no module {module!r} that can be started so",
        right,
    )


def _meant(name: str, where: _Where) -> str:
    """What is there and is probably meant by an entry that is no file."""
    path = where.folder / name
    asked = PurePosixPath(name)
    base = next((each for each in where.roots if asked.is_relative_to(each)), ".")
    package = ".".join(asked.relative_to(base).parts)
    if (path / "__main__.py").is_file():
        return f"-m {package}"
    if (where.folder / f"{name}.py").is_file():
        return f"{name}.py"
    parts = tuple(name.split("."))
    for root in where.roots:
        depth, files = roots.resolved(parts, where.folder / root)
        module = (where.folder / root).joinpath(*parts)
        if depth == len(parts) and files and not module.is_dir():
            return f"-m {name}"
    wanted = f"{asked.name.removesuffix('.py')}.py".lower()
    for found in (
        path for depth in ("", "*/", "*/*/") for path in where.folder.glob(f"{depth}*.py")
    ):
        place = found.relative_to(where.folder)
        if found.name.lower() == wanted and not NOT_SOURCES & set(place.parts):
            return place.as_posix()
    return next(iter(_startable(where.folder)), "package.module:function")


def _of_script(name: str, where: _Where) -> Entry:
    """A script as it is; one inside a package that relies on it is run as a module of it."""
    path = where.folder / name
    if not path.is_file():
        raise wrong(
            "tool.sidecar.entry",
            f"names {name!r}, and {path} is not a file",
            f'entry = "{_meant(name, where)}"',
        )
    if path.suffix == ".ipynb":
        # Its JSON may even be an expression of Python, which says nothing and ends.
        raise wrong(
            "tool.sidecar.entry",
            f"names {name!r}, a notebook; a script is what can be started",
            f'entry = "{path.stem}.py", which jupyter nbconvert --to script {path.name!r} writes',
        )
    relative = _RELATIVE.search(path.read_bytes()) is not None
    if (path.parent / "__init__.py").is_file() and (path.name == "__main__.py" or relative):
        root = path.parent
    elif relative and path.parent != where.folder:
        root = path.parent.parent  # of a package without __init__.py
    else:
        root = None
    if root is not None:
        while (root / "__init__.py").is_file() and root != where.folder:
            root = root.parent
        return _module_of(path, root, where)
    if (above := _imported_from(path, where.folder)) is not None:
        return _module_of(path, above, where)
    return Entry(script=name, file=name)


def _module_of(path: Path, root: Path, where: _Where) -> Entry:
    return Entry(
        script=(root / SCRIPT_NAME).relative_to(where.folder).as_posix(),
        file=path.relative_to(where.folder).as_posix(),
        module=".".join(path.relative_to(root).with_suffix("").parts),
    )


def _imported_from(path: Path, folder: Path) -> Path | None:
    """Where the imports of ``app/main.py`` begin that say ``from app.routes import ...``.

    It is run from the folder above, as ``python -m app.main`` or by a server that is told
    ``app.main:app``. None for a script that imports what lies beside it.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return None
    tops = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [item.name for item in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    beside = tops - sys.stdlib_module_names
    if any(roots.resolved((top,), path.parent)[0] for top in beside if top):
        return None
    names = path.relative_to(folder).with_suffix("").parts
    for depth, above in enumerate([*path.parents][: len(names) - 1], start=2):
        package = names[-depth:]
        if above.name in tops and all(part.isidentifier() for part in package):
            return above.parent
    return None


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
        text, encoding = _decoded(content)
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return content  # the check of the imports says what is wrong and where
    package = module.rpartition(".")[0].split(".")
    lines = text.encode().split(b"\n")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    # From the end, so that what comes before on the same line stays where it is.
    for node in sorted(relative, key=lambda node: (node.lineno, node.col_offset), reverse=True):
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
    changed = b"\n".join(lines).decode().encode(encoding)
    return with_first(changed, "; ".join(prologue)) if prologue else changed


def _decoded(content: bytes) -> tuple[str, str]:
    """A script as text, and its encoding: by its mark or its ``coding`` line, else UTF-8.

    Raises:
        SyntaxError: It is in no such encoding.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return content.decode(encoding), encoding


def as_utf8(content: bytes) -> str:
    """A script as the text of a file in UTF-8, whatever it is in.

    Raises:
        SyntaxError: It is in no encoding.
    """
    text, _ = _decoded(content)
    head, tail = text.split("\n")[:2], text.split("\n")[2:]
    return "\n".join([*(_CODING.sub(r"\1utf-8", line) for line in head), *tail])


def with_first(content: bytes, statements: str) -> bytes:
    """Put simple statements before a script's first one without moving a line.

    Its docstring and its ``from __future__`` imports have to stay first. A script whose first
    statement is a block and that has nothing before it gets a line more.

    Raises:
        SyntaxError: The script is not Python.
    """
    text, encoding = _decoded(content)
    return _with_first(text, statements.encode()).decode().encode(encoding)


def _with_first(text: str, added: bytes) -> bytes:
    lines = text.encode().split(b"\n")
    last_of_head: ast.stmt | None = None
    for index, node in enumerate(ast.parse(text).body):
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
