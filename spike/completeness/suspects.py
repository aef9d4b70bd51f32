"""What often makes a program differ from its script, and no comparing shows: told where it does.

Each is a pure look at what the script has used, and at the sources.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from spike.completeness import parts
from spike.completeness.used import Notes, Used
from spike.launch import restarts
from spike.project import imports
from spike.project.sidecar import Sidecar

LOAD_DOTENV = (
    "load_dotenv() of python-dotenv looks beside the script, and packaged in the working folder. "
    'Fix: load_dotenv(Path(__file__).parent / ".env"); or let the host set the variables, since '
    "what ships can be read by everybody"
)
UNREAD_DOTENV = (
    "The plain script has not read .env either: what git ignores is no source unless data lists "
    "it, and a relative env_file of pydantic-settings is looked for in the working folder, which "
    'is the host\'s. Fix: in [tool.sidecar] set data = [".env"], and Path(__file__).parent / '
    '".env"; or let the host set the variables'
)
PYTHONS_OWN = (
    "the name of a module of Python's, which a packager may have taken in its place. Fix: rename it"
)
_DOTENV = re.compile(r"(^|/)\.env[^/]*$")
_SPAWNS = re.compile(r"multiprocessing[/\\]popen_(?:spawn|forkserver)")


def start_again(notes: Notes, sidecar: Sidecar) -> str:
    """What the script was seen to start and is the program itself when packaged; or nothing."""
    if notes.python:
        return restarts.OF_SCRIPT.format(shown=min(notes.python))
    spawns = any(_SPAWNS.search(path) for path in notes.modules)
    return restarts.FREEZE_SUPPORT if spawns and b"freeze_support(" not in sidecar.script() else ""


def remarks(sidecar: Sidecar, used: Used) -> Iterator[str]:
    """What is worth saying of a program that is not as its script.

    Args:
        sidecar: What was built.
        used: What the script has used of its sources.
    """
    if names := _pythons_own(sidecar, used):
        yield f"{', '.join(names)} {'have' if names[1:] else 'has'} {PYTHONS_OWN}"
    loads = {each.top for each in imports.followed(sidecar).imports}
    if any(_DOTENV.search(path) for path in used.files):
        if "dotenv" in loads:
            yield LOAD_DOTENV
    elif loads & {"dotenv", "pydantic_settings"} and (sidecar.folder / ".env").is_file():
        yield UNREAD_DOTENV


def _pythons_own(sidecar: Sidecar, used: Used) -> list[str]:
    """Own modules that the script has loaded and that are named as Python's are."""
    names = {
        parts.module_name(path, parts.root_prefix(root)).partition(".")[0]
        for root in imports.import_roots(sidecar)
        for path in used.modules
    }
    return sorted(names & sys.stdlib_module_names)
