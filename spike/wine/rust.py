"""Rust for Windows from here: the supervisor, the launcher and their own tests, cross-compiled.

Where rustup has the target, ``rustup target add`` is all that is needed. Without its servers
Debian's packages do: its compiler of the web browsers' and the sources of its standard library,
unpacked into a folder (to install them would replace the Rust that is here), and that library
compiled along.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spike.build.doctor import Need
from spike.core import logged, process
from spike.core.errors import MissingToolError
from spike.core.workspace import TOOL
from spike.wine.prefix import Wine

TARGET = "x86_64-pc-windows-gnu"
"""By MinGW, which is here; programs for ``-msvc`` are linked by Microsoft's own linker alone."""

RUNNER = "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER"
"""Names, for cargo, what runs a program for the target."""

TESTS_S = 1200.0
"""So long may the tests take with everything that they compile."""

TESTED = ("--locked", "-p", "sidecar-supervisor", "-p", "sidecar-launcher")
CHECKED = ("--locked", "--workspace", "--all-targets")
"""What ``cargo test`` and ``cargo check`` are about."""

RUSTUP_S = 300.0
"""So long may rustup try to fetch a target."""

_PACKAGES = ("rustc-web", "libstd-rust-web-dev", "rust-web-src")
_PARTS = re.compile(r"(?:rust-web|rustc-web|libstd-rust-web|libllvm)[\w.-]*")
"""Of all that these packages depend on, what a compiler consists of."""

_DEPENDENCIES = tuple(
    f"--no-{kind}"
    for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
)


@dataclass(frozen=True, kw_only=True)
class Rust:
    """How ``cargo`` is told to compile for Windows.

    Attributes:
        env: Changes to its environment.
        options: Its own, behind the name of a command.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ("--target", TARGET)

    def cargo(self, command: str, *words: str) -> list[str]:
        """A whole command line."""
        return ["cargo", command, *self.options, *words]


def needs(folder: Path) -> tuple[Need, ...]:
    """What the supervisor and the launcher need beside Wine.

    Args:
        folder: Where :func:`find` unpacks what Debian has.
    """
    return (
        Need(
            name="Rust",
            purpose="nox -s windows: the supervisor and the launcher",
            programs=("cargo",),
            elsewhere="install Rust with rustup, or leave both out: nox -s windows -- --no-host",
        ),
        Need(
            name="Rust for Windows",
            purpose="nox -s windows: the supervisor and the launcher",
            known=lambda: has_target() or _compiler(folder).is_file(),
            elsewhere=f"rustup target add {TARGET}; without rustup --with-deps fetches Debian's "
            "into build/windows, as nox -s windows does",
        ),
    )


def bring(folder: Path) -> None:
    """Get a Rust for Windows where there is one for this system alone: rustup's, else Debian's.

    Args:
        folder: As of :func:`find`.

    Raises:
        MissingToolError: It cannot be had.
    """
    if shutil.which("cargo") is None or has_target():
        return
    if shutil.which("rustup"):
        process.capture(["rustup", "target", "add", TARGET], timeout_s=RUSTUP_S)
    find(folder, folder / "setup.log")


def find(folder: Path, log: Path) -> Rust:
    """Find a Rust that compiles for Windows; what Debian has is fetched once.

    Args:
        folder: Where that is unpacked.
        log: What the tools say.

    Raises:
        MissingToolError: There is none, and none can be had.
    """
    if shutil.which("cargo") is None:
        raise MissingToolError("cargo is not on PATH.", try_next="invoke doctor")
    if has_target():
        return Rust()
    compiler = _compiler(folder)
    root = compiler.parents[2]
    if not compiler.is_file():
        _unpack(root, log)
    return Rust(
        env={
            "RUSTC": str(compiler),
            "RUSTC_BOOTSTRAP": "1",  # for build-std
            "LD_LIBRARY_PATH": str(root / "usr" / "lib" / "x86_64-linux-gnu"),
        },
        options=("-Z", "build-std=std,panic_unwind", "--target", TARGET),
    )


def _compiler(folder: Path) -> Path:
    return folder.absolute() / "rust" / "usr" / "bin" / "rustc"


def has_target() -> bool:
    """Whether the Rust that is here has the standard library of the target."""
    if shutil.which("rustc") is None:
        return False
    done = process.capture(["rustc", "--print", "target-libdir", "--target", TARGET])
    return done.ok and any(Path(done.output.strip()).glob("libstd-*.rlib"))


def parts(depends: str) -> list[str]:
    """The packages to fetch, of what ``apt-cache depends --recurse`` says."""
    found = (line.split()[-1] for line in depends.splitlines() if line.strip())
    names = {name for name in found if _PARTS.fullmatch(name)}
    return sorted(names | set(_PACKAGES))


def _unpack(root: Path, log: Path) -> None:
    lacking = MissingToolError(
        f"This Rust has no standard library for {TARGET}.",
        try_next=f"rustup target add {TARGET}",
    )
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise lacking
    depends = process.capture(
        ["apt-cache", "depends", "--recurse", *_DEPENDENCIES, *_PACKAGES], timeout_s=120
    )
    fetched, fresh = root.with_name("rust-fetched"), root.with_name("rust-unpacked")
    for place in (fetched, fresh):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    if not depends.ok or not _quietly(
        ["apt-get", "download", *parts(depends.output)], log, fetched
    ):
        raise lacking
    for package in fetched.glob("*.deb"):
        if not _quietly(["dpkg-deb", "--extract", str(package), str(fresh)], log, fetched):
            raise lacking
    sources = next(fresh.glob("usr/src/rustc-*"), None)
    if sources is None:
        raise lacking
    link = fresh / "usr" / "lib" / "rustlib" / "src" / "rust"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(Path("../../../src") / sources.name)
    fresh.replace(root)
    shutil.rmtree(fetched)


def _quietly(argv: Sequence[str], log: Path, cwd: Path) -> bool:
    return logged.run(argv, log_path=log, cwd=cwd, echo=False, append=True).ok


def compiled(rust: Rust, target: Path, log: Path) -> Path:
    """Compile the supervisor's examples and the launcher, and return the folder of the programs.

    As the tests are, unoptimised: functions are looked at, and a library is compiled once.

    Args:
        rust: From :func:`find`.
        target: Cargo's folder for what it makes.
        log: What it says.

    Raises:
        MissingToolError: They do not compile; the log says why.
    """
    for words in (("-p", "sidecar-supervisor", "--examples"), ("-p", "sidecar-launcher")):
        done = logged.run(
            rust.cargo("build", "--locked", *words),
            log_path=log,
            env={**rust.env, "CARGO_TARGET_DIR": str(target)},
            cwd=TOOL / "src-tauri",
            echo=False,
            append=True,
        )
        if not done.ok:
            raise MissingToolError(
                f"The supervisor and the launcher do not compile for {TARGET}.",
                why=f"The end of {log}:\n{done.output[-1500:]}",
            )
    return programs(target)


def host_checked(rust: Rust, target: Path, log: Path) -> process.Completed:
    """Let the compiler check the whole host for Windows, with its tests and the plugin.

    It is not linked: that its window opens is nothing that Wine could show.
    """
    return logged.run(
        rust.cargo("check", *CHECKED),
        log_path=log,
        env={
            **rust.env,
            "CARGO_TARGET_DIR": str(target),
            "TAURI_CONFIG": '{"bundle":{"externalBin":null,"resources":null}}',
        },
        cwd=TOOL / "src-tauri",
        echo=False,
    )


def programs(target: Path) -> Path:
    """Where the programs are, below cargo's folder."""
    return target / TARGET / "debug"


