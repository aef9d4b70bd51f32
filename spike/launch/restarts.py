"""Says why a program that was packaged starts itself again, and what prevents it.

In a packaged program ``sys.executable`` is the program. Whatever starts "Python" for a child
process (multiprocessing, uvicorn's reloader, ``subprocess`` with ``sys.executable``) starts the
whole program instead, which says BOOT and READY once more, or starts another one, without end.
"""

from __future__ import annotations

from collections.abc import Sequence

_OF_MULTIPROCESSING = ("--multiprocessing-fork", "multiprocessing.", "parent_pid=")
_OF_RELOADER = ("Started reloader process", "Will watch for changes in these directories")
_IN_A_CHILD = "current process has finished its bootstrapping phase"
_OF_PARENT = "Started parent process"

FREEZE_SUPPORT = (
    "multiprocessing starts the program again for each child process. Fix: call "
    "multiprocessing.freeze_support() first below if __name__ == '__main__', before anything is "
    "said or started, and import multiprocessing in that file"
)
RELOAD = (
    "uvicorn's reload starts the program again. Fix: reload=False in what ships, which has no "
    "sources to watch"
)
WORKERS = (
    "uvicorn's workers are further starts of the program. Fix: no workers= in a sidecar, or "
    "multiprocessing.freeze_support() first below if __name__ == '__main__'"
)
_REAL_PYTHON = "Fix: import the module and call it, or ship a real Python: nox -s build_cpython"
EXECUTABLE = (
    "sys.executable is the program itself in a packaged program, and was started as if it were "
    f"Python: {{shown}}. {_REAL_PYTHON}"
)
OF_SCRIPT = (
    "the plain script starts sys.executable with {shown}, which is the program itself when it is "
    f"packaged. {_REAL_PYTHON}"
)
UNKNOWN = (
    "it starts itself again. Usual reasons are multiprocessing without freeze_support(), "
    "subprocess with sys.executable, and uvicorn with reload or workers"
)


def asks_for_python(arguments: Sequence[str]) -> bool:
    """Whether a program's arguments are those of an interpreter: ``-m module``, ``-c code``."""
    for word in arguments:
        if word in ("-m", "-c") or word.endswith(".py"):
            return True
        if not word.startswith("-"):
            return False
    return False


def forked(commands: Sequence[Sequence[str]]) -> bool:
    """Whether processes of multiprocessing are among these."""
    return any(text in word for text in _OF_MULTIPROCESSING for words in commands for word in words)


def refused(output: Sequence[str]) -> bool:
    """Whether multiprocessing says of itself that a child has run the main script."""
    return any("freeze_support()" in line or _IN_A_CHILD in line for line in output)


def reason(commands: Sequence[Sequence[str]], output: Sequence[str], *, certain: bool) -> str:
    """Why a program starts itself again, with the remedy; empty when nothing shows that it does.

    Args:
        commands: Arguments of the further processes of the same program, without its own name.
        output: Lines that it wrote to stderr and stdout.
        certain: Whether it is known to start again: it said BOOT or READY twice, or a child of
            multiprocessing has such children of its own. Without that, such children are right.
    """
    if any(text in line for text in _OF_RELOADER for line in output):
        return RELOAD
    if any(_OF_PARENT in line for line in output):
        return WORKERS
    if certain and forked(commands):
        return FREEZE_SUPPORT
    if refused(output):
        return FREEZE_SUPPORT
    for words in commands:
        if asks_for_python(words) and not any("multiprocessing" in word for word in words):
            return EXECUTABLE.format(shown=" ".join(words[:4]))
    return ""
