"""Where a project's own modules lie: the folders that its build backend, or its code, name.

A module on any of them is the author's own: no dependency has to provide it, and the packager is
told the folder. Standard library only: it runs in a packager's environment.
"""

from __future__ import annotations

import ast
import configparser
import copy
import importlib.machinery
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any


def configured(document: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Folders that hold packages by what the build backends' settings say, relative, in order.

    Args:
        document: The parsed ``pyproject.toml``.
        folder: The project's folder; what is not in it is left out.
    """
    named = [*_from_tool(document), *_from_setup_cfg(folder), *_from_setup_py(folder), "src"]
    kept = []
    for name in named:
        place = PurePosixPath(str(name).replace("\\", "/") or ".")
        inside = not place.is_absolute() and ".." not in place.parts
        if inside and place.as_posix() not in kept and (folder / place).is_dir():
            kept.append(place.as_posix())
    return tuple(kept)


def table(value: object) -> Mapping[str, Any]:
    """A table of a TOML document; an empty one in place of any other value."""
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    values = [value] if isinstance(value, str) else value
    return [item for item in values if isinstance(item, str)] if isinstance(values, list) else []


def _parent(package: str) -> str:
    return PurePosixPath(package.replace("\\", "/")).parent.as_posix()


def _from_tool(document: Mapping[str, Any]) -> Iterator[str]:
    tool = table(document.get("tool"))
    setuptools = table(tool.get("setuptools"))
    yield from _package_dir(setuptools.get("package-dir"))
    yield from _texts(table(table(setuptools.get("packages")).get("find")).get("where"))
    build = table(table(tool.get("hatch")).get("build"))
    for part in (build, table(table(build.get("targets")).get("wheel"))):
        yield from map(_parent, _texts(part.get("packages")))
        sources = part.get("sources")
        yield from sources if isinstance(sources, dict) else _texts(sources)
        yield from _texts(part.get("dev-mode-dirs"))
    packages = table(tool.get("poetry")).get("packages")
    for item in packages if isinstance(packages, list) else []:
        yield from _texts(table(item).get("from"))
    yield from _texts(table(table(tool.get("uv")).get("build-backend")).get("module-root"))
    yield from _texts(table(table(tool.get("pdm")).get("build")).get("package-dir"))
    yield from _texts(table(tool.get("maturin")).get("python-source"))
    wheel = table(table(tool.get("scikit-build")).get("wheel")).get("packages")
    yield from map(_parent, _texts(wheel))
    pytest = table(table(tool.get("pytest")).get("ini_options"))
    yield from _texts(pytest.get("pythonpath"))


def _package_dir(value: object) -> Iterator[str]:
    """``{"" = "src"}`` names a root; ``{pkg = "lib/pkg"}`` names one by its parent."""
    for package, place in table(value).items():
        if isinstance(place, str):
            yield place if not package else _parent(place)


def setup_cfg(folder: Path) -> configparser.ConfigParser | None:
    """A project's ``setup.cfg``, empty where there is none; None for one that cannot be read."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / "setup.cfg", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return None
    return parser


def _from_setup_cfg(folder: Path) -> Iterator[str]:
    parser = setup_cfg(folder)
    if parser is None:
        return
    for line in parser.get("options", "package_dir", fallback="").splitlines():
        package, _, place = line.partition("=")
        yield from _package_dir({package.strip(): place.strip()} if place.strip() else {})
    where = parser.get("options.packages.find", "where", fallback="")
    yield from (line.strip() for line in where.splitlines() if line.strip())


def _from_setup_py(folder: Path) -> Iterator[str]:
    try:
        tree = ast.parse((folder / "setup.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name.startswith("find_"):
            where = [word.value for word in node.keywords if word.arg == "where"]
            yield from _literal_texts([*node.args[:1], *where])
        for word in node.keywords:
            if word.arg == "package_dir":
                try:
                    yield from _package_dir(ast.literal_eval(word.value))
                except ValueError:
                    continue


def _literal_texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


_SUFFIXES = tuple(importlib.machinery.all_suffixes())
NOT_OURS = frozenset({".git", ".venv", "venv", "node_modules", ".tox", ".nox", "__pycache__"})
"""Names of folders below a project that never hold its own modules."""


def resolved(parts: tuple[str, ...], root: Path) -> tuple[int, list[Path]]:
    """How many parts of a dotted name a folder has, and the files that importing it runs."""
    place, files = root, []
    for depth, part in enumerate(parts):
        package = place / part
        if (package / "__init__.py").is_file():
            files.append(package / "__init__.py")
        elif module := module_file(package):
            if module.suffix == ".py":
                files.append(module)
            return depth + 1, files
        elif not (part.isidentifier() and package.is_dir() and _has_python(package)):
            return depth, files
        place = package
    return len(parts), files


def module_file(stem: Path) -> Path | None:
    """The file of a module in a folder: source, bytecode or a native library; None without one."""
    for suffix in (".py", *_SUFFIXES):
        if (file := stem.with_name(stem.name + suffix)).is_file():
            return file
    return None


def _has_python(folder: Path) -> bool:
    """Whether a folder without ``__init__.py`` is a namespace package: has code anywhere below."""
    for _, folders, files in os.walk(folder):
        if any(name.endswith(_SUFFIXES) for name in files):
            return True
        folders[:] = [name for name in folders if name not in NOT_OURS]
    return False


@dataclass(frozen=True, kw_only=True)
class PathChanges:
    """What a file does to the search for modules.

    Attributes:
        folders: Folders that it adds to ``sys.path``, absolute.
        unknown: Line of a change that cannot be followed here; 0 for none. With one, a module
            that is found nowhere may still be there when the program runs.
    """

    folders: tuple[Path, ...] = ()
    unknown: int = 0


def path_changes(tree: ast.Module, file: Path, folder: Path) -> PathChanges:
    """Read what a file adds to ``sys.path``, as far as it says so in literals and ``__file__``.

    Args:
        tree: The parsed file.
        file: Where it lies.
        folder: What a relative path is taken from.
    """
    tree = _in_full(tree)
    names: dict[str, Path] = {}
    folders: list[Path] = []
    unknown = 0
    for target, given in _assigned(tree):
        value = _place(given, file, names)
        if value is not None:
            names[target] = value
    lists = dict(_assigned(tree))
    looped: dict[ast.AST, list[Mapping[str, Path]]] = {}
    for node in ast.walk(tree):
        for each in _turns(node, file, names, lists):
            for part in ast.walk(node):
                looped.setdefault(part, []).append(each)
    for node in ast.walk(tree):
        for added in _added(node):
            for known in looped.get(node, [names]):
                place = None if added is None else _place(added, file, known)
                if place is not None:
                    folders.append(Path(os.path.normpath(folder / place)))
                else:
                    unknown = unknown or getattr(node, "lineno", 1)
    return PathChanges(folders=tuple(dict.fromkeys(folders)), unknown=unknown)


_READ = ("os", "os.path", "sys", "site", "pathlib")
"""Modules by which a program says where its own modules are."""


class _InFull(ast.NodeTransformer):
    """Writes what was imported under another name as ``module.name``."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(self._names.get(node.id, node.id), mode="eval").body


def _in_full(tree: ast.Module) -> ast.Module:
    """The same program without other names: ``path.join`` after ``from os import path``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in _READ and not node.level:
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            names |= {each.asname: each.name for each in node.names if each.asname}
    names = {name: full for name, full in names.items() if full.startswith(_READ)}
    names.pop("*", None)
    for name, _ in _assigned(tree):
        names.pop(name, None)
    return _InFull(names).visit(copy.deepcopy(tree)) if names else tree


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The names that get a value, with that value, wherever in the file."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        if len(targets) == 1 and isinstance(targets[0], ast.Name):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if value is not None:
                yield targets[0].id, value


def _turns(
    node: ast.AST, file: Path, names: Mapping[str, Path], lists: Mapping[str, ast.expr]
) -> Iterator[Mapping[str, Path]]:
    """The names in each turn of ``for name in ("lib", HERE / "vendor"):``."""
    if not (isinstance(node, ast.For) and isinstance(node.target, ast.Name)):
        return
    iterated = lists.get(node.iter.id, node.iter) if isinstance(node.iter, ast.Name) else node.iter
    values = iterated.elts if isinstance(iterated, ast.Tuple | ast.List) else []
    for value in values:
        if place := _place(value, file, names):
            yield {**names, node.target.id: place}


_UNSEEN = frozenset(
    {
        *(
            (f"sys.{name}", verb)
            for name in ("meta_path", "path_hooks")
            for verb in ("append", "insert")
        ),
        *(("sys.modules", verb) for verb in ("update", "setdefault")),
    }
)
"""Calls after which a module may be there that no folder has."""


def _added(node: ast.AST) -> Iterator[ast.expr | None]:
    """What a node adds to the search path; None for a change that is no list of places."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner, method = _dotted(node.func.value), node.func.attr
        if owner == "site" and method == "addsitedir":
            yield node.args[0] if node.args else None
        elif owner == "sys.path" and method in ("append", "insert"):
            yield node.args[-1] if node.args else None
        elif owner == "sys.path" and method == "extend":
            yield from _elements(node.args[0]) if node.args else [None]
        elif (owner, method) in _UNSEEN:
            yield None
    elif isinstance(node, ast.AugAssign) and _dotted(node.target) == "sys.path":
        yield from _elements(node.value)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            where = target.value if isinstance(target, ast.Subscript) else target
            if _dotted(where) == "sys.path":
                yield from _elements(node.value)
            elif _dotted(where) == "sys.modules":
                yield None


def _elements(node: ast.expr) -> list[ast.expr | None]:
    """The places in ``[a, b]``, ``[a, *sys.path]`` and ``[a] + sys.path``."""
    if isinstance(node, ast.List | ast.Tuple):
        found: list[ast.expr | None] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                found += _elements(item.value)
            else:
                found.append(item)
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_elements(node.left), *_elements(node.right)]
    if _dotted(node).startswith("sys.path") or (
        isinstance(node, ast.Subscript) and _dotted(node.value) == "sys.path"
    ):
        return []
    return [None]


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


_SAME = frozenset(
    {"resolve", "absolute", "expanduser", "as_posix", "abspath", "realpath", "normpath", "fspath"}
)
"""Methods and functions that give the place that they are given, for our purpose."""


def _place(node: ast.expr, file: Path, names: Mapping[str, Path]) -> Path | None:
    """The path that an expression stands for; None when it is not known before the program runs."""
    if isinstance(node, ast.Constant):
        return Path(node.value) if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return file if node.id == "__file__" else names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _joined([node.left, node.right], file, names)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_place(side, file, names) for side in (node.left, node.right))
        return Path(f"{left}{_slashed(node.right, right)}") if left and right else None
    if isinstance(node, ast.JoinedStr):
        parts = [
            _place(part.value if isinstance(part, ast.FormattedValue) else part, file, names)
            for part in node.values
        ]
        texts = [
            _slashed(part, place) for part, place in zip(node.values, parts, strict=True) if place
        ]
        return Path("".join(texts)) if len(texts) == len(parts) else None
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        place = _place(node.value, file, names)
        return place.parent if place else None
    if isinstance(node, ast.IfExp):  # packaged or not: what is said of the sources counts
        return _place(node.body, file, names) or _place(node.orelse, file, names)
    if _dotted(node) in ("os.pardir", "os.curdir"):
        return Path(".." if _dotted(node) == "os.pardir" else ".")
    if isinstance(node, ast.Subscript) and _dotted(node.value) == "sys.path":
        is_first = isinstance(node.slice, ast.Constant) and node.slice.value == 0
        return file.parent if is_first else None
    if isinstance(node, ast.Subscript):
        return _ancestor(node, file, names)
    return _called(node, file, names) if isinstance(node, ast.Call) else None


def _slashed(node: ast.expr, place: Path) -> str:
    """A text's own words, with the slash at its end that :class:`Path` drops."""
    return str(node.value) if isinstance(node, ast.Constant) else str(place)


def _ancestor(node: ast.Subscript, file: Path, names: Mapping[str, Path]) -> Path | None:
    """``Path(__file__).parents[1]``."""
    if not (isinstance(node.value, ast.Attribute) and node.value.attr == "parents"):
        return None
    place = _place(node.value.value, file, names)
    index = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if place is None or not isinstance(index, int) or not 0 <= index < len(place.parents):
        return None
    return place.parents[index]


def _called(node: ast.Call, file: Path, names: Mapping[str, Path]) -> Path | None:
    name = _dotted(node.func).rpartition(".")[2] or getattr(node.func, "attr", "")
    method = isinstance(node.func, ast.Attribute) and not _dotted(node.func).startswith(
        ("os.", "pathlib.", "sys.")
    )
    values = [node.func.value] if method and isinstance(node.func, ast.Attribute) else []
    if name in ("str", "Path", "PurePath"):
        return _joined(node.args, file, names)
    if name in _SAME:
        return _joined([*values, *node.args][:1], file, names)
    if name == "dirname":
        place = _joined(node.args[:1], file, names)
        return place.parent if place else None
    if name in ("join", "joinpath"):
        return _joined([*values, *node.args] if name == "joinpath" else node.args, file, names)
    if name in ("getcwd", "cwd"):
        return Path()
    if name == "getattr" and len(node.args) == 3:  # (sys, "_MEIPASS", what it is otherwise)
        return _place(node.args[2], file, names)
    return None


def _joined(nodes: list[ast.expr], file: Path, names: Mapping[str, Path]) -> Path | None:
    parts = [_place(node, file, names) for node in nodes]
    known = [part for part in parts if part is not None]
    return Path(*known) if nodes and len(known) == len(parts) else None
