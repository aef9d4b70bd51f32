"""The wheel in a fresh environment, and an empty folder to work in, as a user has both."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

from benchmarks.faults.needs import namespace_options
from spike.core.workspace import PROJECT_VARIABLE
from tests.support import commands

WHEELS = Path("dist", "wheel")
"""Where ``nox -s wheel`` puts it, in the repository."""

MAIN = """\
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("READY", flush=True)
sys.stdin.read()
"""
SIDECAR = {
    "sidecar/pyproject.toml": '[project]\nname = "theirs"\nversion = "2.0.0"\n',
    "sidecar/main.py": MAIN,
}
TIMEOUT_S = 900


class Installed:
    """The wheel, installed by a Python of its own, and a project beside it.

    Attributes:
        environment: The virtual environment: all of it belongs to the tool.
        root: The project's folder, with a space in its name.
        home: The user's, empty at first.
        temporary: The same for temporary files.
    """

    def __init__(self, base: Path, wheel: Path, python: str) -> None:
        """Install it.

        Args:
            base: An empty folder.
            wheel: The file.
            python: The Python to install into: a path or a version.
        """
        self.environment = base / "environment"
        self.root, self.home, self.temporary = base / "my app", base / "home", base / "temporary"
        for folder in (self.root, self.home, self.temporary):
            folder.mkdir(parents=True)
        uv = (sys.executable, "-m", "uv", "--quiet")
        packages = subprocess.run(
            [*uv, "cache", "dir"], capture_output=True, text=True, check=True
        ).stdout.strip()
        self._caches = {"UV_CACHE_DIR": packages, **rust()}
        subprocess.run([*uv, "venv", "--python", python, str(self.environment)], check=True)
        # Compiled, as pip does by itself: whoever starts it later has nothing to write.
        into = ("--python", str(self.environment / "bin" / "python"), "--compile-bytecode")
        subprocess.run([*uv, "pip", "install", *into, str(wheel)], check=True)

    def write(self, files: dict[str, str]) -> None:
        """Put files into the project."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")

    def run(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a program of the environment as a user of the project would; both its streams.

        Whatever is not the project, the home, the temporary folder or a cache is read-only for it.
        """
        done = commands.done(
            self._locked([str(self.environment / "bin" / words[0]), *words[1:]]),
            cwd=self.root,
            env=self._env(),
            timeout_s=TIMEOUT_S,
        )
        assert done.returncode in codes, f"{words} gave {done.returncode}:\n{done.stdout}"
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout

    def files(self) -> dict[str, str]:
        """Every file of the environment with its checksum."""
        return {
            path.relative_to(self.environment).as_posix(): (
                hashlib.sha256(path.read_bytes()).hexdigest()
            )
            for path in sorted(self.environment.rglob("*"))
            if path.is_file()
        }

    def _env(self) -> dict[str, str]:
        env = commands.environment_without(
            PROJECT_VARIABLE, "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "CI"
        )
        return {
            **env,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            **self._caches,
            "NO_COLOR": "1",
            "VIRTUAL_ENV": str(self.environment),
            "PATH": os.pathsep.join([str(self.environment / "bin"), env["PATH"]]),
        }

    def _locked(self, argv: list[str]) -> list[str]:
        """The command in a mount namespace in which only the user's own folders can be written."""
        caches = [Path(place) for place in self._caches.values() if Path(place).is_dir()]
        tool = shlex.quote(str(self.environment))
        script = [
            *(_bound(path) for path in (self.root, self.home, self.temporary, *caches)),
            # Whatever file system it is on: /tmp may be one of its own.
            _bound(self.environment),
            f"mount -o remount,bind,ro {tool}",
            "mount -o remount,bind,ro /",
            f"cd {shlex.quote(str(self.root))}",  # the folder as it is mounted now
            'exec "$@"',
        ]
        shell = ["sh", "-e", "-c", "\n".join(script), "sh"]
        return ["unshare", *namespace_options(), *shell, *argv]


def _bound(path: Path) -> str:
    """The command that makes a folder a mount of its own, which stays as writable as it is."""
    return f"mount --bind {shlex.quote(str(path))} {shlex.quote(str(path))}"


def rust() -> dict[str, str]:
    """Where Cargo keeps what it has fetched, and rustup its compilers: the user's, not ours."""
    variables = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup"}
    return {
        name: os.environ.get(name, str(Path.home() / folder)) for name, folder in variables.items()
    }
