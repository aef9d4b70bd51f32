"""Package the real application and run it: deb, unpacked copies, self-tests under a display."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spike.build import doctor
from spike.build.buildinfo import Built
from spike.core import jsonfile, logged, process
from spike.core.errors import BuildFailedError, MissingToolError, SpikeError
from spike.core.workspace import display_path, project
from spike.host import journal, sources, staging
from spike.host.sights import Sight, Watching
from spike.host.staging import Launching, Staged
from spike.launch import leftovers
from spike.launch.places import remove_tree
from spike.launch.spec import MARK

HOST = "sidecar-host"
"""Cargo package and product name of the application."""

NO_SIDECAR = json.dumps({"bundle": {"externalBin": None, "resources": None}})
"""Configuration of a host to compile: what ships with it is the package's matter."""

_ENVIRONMENT = {"CI": "true"}
"""For Tauri's tools: they ask no questions then."""

DISPLAY_UP_S = 30.0
"""How long a virtual display may take to come up."""

RUN_TIMEOUT_S = 120.0
"""A self-test bounds each of its own waits; only a defect of the host reaches this."""

LEFTOVER_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package and its unpacked copy.

    Attributes:
        deb: The package.
        contents: Paths of the files in it.
        root: Folder that it was unpacked into.
        staged: What was staged when it was made.
    """

    deb: Path
    contents: tuple[str, ...]
    root: Path
    staged: Staged

    @property
    def host(self) -> Path:
        """The application's program."""
        return self.root / "usr" / "bin" / HOST

    @property
    def sidecar(self) -> Path:
        """The sidecar's program, or the launcher that stands for it."""
        return self.root / "usr" / "bin" / self.staged.name

    @property
    def resources(self) -> Path:
        """The application's resources."""
        return self.root / "usr" / "lib" / HOST


