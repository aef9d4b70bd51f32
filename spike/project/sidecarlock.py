"""A sidecar's dependencies, resolved once into a hashed lock that every packager's build installs.

The lock names what it was made for, so that one which is older than the project's dependencies is
an error and not a build with something else in it. ``uv.lock`` and ``pylock.toml`` are used as they
are: their versions and hashes become the lock's. What no index has (a folder, a git repository, a
member of a workspace) is built into a wheel once, beside the lock, which has its hash.

    nox -s lock -- --sidecar DIR
"""

from __future__ import annotations

import email.parser
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
import tomllib
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spike.core import process, workspace
from spike.core.command_line import run_command_line
from spike.core.errors import SidecarError, SpikeError, StorageError
from spike.project import metadata, sources
from spike.project.metadata import LOCK_NAME, NeedsBuildError
from spike.project.sidecar import Sidecar, foreign_lock, load
from spike.project.sources import WHEELS_NAME
from spike.project.specifiers import holds, lowest, normal_name

PYTHON_VERSION = "3.11"
"""Oldest Python that a lock serves, as ``requires-python`` of this repository."""

_HEADER = "# Made by nox -s lock for: "
_FROM = "# From: "
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?(?:==| @ )", re.MULTILINE)
_TIMEOUT_S = 600.0


def main(arguments: list[str]) -> int:
    """Command line of the Nox session: lock one sidecar."""
    for folder in arguments:
        sidecar = _loaded(folder)
        if sidecar.lock is None:
            _say(f"{sidecar.name} has no dependencies: there is nothing to lock")
        else:
            write(sidecar)
            _say(f"{workspace.display_path(sidecar.lock)} written")
    return 0


def _loaded(folder: str) -> Sidecar:
    """Load a sidecar; where only its build backend knows what it depends on, ask that first."""
    try:
        sidecar = load(folder)
        if sidecar.dependency_source != "built":
            return sidecar
    except NeedsBuildError:
        pass
    place = Path(folder).expanduser().resolve()
    lock = place / LOCK_NAME
    before = lock.read_bytes() if lock.is_file() else None
    _write(lock, metadata.note(built_metadata(place), place) + "\n")
    try:
        return load(folder)
    except SpikeError:
        if before is None:
            lock.unlink()
        else:
            lock.write_bytes(before)
        raise


def write(sidecar: Sidecar) -> None:
    """Resolve the dependencies for every platform and write the lock.

    Raises:
        SidecarError: They cannot be resolved, or not in a way that a build can install; the
            resolver's own words follow.
        StorageError: The lock cannot be written.
    """
    text = _resolved(sidecar)
    with tempfile.TemporaryDirectory(prefix="spike-lock-") as scratch:
        wheels = Path(scratch) / WHEELS_NAME
        text, folders = _hashed(text, sidecar, wheels)
        place = sidecar.folder / WHEELS_NAME
        try:
            shutil.rmtree(place, ignore_errors=True)
            if wheels.is_dir():
                shutil.copytree(wheels, place)
                text = f"--find-links ./{WHEELS_NAME}\n{text}"
        except OSError as error:
            raise StorageError(f"{place} cannot be written: {error.strerror}.") from None
    _write(sidecar.folder / LOCK_NAME, _header(sidecar, folders) + "\n" + text)
    _try_to_install(sidecar)


