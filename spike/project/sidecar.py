"""A sidecar as a folder: ``pyproject.toml`` says what packaging and launching need to know.

``[project]`` gives name, version and dependencies (:mod:`spike.project.metadata`);
``[tool.sidecar]`` gives the rest, every key with a default. An unknown key or a wrong type is an
error that names the key and shows a right value (:mod:`spike.project.settings`): a typing mistake
must not turn into a sidecar that starts with half of its settings.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spike.core.errors import MissingToolError, SidecarError
from spike.core.workspace import (
    HELLO,
    HELLO_NAME,
    TOOL,
    Workspace,
    command_path,
    project,
)
from spike.project import entry as starting
from spike.project import interpreters, metadata, pylock, roots, settings, sources
from spike.project.distribution import asks_for_itself, dist_info, plugins
from spike.project.distribution import files as distribution_files
from spike.project.metadata import LOCK_NAME, Metadata
from spike.project.specifiers import normal_name

_LAUNCH_ONLY = frozenset(
    {
        *("folder", "ready", "ready_pattern", "ready_stream", "ready_url", "ready_timeout_s"),
        *("args", "env", "smoke", "smoke_stdio", "health", "packager_args", "spec"),
        *("platform", "budget", "python_name", "python_asked"),
        "said",  # where it ships it counts: see Sidecar.source_sha256
    }
)
"""Fields that say how a program is launched, or what one packager is told: another value of them
makes no other artifact of the sources."""


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What is packaged and how it is launched.

    Attributes:
        folder: The sidecar's folder, absolute.
        name: ``[project] name``; the artifact's name where a packager lets us choose it.
        version: ``[project] version``.
        dependencies: ``[project] dependencies``, requirement strings.
        entry: The script that is packaged, relative to ``folder``. One that is made for a
            function or a module is there only in copies (:meth:`stage`).
        entry_file: The author's file that it stands for, relative to ``folder``.
        module: The module that is started, for a script that is made.
        function: The function of it that is called; empty for ``python -m``.
        package_roots: Folders that its packages lie in, relative to ``folder``.
        requires_python: Versions of Python that it can do with; empty for any.
        said: All that the project says of itself; None for a sidecar that no project describes.
        dependency_source: As :class:`spike.project.metadata.Metadata` has it, or the name of the
            lock of another tool.
        extras: Its extras that ship; ``groups`` likewise.
        python_version: The Python to package, such as ``3.13``; empty for the tool's own.
        ready: The line that says "ready"; compared with a whole line.
        ready_pattern: A regular expression that is looked for in each line in its place.
        ready_stream: Where that line comes: ``stdout``, ``stderr`` or ``either``.
        ready_url: An address that answers when the program is ready; no line is waited for then.
        args: Arguments of every launch. In these, in ``env`` and in the addresses,
            ``{free_port}`` is a port that is free at the launch.
        env: Environment variables added to every launch.
        ready_timeout_s: Seconds from launch to "ready" after which a launch has failed.
        data: Files and folders that ship beside the program, relative to ``folder``.
        hidden_imports: Modules that the program imports in ways a packager cannot see.
        metadata: Distributions whose metadata the program reads with ``importlib.metadata``.
        collect: Packages that ship whole: every submodule, data file and native library.
        exclude: Modules that do not ship.
        smoke: Command line run after ``ready``; empty for none. ``{port}``-like fields are taken
            from ``key=value`` words that the sidecar printed. A first word ``python`` is the
            Python that runs this tool; the working folder is ``folder``.
        smoke_stdio: Whether the smoke command is connected to the sidecar: what the sidecar
            writes to stdout after ``ready`` is the command's stdin, and the command's stdout is
            the sidecar's stdin.
        health: URL whose answer the host window shows; empty for none. Fields as in ``smoke``.
        defer_gc: Whether the packaged program holds garbage collection off until ``ready``.
        fast_start: Whether libraries are rewritten so that imports that ``ready`` does not need
            are put off, where that is proved to change nothing else.
        fast_start_idle: Whether what was put off is loaded when the program has nothing to do.
        fast_start_exclude: Libraries that are left as they are, by the names they are imported by.
        check: Command line of the author's own tests, which run against the rewritten libraries;
            empty for none.
        packager_args: By packager: further arguments for its command line.
        budget: What its program may cost at most, by threshold (``invoke history --check``).
        spec: PyInstaller's .spec file of the author's, relative to ``folder``; empty for none.
        platform: Whose results are meant, such as ``linux-arm64-3.12``; empty for those that are
            measured here.
        python_name: Name of another Python than its own that a command asks for, such as ``3.13``:
            what is built and measured with it lies apart. Empty for its own.
        python_asked: What the command was given for it: a version, or a path.
    """

    folder: Path
    name: str
    version: str
    dependencies: tuple[str, ...] = ()
    entry: str = "main.py"
    entry_file: str = ""
    module: str = ""
    function: str = ""
    package_roots: tuple[str, ...] = ()
    requires_python: str = ""
    said: Metadata | None = None
    dependency_source: str = "pyproject.toml"
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    python_version: str = ""
    ready: str = "READY"
    ready_pattern: str = ""
    ready_stream: str = "stdout"
    ready_url: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    ready_timeout_s: float = 10.0
    data: tuple[str, ...] = ()
    hidden_imports: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()
    smoke_stdio: bool = False
    health: str = ""
    defer_gc: bool = False
    fast_start: bool = False
    fast_start_idle: bool = False
    fast_start_exclude: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    packager_args: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spec: str = ""
    budget: Mapping[str, float] = field(default_factory=dict)
    platform: str = ""
    python_name: str = ""
    python_asked: str = ""

    def __post_init__(self) -> None:
        """A script that is packaged as it is stands for itself."""
        if not self.entry_file:
            object.__setattr__(self, "entry_file", self.entry)

    @property
    def is_own(self) -> bool:
        """Whether this is the project's own sidecar, which no command has to name."""
        return self.folder == project() / HELLO

    @property
    def is_hello(self) -> bool:
        """Whether this is the hello sidecar, in the tool's repository or in a clone of it."""
        return self.is_own and self.name == HELLO_NAME

    @property
    def workspace(self) -> Workspace:
        """Where this sidecar's builds and results lie."""
        return Workspace(
            root=project(),
            sidecar_name=self.name,
            is_own=self.is_own,
            platform=self.platform,
            python=self.python_name,
        )

    def on(self, platform: str) -> Sidecar:
        """The same sidecar, with the results of a platform that lie beside its own."""
        return dataclasses.replace(self, platform=platform, python_name="", python_asked="")

    def with_python(self, wanted: str) -> Sidecar:
        """The same sidecar with a Python, by version or path; see :func:`load`."""
        if not wanted:
            return self
        asked = interpreters.chosen(wanted)
        name = interpreters.name_beside(self.own_python(), asked)
        # Sessions run elsewhere, where a relative path means something else.
        kept = wanted if Path(wanted).name == wanted else str(asked.program)
        return dataclasses.replace(self, python_name=name, python_asked=kept if name else "")

    def own_python(self) -> interpreters.Interpreter | None:
        """The Python that is packaged when no command asks for another; None if it is not here."""
        if not self.python_version:
            return interpreters.running()
        try:
            return interpreters.chosen(self.python_version)
        except MissingToolError:
            return None

    @property
    def wanted_python(self) -> str:
        """The Python to package, as a version or a path; empty for the tool's own."""
        return self.python_asked or self.python_version

    @property
    def environment(self) -> str:
        """End of the names of its environments below ``.nox/``, one for each Python."""
        return f"{self.name}-{self.python_name}" if self.python_name else self.name

    def packager_environment(self, packager: str) -> str:
        """Name below ``.nox/`` of the environment in which a packager builds it."""
        apart = self.lock is not None or self.wanted_python
        return f"build_{packager}" + (f"-{self.environment}" if apart else "")

    @property
    def python_option(self) -> str:
        """What a command that builds or measures needs to mean its Python."""
        asked = self.python_asked
        shown = command_path(Path(asked).expanduser()) if os.sep in asked else asked
        return f" --python {shown}" if shown else ""

    @property
    def option(self) -> str:
        """What a command needs to mean this sidecar: empty for the project's own."""
        return "" if self.is_own else f" --sidecar {command_path(self.folder)}"

    def with_more(self, lists: Mapping[str, Sequence[str]]) -> Sidecar:
        """This sidecar with more in some lists of ``[tool.sidecar]``, each once.

        Args:
            lists: Key to what is added.
        """
        more: dict[str, Any] = {
            key: tuple(dict.fromkeys([*getattr(self, key), *added])) for key, added in lists.items()
        }
        grown = dataclasses.replace(self, **more)
        _check_data(grown)
        return grown

    def nox_command(self, packager: str, mode: str | None = None) -> str:
        """The command that builds this sidecar, to be named in messages."""
        words = "".join((f" --mode {mode}" if mode else "", self.option, self.python_option))
        return f"nox -s build_{packager}" + (f" --{words}" if words else "")

    @property
    def lock(self) -> Path | None:
        """The hashed requirements of the dependencies; None for a sidecar that has none."""
        needed = self.dependencies or self.dependency_source == "built"
        return self.folder / LOCK_NAME if needed else None

    @property
    def python(self) -> Path | None:
        """The Python of ``nox -s sidecar_env``, which has the dependencies; None without it."""
        place = project() / ".nox" / f"sidecar-{self.environment}"
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        return python if python.is_file() else None

    @functools.cached_property
    def distribution(self) -> Metadata | None:
        """What an installer would know of the project, where the program asks for that."""
        named = len(self.other_metadata) < len(self.metadata)
        if self.said is None or named or plugins(self.said):
            return self.said
        python = (path for path in self.source_files() if path.suffix == ".py")
        texts = (_content(self.folder / path) for path in python)
        return self.said if asks_for_itself(self.name, texts) else None

    @property
    def other_metadata(self) -> tuple[str, ...]:
        """``metadata`` without the project itself, which no environment has."""
        own = normal_name(self.name)
        return tuple(each for each in self.metadata if normal_name(each) != own)

    @property
    def loaded_by_name(self) -> tuple[str, ...]:
        """Modules that no import statement names: ``hidden_imports``, and its own plug-ins."""
        own = plugins(self.said) if self.said else ()
        return tuple(dict.fromkeys([*self.hidden_imports, *own]))

    @property
    def says_ready_itself(self) -> bool:
        """Whether it is ready when it has written the line ``ready`` to its stdout."""
        return not (self.ready_pattern or self.ready_url) and self.ready_stream == "stdout"

    def data_targets(self) -> tuple[tuple[str, str], ...]:
        """Each item of ``data`` and where it goes, relative to the program's ``__file__``."""
        base = Path(self.entry).parent
        return tuple((item, Path(item).relative_to(base).as_posix()) for item in self.data)

    def shipped_beside(self) -> tuple[tuple[str, str], ...]:
        """:meth:`data_targets`, and what an installer would know of the project, likewise."""
        if self.distribution is None:
            return self.data_targets()
        own = dist_info(self.distribution)
        return (*self.data_targets(), ((Path(self.entry).parent / own).as_posix(), own))

    def source_files(self) -> tuple[Path, ...]:
        """Every file of the folder that can end up in the artifact, sorted, relative.

        Environments, build output and what git ignores are none, but whatever ``data`` names is.
        """
        return sources.files(self.folder, shipped=self.data)

    def source_sha256(self, packager: str = "") -> str:
        """SHA-256 over everything of the folder that decides what a build makes, in hexadecimal.

        Names and contents of :meth:`source_files`; of ``pyproject.toml`` the settings alone that
        a build follows, since a key for launches or for another packager changes no artifact.

        Args:
            packager: Whose own settings count as well; none when empty.
        """
        digest = hashlib.sha256()
        for relative in self.source_files():
            if relative.as_posix() in ("pyproject.toml", LOCK_NAME):
                continue
            content = (self.folder / relative).read_bytes()
            digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
        # What has its default is left out, so that a key of a later release changes nothing.
        followed: dict[str, object] = {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if item.name not in _LAUNCH_ONLY and getattr(self, item.name) != item.default
        }
        if self.defer_gc:
            followed["ready"] = self.ready
        if self.distribution:
            followed["distribution"] = distribution_files(self.distribution)
        own = [self.packager_args.get(packager, ()), self.spec if packager == "pyinstaller" else ""]
        if any(own):
            followed["packager"] = own
        digest.update(json.dumps(followed, sort_keys=True, default=str).encode())
        return digest.hexdigest()

    def script(self) -> bytes:
        """The text of the script that is packaged: the author's, or the one that is made.

        Raises:
            SidecarError: The file is gone.
        """
        try:
            return starting.script_text(self._start, self.folder)
        except OSError as error:
            raise SidecarError(
                f"{self.folder / self.entry_file} cannot be read: {error.strerror}."
            ) from None

    @property
    def _start(self) -> starting.Entry:
        return starting.Entry(
            script=self.entry, file=self.entry_file, module=self.module, function=self.function
        )