@dataclass(frozen=True, kw_only=True)
class Run:
    """One self-test of the application.

    Attributes:
        journal: What the application wrote of itself; see src-tauri/journal.schema.json.
        exit_code: The application's exit code.
        log: What it wrote on stderr: the log a user would find.
        processes_left: Command lines of processes that outlived it.
        files_left: What it left in its temporary folder.
        sights: The sidecar's processes while it ran, where somebody looked.
    """

    journal: Mapping[str, Any]
    exit_code: int
    log: str
    processes_left: tuple[str, ...]
    files_left: tuple[str, ...]
    sights: tuple[Sight, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was left behind."""
        return not self.processes_left and not self.files_left


def check_tools() -> None:
    """Make sure that the host can be built and shown.

    Raises:
        MissingToolError: Something is missing; the message names it and the command.
    """
    if sys.platform != "linux":
        raise MissingToolError(
            "The machine check of the host runs on Linux.",
            why="Packages, display and window are driven through Debian's tools.",
            try_next="cd src-tauri && cargo tauri dev, to see the host on this system",
        )
    lacking = doctor.missing(doctor.examine(), purpose="Tauri host")
    if lacking:
        raise MissingToolError(
            "Missing for the Tauri host: " + ", ".join(item.need.name for item in lacking) + ".",
            try_next="invoke doctor --with-deps, or: "
            + "; ".join(dict.fromkeys(item.remedy for item in lacking)),
        )


@contextlib.contextmanager
def compiled_meanwhile() -> Iterator[bool]:
    """Compile the host beside what the block does, and wait for it behind the block.

    What goes wrong is left to the step that needs the host: it compiles what is missing, and says
    why it can't. A compilation is most of a first run, and packagers keep one processor busy.

    Yields:
        Whether it is compiled meanwhile: not where a tool is missing, or where it was before.
    """
    compiling: process.Popen | None = None
    with contextlib.ExitStack() as kept:
        if not (sources.release() / f"{HOST}{sources.SUFFIX}").exists():
            with contextlib.suppress(SpikeError, OSError):
                check_tools()
                command = _compile_command()
                output = kept.enter_context(_log("tauri-build").open("wb"))
                compiling = process.spawn(
                    command,
                    env={**os.environ, **_ENVIRONMENT},
                    cwd=sources.sync(),
                    stdin=subprocess.DEVNULL,
                    stdout=output.fileno(),
                    stderr=subprocess.STDOUT,
                )
                print(f"meanwhile: $ {process.shown(command)}", flush=True)  # noqa: T201 - as any
        try:
            yield compiling is not None
            if compiling is not None:
                if compiling.poll() is None:
                    print("waiting for the host, which is still compiled", flush=True)  # noqa: T201
                compiling.wait()
        except BaseException:
            if compiling is not None:
                process.end_group(compiling)
            raise


def rust_triple() -> str:
    """The target triple as Rust names it."""
    done = process.capture(["rustc", "-vV"])
    for line in done.output.splitlines():
        if line.startswith("host: "):
            return line.removeprefix("host: ")
    return ""


def build_launcher() -> Path:
    """Build the launcher for folder builds.

    Raises:
        BuildFailedError: Cargo failed.
    """
    _run(["cargo", "build", "--release", "--locked", "--package", "sidecar-launcher"], "launcher")
    return sources.release() / f"sidecar-launcher{sources.SUFFIX}"


def package(staged: Staged, root: Path) -> Package:
    """Make the application's package with the staged sidecar inside, and unpack it.

    Args:
        staged: What is staged.
        root: Folder to unpack into; it is made anew.

    Raises:
        BuildFailedError: The Tauri command line failed, or made no package.
    """
    bundles = sources.release() / "bundle" / "deb"
    shutil.rmtree(bundles, ignore_errors=True)
    _run(_compile_command(), "tauri-build")
    words = ["bundle", "--bundles", "deb", "--ci", "--config", staged.tauri_config()]
    log = _run([*tauri_command(), *words], "tauri-bundle")
    found = sorted(bundles.glob("*.deb"))
    if not found:
        raise BuildFailedError(
            "The Tauri command line made no package.", try_next=f"read {display_path(log)}"
        )
    remove_tree(root)
    root.mkdir(parents=True)
    listing = process.capture(["dpkg-deb", "--fsys-tarfile", str(found[0])], timeout_s=120)
    if not listing.ok:
        raise BuildFailedError(f"{found[0].name} cannot be read.", why=listing.errors.strip())
    done = process.capture(["dpkg-deb", "--extract", str(found[0]), str(root)], timeout_s=120)
    if not done.ok:
        raise BuildFailedError(f"{found[0].name} cannot be unpacked.", why=done.errors.strip())
    contents = tuple(
        sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    )
    return Package(deb=found[0], contents=contents, root=root, staged=staged)


def tauri_command() -> list[str]:
    """The Tauri command line, from the lock in ``src-tauri/package-lock.json``.

    Raises:
        BuildFailedError: npm could not install it.
    """
    host = sources.sync()
    program = host / "node_modules" / ".bin" / "tauri"
    lock = host / "package-lock.json"
    stamp = host / "node_modules" / ".package-lock.json"
    if not program.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        _run(["npm", "ci", "--no-audit", "--no-fund"], "npm")
    return [str(program)]


def _compile_command() -> list[str]:
    """The program is the same for every sidecar: compiled with none, it is compiled once."""
    return [*tauri_command(), "build", "--no-bundle", "--ci", "--config", NO_SIDECAR]


def _log(step: str) -> Path:
    log = project() / "build" / "host" / f"{step}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return log


def _run(argv: list[str], step: str) -> Path:
    log = _log(step)
    done = logged.run(argv, log_path=log, cwd=sources.sync(), env=_ENVIRONMENT, echo=False)
    if not done.ok:
        raise BuildFailedError(
            f"The host could not be built; this step failed: {step} (exit code {done.exit_code}).",
            why="The end of its output:\n" + "\n".join(done.output.splitlines()[-20:]) + "\n",
            try_next=f"read {display_path(log)}",
        )
    return log


def with_sidecar(
    package: Package, root: Path, built: Built | None, launching: Launching
) -> Package:
    """A copy of an unpacked package with another sidecar under the same name, or with none.

    Args:
        package: What is copied.
        root: Where to; it is made anew.
        built: The sidecar that takes the place; None to leave the place empty.
        launching: How the host is to launch it.
    """
    remove_tree(root)
    shutil.copytree(package.root, root, symlinks=True, copy_function=os.link)
    name = package.staged.name
    copy = Package(deb=package.deb, contents=package.contents, root=root, staged=package.staged)
    # The copy is made of hard links: a file is replaced, never written through.
    if built is None:
        copy.sidecar.unlink()
    elif built.folder is None:
        copy.sidecar.unlink()
        shutil.copy2(built.artifact, copy.sidecar)
    else:
        folder = copy.resources / f"{name}.d"
        shutil.rmtree(folder, ignore_errors=True)
        staging.copy_folder(built, folder)
    config = dict(package.staged.config)
    if built is not None:
        config = staging.launch_configuration(built, name, launching)
    jsonfile.write(copy.resources / staging.CONFIG_NAME, config)
    return copy


@contextlib.contextmanager
def display() -> Iterator[str]:
    """A virtual display of our own; gives its name, such as ``:99``.

    Raises:
        MissingToolError: Xvfb is not there.
        SpikeError: It did not come up.
    """
    server, screen = start_display([shutil.which("Xvfb") or "Xvfb"])
    try:
        yield screen
    finally:
        server.terminate()
        server.wait()


def start_display(
    command: Sequence[str], *options: str, env: Mapping[str, str] = os.environ
) -> tuple[process.Popen, str]:
    """Start a virtual display.

    Args:
        command: The words that run Xvfb.
        options: Options of it, beside our own.
        env: The whole environment.

    Returns:
        The server, which the caller ends, and the display's name, such as ``:99``.

    Raises:
        MissingToolError: Xvfb is not there.
        SpikeError: It did not come up.
    """
    import selectors
    import subprocess

    read_end, write_end = os.pipe()
    server = process.start(
        [
            *(*command, "-displayfd", str(write_end)),
            # Without -noreset the server starts over when its last client leaves, and refuses a
            # client that comes at that moment.
            *("-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset", *options),
        ],
        env=env,
        cwd=None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(write_end,),
    )
    os.close(write_end)
    with selectors.DefaultSelector() as selector, os.fdopen(read_end) as stream:
        selector.register(stream, selectors.EVENT_READ)
        number = stream.readline().strip() if selector.select(DISPLAY_UP_S) else ""
    if not number:
        server.terminate()
        server.wait()
        raise SpikeError("The virtual display did not start.", try_next="Xvfb -displayfd 1")
    return server, f":{number}"


@contextlib.contextmanager
def surroundings(screen: str) -> Iterator[tuple[dict[str, str], str, Path]]:
    """Environment changes, mark and temporary folder for one run of the application.

    Home, caches and temporary files of the run lie in a folder of its own, which is removed.
    """
    with tempfile.TemporaryDirectory(prefix="spike-host-", ignore_cleanup_errors=True) as name:
        base = Path(name)
        folders = {"HOME": "home", "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache"}
        folders |= {"XDG_CONFIG_HOME": "config", "XDG_RUNTIME_DIR": "run", "TMPDIR": "tmp"}
        for folder in folders.values():
            (base / folder).mkdir(mode=0o700)
        mark = uuid.uuid4().hex
        environment = {key: str(base / folder) for key, folder in folders.items()}
        environment |= {**desktop(screen), MARK: mark}
        yield environment, mark, base / "tmp"


def desktop(screen: str) -> dict[str, str]:
    """Environment variables with which the application shows its window on a virtual display."""
    return {
        "DISPLAY": screen,
        "WAYLAND_DISPLAY": "",
        "GDK_BACKEND": "x11",
        "NO_AT_BRIDGE": "1",
        # Software drawing: a virtual display has no graphics card.
        "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
    }


def self_test(
    package: Package,
    scenario: str,
    screen: str,
    *,
    cycles: int = 5,
    hold_ms: int = 300,
    look: bool = False,
) -> Run:
    """Run one scenario in the real application and collect what it wrote and what it left.

    Args:
        package: The unpacked application.
        scenario: What it does; see ``sidecar-host --help``.
        screen: The display.
        cycles: How often, for the scenario ``cycles``.
        hold_ms: How long the sidecar stays ready, in milliseconds.
        look: Whether to look at the sidecar's processes meanwhile.

    Raises:
        SpikeError: The application wrote no journal, or one that is not as its schema says.
    """
    with surroundings(screen) as (environment, mark, tmp):
        out = tmp.parent / "journal.json"
        argv = [str(package.host), "--self-test", str(out), "--scenario", scenario]
        argv += ["--cycles", str(cycles), "--hold-ms", str(hold_ms)]
        watching = Watching(mark)
        if look:
            watching.start()
        try:
            done = process.capture(argv, env=environment, timeout_s=RUN_TIMEOUT_S)
        finally:
            watching.stop()
        left = leftovers.wait_until_gone(mark, LEFTOVER_TIMEOUT_S)
        commands = tuple(leftovers.command_line(found) for found in left)
        leftovers.end(left)
        files, _ = leftovers.files_in(tmp)
        try:
            content = journal.read(out)
        except (OSError, ValueError):
            raise SpikeError(
                f"The application wrote no journal of the scenario {scenario}"
                + (" in time." if done.timed_out else f" (exit code {done.exit_code})."),
                why=done.errors.strip()[-2000:],
                try_next=process.shown(argv),
            ) from None
    return Run(
        journal=content,
        exit_code=done.exit_code,
        log=done.errors,
        processes_left=commands,
        files_left=files,
        sights=tuple(watching.sights),
    )