def tried(rust: Rust, place: Wine, log: Path, limit_s: float = TESTS_S) -> int | None:
    """Run the supervisor's and the launcher's own tests under Wine.

    Their output goes into a file: a program that they leave behind would hold a pipe for ever.

    Returns:
        The exit code of ``cargo test``; None when the time was up.
    """
    argv = rust.cargo("test", *TESTED, "--lib", "--bins", "--tests", "--no-fail-fast")
    environment = {
        **os.environ,
        **place.environment(),
        **rust.env,
        "CARGO_TARGET_DIR": str(place.folder / "rust-target"),
        RUNNER: "wine",
        "SIDECAR_TESTS_UNDER_WINE": "1",
    }
    with log.open("wb") as stream:
        child = process.spawn(
            argv,
            env=environment,
            cwd=TOOL / "src-tauri",
            stdin=subprocess.DEVNULL,
            stdout=stream.fileno(),
            stderr=subprocess.STDOUT,
        )
        try:
            return child.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            process.kill_group(child.pid)
            child.wait()


def summary(log: str) -> str:
    """What tests said: how many passed, and the names of those that failed or did not end."""
    passed = sum(map(int, re.findall(r"^test result: \w+\. (\d+) passed", log, flags=re.MULTILINE)))
    failed = re.findall(r"^test (\S+) \.\.\. FAILED$", log, flags=re.MULTILINE)
    slow = re.findall(r"^test (\S+) has been running for over", log, flags=re.MULTILINE)
    hung = [name for name in slow if not re.search(rf"^test {name} \.\.\. \w", log, re.MULTILINE)]
    ended = f"; not ended: {', '.join(hung)}" if hung else ""
    return f"{passed} passed; failed: {', '.join(failed) or 'none'}{ended}"
