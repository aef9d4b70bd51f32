"""``packaging-spike``: what a repository of one's own begins with.

    packaging-spike --version
    packaging-spike init [DIR]      write tasks.py and noxfile.py there, over nothing
    packaging-spike new DIR         make a Tauri application with a FastAPI sidecar there

Everything else is a task of invoke or a session of Nox.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from packaging_spike import TOOL

FILES = {
    "tasks.py": "from packaging_spike import tasks\n\nnamespace = tasks.program(__file__)\n",
    "noxfile.py": "from packaging_spike import sessions\n\nsessions.declare(__file__)\n",
}
"""The two files of a repository of one's own."""

NEXT = """\
Next: put the sidecar into {sidecar} (a pyproject.toml and its program), then
  invoke doctor        what the work needs from the system
  invoke spike         build, measure, check and record; --no-host without the Tauri host
Not for git: .spike/, .nox/, build/ and dist/ of this folder."""


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.dont_write_bytecode = True  # below an installed tool, nothing is written
    sys.path.insert(0, str(TOOL))
    from spike.core.command_line import run_command_line

    run_command_line(_run)


def _run(arguments: list[str]) -> int:
    from spike import __version__
    from spike.core.command_line import say

    parser = argparse.ArgumentParser(prog="packaging-spike", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"packaging-spike {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    beginning = commands.add_parser("init", help="write tasks.py and noxfile.py, over nothing")
    beginning.add_argument("folder", nargs="?", default=".", metavar="DIR", help="default: here")
    made = commands.add_parser("new", help="make a Tauri application with a FastAPI sidecar")
    made.add_argument("folder", metavar="DIR", help="empty or not there")
    made.add_argument("--name", default="", help="default: made from the folder's name")
    made.add_argument("--identifier", default="", help="default: com.example.NAME")
    options = parser.parse_args(arguments)
    folder = Path(options.folder)
    if "name" in options:
        from spike.scaffold import making

        say(making.make(folder, name=options.name, identifier=options.identifier))
    else:
        say(begin(folder))
    return 0


def begin(folder: Path) -> str:
    """Write the two files into a folder, which is made.

    Args:
        folder: The project's folder.

    Returns:
        What was done, and what comes next.

    Raises:
        UsageError: One of the files is there with another text; nothing is written.
        StorageError: The folder or a file cannot be written.
    """
    from spike.core import jsonfile
    from spike.core.errors import UsageError

    there = {name: _text(folder / name) for name in FILES}
    for name, text in FILES.items():
        if there[name] not in (None, text):
            raise UsageError(
                f"{folder / name} is there already and stays as it is.",
                why="Two lines are what it needs: " + "; ".join(filter(None, text.split("\n"))),
                try_next="add them to it, or: packaging-spike init measure, for a folder of "
                "their own",
            )
    lines = []
    for name, text in FILES.items():
        if there[name] is None:
            jsonfile.write_text(folder / name, text)
        lines.append(f"{folder / name}: {'written' if there[name] is None else 'unchanged'}")
    return "\n".join([*lines, NEXT.format(sidecar=f"{folder / 'sidecar'}/")])


def _text(path: Path) -> str | None:
    """What is in a file; None when there is none, and empty when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        return ""
