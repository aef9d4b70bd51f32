"""Make .venv with the tools that run everything else: ``python3 bootstrap.py``.

Standard library only. It installs exactly what locks/tools.txt names, with hashes, and does
nothing when that is there already.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
LOCK = ROOT / "locks" / "tools.txt"
STAMP = ENVIRONMENT / "installed-lock"


def main() -> int:
    """Make or update the environment; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the check itself
        print(
            f"error: Python 3.11 or newer is needed; this is {sys.version.split()[0]}. "
            "Try: python3.11 bootstrap.py",
            file=sys.stderr,
        )
        return 2
    wanted = f"{sys.version} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}"
    if not STAMP.is_file() or STAMP.read_text(encoding="utf-8") != wanted:
        try:
            # A stamp that does not fit means another Python or another lock: start anew.
            venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(ENVIRONMENT)
        except (OSError, subprocess.CalledProcessError) as error:
            print(
                f"error: {ENVIRONMENT.name} cannot be made: {error}. On Debian and Ubuntu the "
                "module for it is a package of its own. Try: apt-get install python3-venv",
                file=sys.stderr,
            )
            return 2
        python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        print("installing the tools of locks/tools.txt into .venv", flush=True)
        if not (_by_uv(python) or _by_pip(python, LOCK)):
            print(
                "error: the tools could not be installed; pip's own message stands above. "
                "Try: python3 bootstrap.py again, with a working network",
                file=sys.stderr,
            )
            return 2
        STAMP.write_text(wanted, encoding="utf-8")
    place = r".venv\Scripts\invoke" if os.name == "nt" else ".venv/bin/invoke"
    print(f"ready: {place} --list", flush=True)
    return 0


def _by_pip(python: Path, lock: Path) -> bool:
    # The lock is whole, so there is nothing to resolve: a pip as old as the one that comes with
    # Python 3.11 would look at a newer release behind an extra, and refuse it for its hash.
    command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    command += ["--disable-pip-version-check", "-r", str(lock)]
    return not subprocess.run(command, check=False).returncode


def _by_uv(python: Path) -> bool:
    """Install by the uv that the lock names: in a fifth of pip's time.

    Where it fails, since a mirror or a proxy is known to pip's own configuration alone, pip does it
    and says what is wrong.
    """
    alone = ENVIRONMENT / "uv.txt"
    blocks = re.split(r"^(?=\S)", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    alone.write_text("".join(part for part in blocks if part.startswith("uv==")), encoding="utf-8")
    if not _by_pip(python, alone):
        return False
    command = [str(python), "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
    command += ["--require-hashes", "--no-deps", "-r", str(LOCK)]
    return not subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
