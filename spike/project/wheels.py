"""Builds wheels of what no index has: a folder, a git repository, a member of a workspace.

A lock has the wheel's hash then, and the wheel lies beside it.
"""

from __future__ import annotations

import email.parser
import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spike.core import process, workspace
from spike.core.command_line import say
from spike.core.errors import SidecarError
from spike.project import roots, sources
from spike.project.sidecar import Sidecar
from spike.project.specifiers import normal_name

COPY_PREFIX = "spike-wheel-"
"""How the name of the folder begins that a project is built in."""

_TIMEOUT_S = 600.0
"""Seconds that a clone or the build of a wheel may take."""

_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception)\b.*", re.MULTILINE)
_POETRY = 'requires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"'
_POETRYS = re.compile(r"^\[tool\.poetry\][ \t]*(?:#.*)?$", re.MULTILINE)
_NO_PACKAGE = re.compile(r"^\s*package-mode\s*=.*$", re.MULTILINE)
_SETUPTOOLS = re.compile(r"^\[tool\.setuptools\]", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class _Requirement:
    """One requirement of a resolved list, with its comments dropped.

    Attributes:
        text: The requirement, without hashes and marker.
        marker: What stands behind its semicolon; empty for none.
        hashes: Its hashes.
        comments: The comment lines behind it.
    """

    text: str
    marker: str
    hashes: tuple[str, ...]
    comments: tuple[str, ...]


def hashed(text: str, sidecar: Sidecar, wheels: Path) -> tuple[str, dict[str, str]]:
    """Build wheels of what has no hash, and name these.

    Args:
        text: Resolved requirements.
        sidecar: Whose.
        wheels: A folder for the wheels; made when there are any.

    Returns:
        The requirements, each with a hash, and the folders that wheels were built from: relative
        to the sidecar's, with a hash of what is in them.

    Raises:
        SidecarError: One cannot be built.
    """
    if all(item.hashes for item in _requirements(text)):
        return text, {}
    written, folders = [], {}
    for item in _requirements(text):
        name, hashes = item.text, item.hashes
        if not hashes:
            if _is_the_project(item.text, sidecar):
                continue  # its own modules are packaged as they lie
            built, origin = _wheel(item.text, sidecar, wheels)
            name = "{}=={}".format(*built.name.split("-")[:2])
            hashes = (f"sha256:{hashlib.sha256(built.read_bytes()).hexdigest()}",)
            if origin is not None:
                key = os.path.relpath(origin, sidecar.folder)
                folders[Path(key).as_posix()] = folder_sha256(origin, without=sidecar.folder)
        marker = f" ; {item.marker}" if item.marker else ""
        listed = "".join(f" \\\n    --hash={each}" for each in hashes)
        written.append("\n".join([f"{name}{marker}{listed}", *item.comments]))
    return "\n".join(written) + "\n", folders


def _is_the_project(text: str, sidecar: Sidecar) -> bool:
    """Whether a requirement is the folder of the sidecar itself, as ``-e .`` is."""
    place = re.sub(r"\[[^\]]*\]$", "", text.removeprefix("-e ").partition(" @ ")[2] or text)
    place = place.removeprefix("-e ").removeprefix("file://")
    return place.startswith((".", "/")) and (sidecar.folder / place).resolve() == sidecar.folder


def _requirements(text: str) -> Iterator[_Requirement]:
    """Read what uv writes: requirements with continued lines, and indented comments behind."""
    joined = re.sub(r"\\\n\s*", "", text)
    current: str | None = None
    comments: list[str] = []
    for line in [*joined.splitlines(), ""]:
        if line.lstrip().startswith("#"):
            comments.append(line)
            continue
        if current is not None:
            yield _requirement(current, comments)
            comments = []
        current = line.strip() or None


def _requirement(line: str, comments: list[str]) -> _Requirement:
    hashes = tuple(re.findall(r"--hash=(\S+?)(?=--hash|\s|$)", line))
    bare = re.sub(r"\s*--hash=\S+", "", line).strip()
    text, _, marker = bare.partition(" ;")
    return _Requirement(
        text=text.strip(), marker=marker.strip(), hashes=hashes, comments=tuple(comments)
    )


def _wheel(text: str, sidecar: Sidecar, wheels: Path) -> tuple[Path, Path | None]:
    """Build the wheel of a requirement that names a place.

    Returns:
        The wheel, and the local folder that it was built from; None for a repository's.
    """
    place = re.sub(r"^(?:-e\s+|[A-Za-z0-9._-]+(?:\[[^\]]*\])?\s*@\s*)", "", text).strip()
    wheels.mkdir(parents=True, exist_ok=True)
    say(f"building a wheel of {text}")
    if re.match(r"[a-z]+\+", place):
        with tempfile.TemporaryDirectory(prefix="spike-clone-") as scratch:
            return _build_wheel(_cloned(place, Path(scratch), sidecar), wheels, text), None
    if place.startswith(("http://", "https://")):
        raise SidecarError(
            f"{sidecar.name} depends on {text}, and the resolver gave no hash for it.",
            why="A build installs only what has one.",
            try_next=f"download it into the folder and depend on {text.split('@')[0].strip()} "
            "@ file:///...",
        )
    path = (
        Path(urllib.request.url2pathname(urllib.parse.urlparse(place).path))
        if (place.startswith("file:"))
        else sidecar.folder / urllib.parse.unquote(place)
    )
    path = path.resolve()
    if path.is_file():
        copy = wheels / path.name
        shutil.copy2(path, copy)
        if path.suffix == ".whl":
            return copy, None
        return _build_wheel(copy, wheels, text), None
    return _build_wheel(path, wheels, text), path


def _cloned(place: str, scratch: Path, sidecar: Sidecar) -> Path:
    """Clone ``git+URL@COMMIT#subdirectory=DIR`` and return the folder that has the project."""
    kind, _, rest = place.partition("+")
    address, _, fragment = rest.partition("#")
    url, _, commit = (
        address.rpartition("@")
        if "@" in address.rpartition("/")[2]
        else (
            address,
            "",
            "HEAD",
        )
    )
    if kind != "git":
        raise SidecarError(
            f"{sidecar.name} depends on {place}; only git repositories are known here.",
            try_next="depend on a git repository, a folder or a release",
        )
    steps = [["git", "clone", "--quiet", url, "repository"], ["git", "checkout", "--quiet", commit]]
    for step, folder in zip(steps, (scratch, scratch / "repository"), strict=True):
        done = process.capture(step, cwd=folder, timeout_s=_TIMEOUT_S)
        if not done.ok:
            raise SidecarError(
                f"{place} could not be fetched.", why=" ".join(done.errors.split()[-40:])
            )
    below = urllib.parse.parse_qs(fragment).get("subdirectory", [""])[0]
    return scratch / "repository" / below


def _build_wheel(
    origin: Path,
    wheels: Path,
    text: str,
    change: Callable[[Path], None] | None = None,
) -> Path:
    """Build the wheel of a project's folder or source archive.

    A folder is built from a copy, since backends leave their own files in it.

    Args:
        origin: The folder or archive.
        wheels: Where the wheel goes.
        text: What it is of, for messages.
        change: What to change in such a copy when it cannot be built as it is.
    """
    if not origin.exists():
        raise SidecarError(
            f"{origin}, which {text} names, does not exist.",
            try_next="correct the path and lock again",
        )
    with tempfile.TemporaryDirectory(prefix=COPY_PREFIX) as scratch:
        attempts: list[tuple[Path, Callable[[Path], None] | None]] = [(origin, None)]
        if origin.is_dir():
            copy = Path(scratch) / origin.name
            skipped = (sources.NOT_SOURCES - {".git"}) | {"build", "dist"}
            shutil.copytree(
                origin, copy, symlinks=True, ignore=shutil.ignore_patterns(*skipped, "*.egg-info")
            )
            changed: list[tuple[Path, Callable[[Path], None] | None]]
            changed = [(copy, change)] if change else []
            # In its place at last, when it needs what lies around it.
            attempts = [(copy, None), *changed, (origin, None)]
            if change and _is_for_poetry_alone(copy):
                attempts = changed
        said = ""
        for number, (place, prepare) in enumerate(attempts):
            if prepare:
                prepare(place)
            out = Path(scratch) / f"out-{number}"
            done = process.capture(
                ["uv", "build", "--wheel", "--out-dir", str(out), str(place)],
                timeout_s=_TIMEOUT_S,
            )
            made = sorted(out.glob("*.whl")) if out.is_dir() else []
            if done.ok and made:
                return Path(shutil.move(made[0], wheels / made[0].name))
            said = said or _reason(done.errors or done.output)
    raise SidecarError(
        f"No wheel of {text} could be built.",
        why=said,
        try_next=f"uv build --wheel {workspace.command_path(origin)}",
    )


def _reason(text: str) -> str:
    """What a build backend says of its failure: its last exception, else its last words."""
    ends = [match.start() for match in _EXCEPTION.finditer(text)]
    if not ends:
        return " ".join(text.split()[-80:])
    return " ".join(text[ends[-1] :].partition("\nerror: ")[0].split()[:80])


def _is_for_poetry_alone(folder: Path) -> bool:
    """Whether a project names no backend: setuptools would be asked, and find no dependencies."""
    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return "build-system" not in document and "poetry" in roots.table(document.get("tool"))


def _as_package(copy: Path) -> None:
    """Let a backend tell the metadata of an application that is no package.

    poetry refuses ``package-mode = false``, one without a name, and a project that no module has
    the name of, hatchling the latter as well, setuptools a folder with several packages; and uv
    takes a folder with a ``setup.cfg`` alone for no project. None of that says anything about
    dependencies.
    """
    manifest = copy / "pyproject.toml"
    if not manifest.exists() and not (copy / "setup.py").exists():
        (copy / "setup.py").write_text("import setuptools\nsetuptools.setup()\n", encoding="utf-8")
    try:
        content = manifest.read_text(encoding="utf-8")
        document = tomllib.loads(content)
    except (OSError, ValueError):
        return
    tool, project = roots.table(document.get("tool")), roots.table(document.get("project"))
    system, poetry = roots.table(document.get("build-system")), roots.table(tool.get("poetry"))
    if "poetry" in tool and not system:
        system = {"build-backend": "poetry"}
        content += f"\n[build-system]\n{_POETRY}\n"
    backend = str(system.get("build-backend", "setuptools"))
    if backend.startswith("poetry"):
        content = _NO_PACKAGE.sub("", content)
        name = str(project.get("name") or poetry.get("name") or normal_name(copy.name))
        if not project:
            own = {"name": name, "version": "0", "description": "", "authors": []}
            lacking = [f"{key} = {json.dumps(own[key])}" for key in own if key not in poetry]
            lines = "\n".join(["[tool.poetry]", *lacking])
            content, found = _POETRYS.subn(lambda _: lines, content, count=1)
            content += "" if found else f"\n{lines}\n"
        (copy / f"{normal_name(name).replace('-', '_')}.py").touch()
    elif backend.startswith("hatchling") and "build" not in roots.table(tool.get("hatch")):
        content += "\n[tool.hatch.build.targets.wheel]\nbypass-selection = true\n"
    elif backend.startswith("setuptools") and not _SETUPTOOLS.search(content):
        content += "\n[tool.setuptools]\npackages = []\n"
    manifest.write_text(content, encoding="utf-8")


def folder_sha256(folder: Path, *, without: Path) -> str:
    """SHA-256 over a folder that a wheel was built from, its first digits; empty without one.

    Args:
        folder: The folder.
        without: The sidecar's, which may lie in it: the lock that the digest stands in does.
    """
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    lies_in_it = without.is_relative_to(folder)
    for relative in sources.files(folder):
        if lies_in_it and (folder / relative).is_relative_to(without):
            continue
        content = (folder / relative).read_bytes()
        digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


_OF_COPY = re.compile(
    rf"[\w.-]+(?P<extras>\[[^\]]*\])?\s*@\s*file://\S*?/{COPY_PREFIX}[^/]+/(?P<rest>[^\s;]+)"
    r"(?P<marker>.*)"
)


def from_copy(requirement: str, folder: Path) -> str:
    """A requirement of a place, which a backend took from the copy that it was asked in.

    Poetry makes whole paths of those that its file has; here it is one from the project's folder.
    """
    match = _OF_COPY.fullmatch(requirement)
    if match is None:
        return requirement
    place = folder.parent / urllib.parse.unquote(match["rest"])
    relative = Path(os.path.relpath(place, folder)).as_posix()
    there = relative if relative.startswith("..") else f"./{relative}"
    return f"{there}{match['extras'] or ''}{match['marker']}"


def built_metadata(folder: Path) -> dict[str, Any]:
    """Ask a project's build backend for its metadata, by building its wheel.

    Raises:
        SidecarError: It cannot be built.
    """
    say(f"asking the build backend of {folder.name} for its metadata")
    with tempfile.TemporaryDirectory(prefix="spike-metadata-") as scratch:
        wheel = _build_wheel(folder, Path(scratch), folder.name, _as_package)
        with zipfile.ZipFile(wheel) as archive:
            named = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
            headers = email.parser.Parser().parsestr(archive.read(named["METADATA"]).decode())
            entries = ConfigParser(delimiters=("=",), interpolation=None)
            entries.optionxform = str  # type: ignore[assignment, method-assign]
            if "entry_points.txt" in named:
                entries.read_string(archive.read(named["entry_points.txt"]).decode())
    groups = {section: dict(entries.items(section)) for section in entries.sections()}
    scripts = {**groups.pop("console_scripts", {}), **groups.pop("gui_scripts", {})}
    return {
        "name": headers["Name"],
        "version": headers["Version"],
        "dependencies": [
            from_copy(each, folder) for each in headers.get_all("Requires-Dist") or []
        ],
        "requires_python": headers["Requires-Python"] or "",
        "extras": headers.get_all("Provides-Extra") or [],
        "scripts": scripts,
        "summary": headers["Summary"] or "",
        "entry_points": groups,
    }