def check(sidecar: Sidecar) -> Path | None:
    """Return the lock when it is the one of today's dependencies; None when there are none.

    Raises:
        SidecarError: It is missing, or was made for other dependencies.
    """
    if sidecar.lock is None:
        return None
    command = f"nox -s lock --{sidecar.option}"
    try:
        text = sidecar.lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SidecarError(
            f"{sidecar.name} has dependencies and no {LOCK_NAME}.",
            why="They are resolved once, so that every packager builds with the same ones.",
            try_next=command,
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SidecarError(f"{sidecar.lock} cannot be read: {error}.", try_next=command) from None
    shown = workspace.display_path(sidecar.lock)
    folders = _noted_folders(text)
    if not text.startswith(_header(sidecar, folders) + "\n"):
        raise SidecarError(
            f"{shown} was made for other dependencies than {_source_name(sidecar)} has now.",
            try_next=command,
        )
    for name, digest in folders.items():
        if _folder_sha256(sidecar.folder / name) != digest:
            raise SidecarError(
                f"{shown} has a wheel of {name}, which has changed since.", try_next=command
            )
    return sidecar.lock


def pinned(text: str) -> frozenset[str]:
    """Names of the distributions that a lock pins, in the normal form of PEP 503."""
    return frozenset(normal_name(name) for name in _PINNED.findall(text))


def _source_name(sidecar: Sidecar) -> str:
    source = sidecar.dependency_source
    return "pyproject.toml" if source in ("built", "dynamic") else source


def _header(sidecar: Sidecar, folders: Mapping[str, str]) -> str:
    """The head of a lock: what it was made for, as far as a build has to know."""
    lines = [_HEADER + json.dumps(sorted(sidecar.dependencies), ensure_ascii=False)]
    made_from: dict[str, Any] = {}
    lock = foreign_lock(sidecar.folder, sidecar.dependency_source)
    if lock is not None:
        made_from[lock.name] = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    if folders:
        made_from["folders"] = dict(folders)
    if made_from:
        lines.append(_FROM + json.dumps(made_from, sort_keys=True))
    if sidecar.dependency_source == "built":
        facts = metadata.noted(sidecar.folder) or {}
        lines.append(metadata.note(facts, sidecar.folder))
    return "\n".join(lines)


def _noted_folders(text: str) -> dict[str, str]:
    for line in text.split("\n")[:3]:
        if line.startswith(_FROM):
            try:
                folders = json.loads(line.removeprefix(_FROM)).get("folders", {})
            except (ValueError, AttributeError):
                return {}
            return {str(name): str(digest) for name, digest in folders.items()}
    return {}


def _folder_sha256(folder: Path) -> str:
    """SHA-256 over a folder that a wheel was built from, its first digits; empty without one."""
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for relative in sources.files(folder):
        content = (folder / relative).read_bytes()
        digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _resolved(sidecar: Sidecar) -> str:
    """The dependencies as pinned requirements, by whatever the project has to say about them."""
    source = sidecar.dependency_source
    lock = foreign_lock(sidecar.folder, source)
    if lock is not None and source == "uv.lock":
        return _from_uv_lock(sidecar, lock)
    if lock is not None:
        return from_pylock(lock, extras=sidecar.extras, groups=sidecar.groups)
    if source == "built" and (sidecar.folder / "poetry.lock").is_file():
        _say(
            "note: poetry.lock is not read, versions are chosen anew; to keep them, make a "
            "pylock.toml or a requirements.txt of it"
        )
    if not sidecar.dependencies:
        return ""
    names = {"requirements.txt": "requirements.txt", "pyproject.toml": "pyproject.toml"}
    argv = [
        *("uv", "pip", "compile", names.get(source, "-"), "--quiet", "--universal"),
        *("--python-version", _oldest_python(sidecar), "--generate-hashes"),
        *("--no-header", "--no-emit-index-url"),
    ]
    if source == "pyproject.toml":
        argv += [word for extra in sidecar.extras for word in ("--extra", extra)]
        argv += [word for group in sidecar.groups for word in ("--group", group)]
    given = None if source in names else "\n".join(sidecar.dependencies).encode()
    return _asked(argv, sidecar, stdin=given)


def _oldest_python(sidecar: Sidecar) -> str:
    wanted = lowest(sidecar.requires_python)
    return wanted if wanted and holds(f">{PYTHON_VERSION}", wanted) else PYTHON_VERSION


def _asked(argv: list[str], sidecar: Sidecar, *, stdin: bytes | None = None) -> str:
    _say(f"$ {process.shown(argv)}")
    done = process.capture(argv, cwd=sidecar.folder, timeout_s=_TIMEOUT_S, stdin=stdin)
    if not done.ok:
        raise SidecarError(
            f"The dependencies of {sidecar.name} could not be resolved.",
            why=" ".join(done.errors.split()),
            try_next=f"correct them in {_source_name(sidecar)} and lock again",
        )
    return done.output


def _from_uv_lock(sidecar: Sidecar, lock: Path) -> str:
    checked = process.capture(["uv", "lock", "--check"], cwd=lock.parent, timeout_s=_TIMEOUT_S)
    if not checked.ok and "needs to be updated" in checked.errors:
        raise SidecarError(
            f"{workspace.display_path(lock)} is older than pyproject.toml.",
            why="It is used as it is, and it does not have what pyproject.toml asks for.",
            try_next="uv lock",
        )
    argv = [
        *("uv", "export", "--frozen", "--quiet", "--format", "requirements-txt", "--no-header"),
        *("--no-emit-project", "--no-default-groups", "--no-editable", "--package", sidecar.name),
        *(word for extra in sidecar.extras for word in ("--extra", extra)),
        *(word for group in sidecar.groups for word in ("--group", group)),
    ]
    text = _asked(argv, sidecar)
    if lock.parent == sidecar.folder:
        return text
    # A member's paths are relative to the workspace.
    return re.sub(
        r"^(-e )?(\.{1,2}/\S*)",
        lambda match: str((lock.parent / match[2]).resolve()),
        text,
        flags=re.MULTILINE,
    )


def from_pylock(path: Path, *, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> str:
    """The packages of a ``pylock.toml`` (PEP 751) as requirements with hashes.

    Raises:
        SidecarError: It cannot be read, or has a package in a form that is not known here.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SidecarError(f"{path} cannot be read: {error}.") from None
    if str(document.get("lock-version", "")).split(".")[0] != "1":
        raise SidecarError(
            f"{path} has lock-version {document.get('lock-version')!r}; 1.0 is known here."
        )
    lines = []
    for package in document.get("packages", []):
        marker = _chosen(str(package.get("marker", "")), extras, groups)
        if marker is None:
            continue
        suffix = f" ; {marker}" if marker else ""
        name = str(package["name"])
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        if files and "version" in package:
            hashes = sorted({f"sha256:{file['hashes']['sha256']}" for file in files})
            lines.append(
                f"{name}=={package['version']}{suffix}"
                + "".join(f" \\\n    --hash={each}" for each in hashes)
            )
        elif place := package.get("directory", {}).get("path"):
            lines.append(f"{name} @ {(path.parent / place).resolve().as_uri()}{suffix}")
        elif vcs := package.get("vcs"):
            below = f"#subdirectory={vcs['subdirectory']}" if "subdirectory" in vcs else ""
            url = vcs.get("url") or (path.parent / vcs["path"]).resolve().as_uri()
            lines.append(f"{name} @ {vcs['type']}+{url}@{vcs['commit-id']}{below}{suffix}")
        elif archive := package.get("archive"):
            url = archive.get("url") or (path.parent / archive["path"]).resolve().as_uri()
            lines.append(
                f"{name} @ {url}{suffix} \\\n    --hash=sha256:{archive['hashes']['sha256']}"
            )
        else:
            raise SidecarError(f"{path} has {name!r} in a form that is not known here.")
    return "\n".join(lines) + "\n"


def _chosen(marker: str, extras: tuple[str, ...], groups: tuple[str, ...]) -> str | None:
    """A marker of a ``pylock.toml`` without extras and groups; None for one that they exclude.

    Each question about them is answered here; the rest is left to the installer.
    """
    never, always = "python_version < '3'", "python_version >= '3'"
    for field, chosen in (("extras", extras), ("dependency_groups", groups)):
        normal = {normal_name(name) for name in chosen}
        marker = re.sub(
            rf"""['"]([^'"]+)['"]\s+(not\s+)?in\s+{field}""",
            lambda match, normal=normal: (  # type: ignore[misc]
                always if (normal_name(match[1]) in normal) is not bool(match[2]) else never
            ),
            marker,
        )
    if marker == always:
        return ""
    return None if marker == never else marker


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


def _hashed(text: str, sidecar: Sidecar, wheels: Path) -> tuple[str, dict[str, str]]:
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
            built, origin = _wheel(item.text, sidecar, wheels)
            name = "{}=={}".format(*built.name.split("-")[:2])
            hashes = (f"sha256:{hashlib.sha256(built.read_bytes()).hexdigest()}",)
            if origin is not None:
                key = os.path.relpath(origin, sidecar.folder)
                folders[Path(key).as_posix()] = _folder_sha256(origin)
        marker = f" ; {item.marker}" if item.marker else ""
        listed = "".join(f" \\\n    --hash={each}" for each in hashes)
        written.append("\n".join([f"{name}{marker}{listed}", *item.comments]))
    return "\n".join(written) + "\n", folders


def _wheel(text: str, sidecar: Sidecar, wheels: Path) -> tuple[Path, Path | None]:
    """Build the wheel of a requirement that names a place.

    Returns:
        The wheel, and the local folder that it was built from; None for a repository's.
    """
    place = re.sub(r"^(?:-e\s+|[A-Za-z0-9._-]+(?:\[[^\]]*\])?\s*@\s*)", "", text).strip()
    wheels.mkdir(parents=True, exist_ok=True)
    _say(f"building a wheel of {text}")
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


def _build_wheel(origin: Path, wheels: Path, text: str) -> Path:
    """Build the wheel of a project's folder or source archive.

    A folder is built from a copy, since backends leave their own files in it.
    """
    if not origin.exists():
        raise SidecarError(
            f"{origin}, which {text} names, does not exist.",
            try_next="correct the path and lock again",
        )
    with tempfile.TemporaryDirectory(prefix="spike-wheel-") as scratch:
        attempts = [origin]
        if origin.is_dir():
            copy = Path(scratch) / origin.name
            skipped = (sources.NOT_SOURCES - {".git"}) | {"build", "dist"}
            shutil.copytree(
                origin, copy, symlinks=True, ignore=shutil.ignore_patterns(*skipped, "*.egg-info")
            )
            attempts = [copy, origin]  # in its place when it needs what lies around it
        said = ""
        for number, place in enumerate(attempts):
            out = Path(scratch) / f"out-{number}"
            done = process.capture(
                ["uv", "build", "--quiet", "--wheel", "--out-dir", str(out), str(place)],
                timeout_s=_TIMEOUT_S,
            )
            made = sorted(out.glob("*.whl")) if out.is_dir() else []
            if done.ok and made:
                return Path(shutil.move(made[0], wheels / made[0].name))
            said = said or " ".join((done.errors or done.output).split()[-80:])
    raise SidecarError(
        f"No wheel of {text} could be built.",
        why=said,
        try_next=f"uv build --wheel {workspace.display_path(origin)}",
    )


def built_metadata(folder: Path) -> dict[str, Any]:
    """Ask a project's build backend for its metadata, by building its wheel.

    Raises:
        SidecarError: It cannot be built.
    """
    _say(f"asking the build backend of {folder.name} for its metadata")
    with tempfile.TemporaryDirectory(prefix="spike-metadata-") as scratch:
        wheel = _build_wheel(folder, Path(scratch), folder.name)
        with zipfile.ZipFile(wheel) as archive:
            named = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
            headers = email.parser.Parser().parsestr(archive.read(named["METADATA"]).decode())
            entries = ConfigParser(delimiters=("=",), interpolation=None)
            entries.optionxform = str  # type: ignore[assignment, method-assign]
            if "entry_points.txt" in named:
                entries.read_string(archive.read(named["entry_points.txt"]).decode())
    scripts: dict[str, str] = {}
    for section in ("console_scripts", "gui_scripts"):
        if entries.has_section(section):
            scripts.update(entries.items(section))
    return {
        "name": headers["Name"],
        "version": headers["Version"],
        "dependencies": headers.get_all("Requires-Dist") or [],
        "requires_python": headers["Requires-Python"] or "",
        "extras": headers.get_all("Provides-Extra") or [],
        "scripts": scripts,
    }


def _try_to_install(sidecar: Sidecar) -> None:
    """Let the installer go through the lock, without installing: what fails there fails here.

    Raises:
        SidecarError: A build could not install it.
    """
    lock = sidecar.folder / LOCK_NAME
    with tempfile.TemporaryDirectory(prefix="spike-lock-") as scratch:
        done = process.capture(
            [
                *("uv", "pip", "install", "--dry-run", "--quiet", "--require-hashes"),
                *("--target", scratch, "--python-version", _installed_python(sidecar)),
                *("-r", str(lock)),
            ],
            timeout_s=_TIMEOUT_S,
        )
    if not done.ok:
        raise SidecarError(
            f"{workspace.display_path(lock)} is written, but a build could not install it here.",
            why=" ".join(done.errors.split()),
            try_next=f"correct the dependencies in {_source_name(sidecar)} and lock again",
        )


def _installed_python(sidecar: Sidecar) -> str:
    """The version of the Python that a build would install for."""
    have = platform.python_version()
    if sidecar.python_version or holds(sidecar.requires_python, have) is not False:
        return sidecar.python_version or have
    return lowest(sidecar.requires_python) or have


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from None


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this module is a command line


if __name__ == "__main__":
    run_command_line(main)
