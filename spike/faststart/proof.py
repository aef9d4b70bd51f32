"""The proof: rewritten libraries show nothing else than the plain ones.

Both are loaded in processes of their own and described there (``tools/fast_start_proof.py``); what
differs between two plain runs already is no difference. Compared are, after everything that was
put off has been resolved: every attribute of every module, with files and lines of functions; what
``inspect.getsource`` and ``pickle`` make of what rewritten modules define; warnings; exceptions.
"""

from __future__ import annotations

import json
import marshal
import os
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spike.core import process
from spike.faststart.lazy import Key
from spike.faststart.statements import Statement
from spike.faststart.tables import STAGED
from spike.faststart.trials import Overlaid

TIMEOUT_S = 120.0
"""How long one process may take."""
PATIENCE_S = 30.0
"""How long threads that load everything at once may take."""

_TOOL = Path(__file__).parent / "tools" / "fast_start_proof.py"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something that is not as it was.

    Attributes:
        module: Where it was seen; empty when that cannot be told.
        what: What it is.
    """

    module: str
    what: str


Seen = Mapping[str, Any]
"""What one process has described."""


def look(
    place: Path,
    *,
    before: Sequence[str],
    after: Sequence[str] = (),
    rewritten: Collection[str],
    modules: Mapping[str, Overlaid] | None = None,
    lazy: Mapping[Key, int] | None = None,
    put_off: Mapping[str, Sequence[Statement]] | None = None,
    tables: Path | None = None,
    path: Sequence[str] = (),
) -> Seen | Difference:
    """Load modules in a process of their own and have them described.

    Args:
        place: A folder for its files.
        before: Modules that are imported first, in this order.
        after: Modules that are imported when all that was put off is resolved.
        rewritten: Names of the modules that are rewritten, in this process or another.
        modules: The rewritten modules; none for the plain ones.
        lazy: What the interpreter's own filter lets wait instead.
        put_off: What they have put off.
        tables: Folder of the module that hands out what was made beforehand; None for none.
        path: Further folders to import from.
    """
    place.mkdir(parents=True, exist_ok=True)
    settings, result = place / "settings", place / "seen.json"
    result.unlink(missing_ok=True)
    told = {
        "before": list(before),
        "after": list(after),
        "rewritten": sorted(rewritten),
        "modules": {
            name: {"file": each.file, "text": each.text} for name, each in (modules or {}).items()
        },
        "lazy": list(lazy or ()),
        "put_off": [
            (name, list(each.names))
            for name, statements in sorted((put_off or {}).items())
            for each in statements
        ],
        "staged": str(STAGED),
        "tables": str(tables or ""),
        "patience_s": PATIENCE_S,
        "result": str(result),
    }
    settings.write_bytes(marshal.dumps(told))
    done = process.capture(
        [sys.executable, str(_TOOL), str(settings)],
        env={
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd=place,
        timeout_s=TIMEOUT_S,
    )
    try:
        seen: Seen = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        last = (done.errors.strip().splitlines() or ["it says nothing"])[-1]
        return Difference(module="", what=f"the libraries cannot be loaded apart: {last}")
    return seen


def differences(plain: Seen, again: Seen, fast: Seen) -> tuple[Difference, ...]:
    """What is not as it was, sorted.

    Args:
        plain: What the plain libraries have shown.
        again: What they have shown another time; what differs there is not compared.
        fast: What the rewritten ones have shown.
    """
    found: list[Difference] = []
    for part, word in (
        ("modules", "attribute"),
        ("sources", "source of"),
        ("pickles", "pickle of"),
    ):
        for module, attributes in plain[part].items():
            ours = fast[part].get(module)
            if ours is None:
                found.append(Difference(module=module, what="it is not loaded"))
                continue
            repeated = again[part].get(module, {})
            for name in sorted({*attributes, *ours}):
                one, two = attributes.get(name), ours.get(name)
                if one != two and one == repeated.get(name):
                    found.append(Difference(module=module, what=f"{word} {name or module}"))
    for module in sorted({*plain["errors"], *fast["errors"]}):
        one, two = plain["errors"].get(module), fast["errors"].get(module)
        if one != two:
            found.append(Difference(module=module, what=f"its import ends with {two or 'success'}"))
    stable = Counter(map(tuple, plain["warnings"])) & Counter(map(tuple, again["warnings"]))
    unstable = set(map(tuple, plain["warnings"])) ^ set(map(tuple, again["warnings"]))
    ours_said = Counter(each for each in map(tuple, fast["warnings"]) if each not in unstable)
    for warning in sorted((stable - ours_said) + (ours_said - stable)):
        found.append(Difference(module=_module_of(warning[2], fast), what=f"warning {warning[1]}"))
    return tuple(dict.fromkeys(found))


def failures(fast: Seen) -> tuple[Difference, ...]:
    """What could not be loaded first of all, or by several threads at once."""
    found: list[Difference] = []
    for key, said in sorted(fast["first"].items()):
        module, _, name = key.partition(" ")
        found.append(Difference(module=module, what=f"{name} cannot be loaded first: {_end(said)}"))
    for module, name, said in fast["threads"]:
        found.append(Difference(module=module, what=f"{name} among threads: {_end(said)}"))
    return tuple(dict.fromkeys(found))


def unproved(plain: Seen, rewritten: Collection[str]) -> tuple[Difference, ...]:
    """Rewritten modules that cannot be imported by themselves, so that nothing is known of them."""
    return tuple(
        Difference(module=module, what=f"it cannot be loaded apart: {said}")
        for module, said in sorted(plain["errors"].items())
        if module in rewritten
    )


def _module_of(file: str, seen: Seen) -> str:
    """The module whose file it is; empty when there is none."""
    spec = f" {file} "
    for name, attributes in seen["modules"].items():
        if spec in f"{attributes.get('__spec__', '')} ":
            return str(name)
    return ""


def _end(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:200] if lines else ""