def load(folder: Path | str | None = None, python: str = "") -> Sidecar:
    """Read and check a sidecar's folder.

    Args:
        folder: The folder; the project's own when None. A relative one is looked for in the
            working folder, in the project, then among the sidecars that the tool brings.
        python: The Python that a command asks for; see :meth:`Sidecar.with_python`.

    Raises:
        SidecarError: The folder, its ``pyproject.toml`` or a key is missing or wrong.
        MissingToolError: There is no such Python here.
        UsageError: It is neither a version nor a path.
    """
    return _load(folder).with_python(python)


def _load(folder: Path | str | None) -> Sidecar:
    if folder == "":  # a shell's variable that is not set; "." is a folder, too
        raise SidecarError("--sidecar is empty.", try_next="--sidecar sidecar")
    named = Path(HELLO if folder is None else folder).expanduser()
    bases = [project()] if folder is None else [Path.cwd(), project()]
    if named != Path(HELLO):
        bases.append(TOOL)  # a project without a sidecar of its own must not get the tool's
    folder = next((base / named for base in bases if (base / named).is_dir()), bases[0] / named)
    folder = folder.resolve()
    manifest = folder / "pyproject.toml"
    if not folder.is_dir():
        raise SidecarError(
            f"There is no folder {folder}.",
            why="--sidecar takes the folder that holds the sidecar's pyproject.toml.",
            try_next="--sidecar sidecar",
        )
    try:
        document = tomllib.loads(manifest.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if metadata.has_backend({}, folder):
            return parse({}, folder)
        raise SidecarError(
            f"{manifest} does not exist.",
            why="A sidecar is a folder with a pyproject.toml that has at least [project] name "
            "and version.",
            try_next=f'write into it: [project], name = "{_project_name(folder)}", '
            'version = "1.0.0", a line each'
            + (
                "; requirements.txt is read then" if (folder / "requirements.txt").is_file() else ""
            ),
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SidecarError(f"{manifest} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SidecarError(f"{manifest} cannot be read: {error.strerror}.") from None
    return parse(document, folder)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # whoever needs it says so


def _project_name(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", folder.name).strip("-").lower() or "my-sidecar"


def parse(document: Mapping[str, Any], folder: Path) -> Sidecar:
    """Turn a parsed ``pyproject.toml`` into a :class:`Sidecar`.

    Raises:
        SidecarError: A key is missing, unknown or has a wrong value; the message names it.
        NeedsBuildError: The project's build backend has to be asked first, by ``nox -s lock``.
    """
    values = settings.values(document)
    said = metadata.read(
        document, folder, extras=values.get("extras", ()), groups=values.get("groups", ())
    )
    package_roots = roots.configured(document, folder)
    start = starting.found(values.pop("entry", None), folder, said.scripts, package_roots)
    sidecar = Sidecar(
        folder=folder,
        name=said.name,
        version=said.version,
        dependencies=said.dependencies,
        requires_python=said.requires_python,
        said=said,
        dependency_source=_dependency_source(said, folder),
        entry=start.script,
        entry_file=start.file,
        module=start.module,
        function=start.function,
        package_roots=package_roots,
        python_version=values.pop("python", ""),
        **values,
    )
    _check_data(sidecar)
    if sidecar.spec and not (folder / sidecar.spec).is_file():
        raise settings.wrong(
            "tool.sidecar.pyinstaller.spec",
            f"names {sidecar.spec!r}, and {folder / sidecar.spec} is not a file",
            'spec = "my-service.spec"',
        )
    return sidecar


def _dependency_source(said: metadata.Metadata, folder: Path) -> str:
    if said.source != "built":
        for name in pylock.LOCK_SOURCES:
            if pylock.foreign_lock(folder, name) is not None:
                return name
    return said.source


def _check_data(sidecar: Sidecar) -> None:
    folder = sidecar.folder
    for item in sidecar.data:
        if not (folder / item).exists():
            raise settings.wrong(
                "tool.sidecar.data",
                f"names {item!r}, and {folder / item} does not exist",
                'data = ["templates", "words.txt"]',
            )
        if not Path(item).is_relative_to(Path(sidecar.entry).parent):
            raise settings.wrong(
                "tool.sidecar.data",
                f"names {item!r}, which is not below the folder of {sidecar.entry}; a packaged "
                "program finds its files relative to its own __file__",
                f'data = ["{Path(sidecar.entry).parent.as_posix()}/words.txt"]',
            )
