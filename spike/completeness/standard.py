"""Modules of Python itself that the plain script has loaded by name, and that did not ship."""

from __future__ import annotations

import contextlib
import re
import sys
import sysconfig
from collections.abc import Collection, Iterator
from pathlib import Path

from spike.completeness import parts, used
from spike.completeness.missing import Gap
from spike.completeness.used import Notes
from spike.core import process
from spike.packagers.recipe import Shipped

_IMPORT = re.compile(rb"^[ \t]*(?:from|import)\b.*", re.MULTILINE)
_NOT_PYTHONS = ("site-packages/", "dist-packages/", "lib-dynload/")


def bare() -> Notes:
    """What Python loads for a script that does nothing, here."""
    with used.notebook() as (env, file):
        process.capture([sys.executable, "-c", ""], env=env)
        return used.read(file)


def gaps(
    notes: Notes,
    nothing: Notes,
    shipped: Shipped,
    exclude: Collection[str],
    coming: Collection[str] = (),
) -> Iterator[Gap]:
    """What the script has loaded and the program lacks; nothing where that cannot be told.

    Args:
        notes: What the script has used.
        nothing: From :func:`bare`.
        shipped: What did ship.
        exclude: Modules that are not to ship.
        coming: Files of modules some of which are missed as well: what they import comes with them.
    """
    if not shipped.tells_standard:
        return
    folder = Path(sysconfig.get_path("stdlib"))
    paths = notes.below(folder).modules - nothing.below(folder).modules
    names = {parts.module_name(path) for path in paths if not path.startswith(_NOT_PYTHONS)}
    words: set[bytes] = set()
    for file in coming:
        with contextlib.suppress(OSError):
            for line in _IMPORT.findall(Path(file).read_bytes()):
                words.update(re.findall(rb"\w+", line))
    absent = sorted(
        name
        for name in names - shipped.modules - {""}
        if name.rpartition(".")[2].encode() not in words
        and not any(f"{name}.".startswith(f"{left}.") for left in exclude)
    )
    if absent:
        shown = ", ".join(absent[:4]) + (f" and {len(absent) - 4} more" if absent[4:] else "")
        what = f"the plain script loads {shown} of Python itself, which did not ship"
        yield Gap(key="hidden_imports", values=tuple(absent), what=what, certain=True)
