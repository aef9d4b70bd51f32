"""The keys of ``[tool.sidecar]``: what each may say, and what is said of a wrong one.

Standard library only: it runs in a packager's environment.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spike.core.errors import SidecarError
from spike.project import roots

TABLE = "sidecar"
PACKAGER_TABLES = ("nuitka", "pyinstaller", "cx_freeze", "cpython")
"""Tables below ``[tool.sidecar]`` for what one packager alone is told."""
FREE_PORT = "{free_port}"
"""In arguments, environment and URLs: a port that is free when the program is launched."""

_RENAMED = {"hold_gc": "defer_gc"}
"""Keys of the last release, which are read for one more."""
_ELSEWHERE = {
    "dependencies": "[project] dependencies",
    "name": "[project] name",
    "version": "[project] version",
    "requires-python": "[project] requires-python",
    "requires_python": "[project] requires-python",
    "scripts": "[project.scripts]",
}


def wrong(key: str, problem: str, right: str) -> SidecarError:
    """The error about one key, with a right line to try."""
    return SidecarError(f"pyproject.toml: {key} {problem}.", try_next=right)


def values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Check ``[tool.sidecar]`` and return what is set in it, by the names of this release.

    Raises:
        SidecarError: A key is unknown or has a wrong value, or the table is spelled differently.
    """
    tool = document.get("tool", {})
    _check_table_name(document, tool if isinstance(tool, dict) else {})
    settings = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
    if not isinstance(settings, dict):
        raise wrong("[tool.sidecar]", "is not a table", '[tool.sidecar]\nentry = "main.py"')
    for old, new in _RENAMED.items():
        if old in settings and new in settings:
            raise wrong(
                f"tool.sidecar.{old}",
                f"is the old name of {new}, and both are set",
                f"remove {old}",
            )
    settings = {_RENAMED.get(key, key): value for key, value in settings.items()}
    unknown = [key for key in settings if key not in KEYS and key not in PACKAGER_TABLES]
    if unknown:
        raise _unknown(unknown, settings)
    _check_no_tables(settings)
    found = {
        key: check(settings[key], f"tool.sidecar.{key}", f"{key} = {right}")
        for key, (check, right) in KEYS.items()
        if key in settings
    }
    tables = {key: settings[key] for key in PACKAGER_TABLES if key in settings}
    found["packager_args"] = {name: _packager_args(table, name) for name, table in tables.items()}
    if "spec" in roots.table(tables.get("pyinstaller")):
        found["spec"] = _spec(tables["pyinstaller"]["spec"])
    _check_together(found)
    return found


def _spec(value: object) -> str:
    key, right = "tool.sidecar.pyinstaller.spec", 'spec = "my-service.spec"'
    name = inside(value, key, right)
    if not name.endswith(".spec"):
        raise wrong(key, f"is {name!r}, not a .spec file", right)
    return name


def _check_table_name(document: Mapping[str, Any], tool: Mapping[str, Any]) -> None:
    """A table that is almost ours is a mistake that would leave every setting unread."""
    candidates = {f"tool.{key}": key for key in tool if key != TABLE}
    candidates |= {key: key for key in document if key not in ("project", "tool", "build-system")}
    for other in ("tools", "tol", "Tool"):
        for key in roots.table(document.get(other)):
            candidates[f"{other}.{key}"] = key
    for shown, key in candidates.items():
        bare = re.sub(r"[^a-z]", "", key.lower())
        if difflib.SequenceMatcher(None, bare, TABLE).ratio() > 0.85:
            raise SidecarError(
                f"pyproject.toml: [{shown}] is not read by anything here.",
                why="The settings of a sidecar stand in [tool.sidecar].",
                try_next=f"[tool.sidecar] in place of [{shown}]",
            )


def _unknown(unknown: list[str], settings: Mapping[str, Any]) -> SidecarError:
    """Say of every unknown key which one may be meant."""
    known = [*KEYS, *PACKAGER_TABLES]
    advice = []
    for key in unknown:
        packager, _, rest = key.rpartition("_")
        near = difflib.get_close_matches(key.replace("-", "_"), known, n=1, cutoff=0.6)
        if packager in PACKAGER_TABLES and rest in ("args", "options", "flags", "arguments"):
            given = settings[key]
            shown = _toml(given) if isinstance(given, list) else '["..."]'
            advice.append(f"[tool.sidecar.{packager}] args = {shown}")
        elif key in _ELSEWHERE:
            advice.append(f"{_ELSEWHERE[key]} in place of {key}")
        elif near:
            right = KEYS[near[0]][1] if near[0] in KEYS else "a table"
            advice.append(f"{near[0]} in place of {key}, such as {near[0]} = {right}")
        else:
            advice.append(f"remove {key}")
    listed = ", ".join(f"tool.sidecar.{key}" for key in unknown)
    is_not = "is not a known key" if len(unknown) == 1 else "are not known keys"
    return SidecarError(
        f"pyproject.toml: {listed} {is_not}; known are {', '.join(sorted(known))}.",
        try_next="; ".join(advice),
    )


def _check_no_tables(settings: Mapping[str, Any]) -> None:
    """``ready = { url = "…" }`` is what ``ready_url`` says."""
    for key, value in settings.items():
        members = value if isinstance(value, dict) and key in KEYS else {}
        named = {
            f"{key}_{member}": given
            for member, given in members.items()
            if f"{key}_{member}" in KEYS
        }
        if named:
            # What is beside a switch has no effect without it.
            switch = {key: True} if KEYS[key][0] is yes_or_no else {}
            lines = [f"{name} = {_toml(given)}" for name, given in (switch | named).items()]
            raise wrong(
                f"tool.sidecar.{key}",
                "is a table; what stands in it has keys of its own",
                f"{' and '.join(lines)} in place of the table",
            )


def _toml(value: object) -> str:
    """Texts, numbers, switches and lists, which TOML and JSON write alike."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _packager_args(table: object, name: str) -> tuple[str, ...]:
    key, right = f"tool.sidecar.{name}", f'[tool.sidecar.{name}]\nargs = ["--option"]'
    if not isinstance(table, dict):
        raise wrong(key, f"is {table!r}, not a table", right)
    allowed = {"args", "spec"} if name == "pyinstaller" else {"args"}
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise wrong(
            f"{key}.{unknown[0]}",
            f"is not a known key; known are {', '.join(sorted(allowed))}",
            right,
        )
    return texts(table.get("args", []), f"{key}.args", right)


def _check_together(found: Mapping[str, Any]) -> None:
    """What only several keys show together.

    Raises:
        SidecarError: Two of them contradict each other.
    """
    ways = [key for key in ("ready", "ready_pattern", "ready_url") if key in found]
    if len(ways) > 1:
        raise wrong(
            f"tool.sidecar.{ways[1]}",
            f"and {ways[0]} are both set; a program is ready in one way",
            f"remove {ways[0]}",
        )
    if "ready_stream" in found and "ready_url" in found:
        raise wrong(
            "tool.sidecar.ready_stream",
            "says where the line comes from, and ready_url waits for no line",
            "remove ready_stream",
        )
    if found.get("smoke_stdio") and not found.get("smoke"):
        raise wrong(
            "tool.sidecar.smoke_stdio",
            "is true, and there is no smoke command to connect",
            'smoke = ["python", "smoke.py"]',
        )
    if found.get("defer_gc") and ways and ways[0] != "ready":
        raise wrong(
            "tool.sidecar.defer_gc",
            f"needs a line that the program prints itself, and {ways[0]} is set",
            'ready = "READY"',
        )
    handed = [*found.get("args", ()), *found.get("env", {}).values()]
    for key in ("ready_url", "health", "smoke"):
        asking = found.get(key, "")
        if FREE_PORT in "".join(asking) and not any(FREE_PORT in word for word in handed):
            raise wrong(
                f"tool.sidecar.{key}",
                f"has {FREE_PORT}, and neither args nor env hands that port to the program",
                f'args = ["--port", "{FREE_PORT}"]',
            )
    for key in ("args", "env"):
        given = found.get(key, ())
        for word in given.values() if isinstance(given, Mapping) else given:
            if "{port}" in word:
                right = word.replace("{port}", FREE_PORT)
                raise SidecarError(
                    f"pyproject.toml: tool.sidecar.{key} has {{port}}, which is what a program "
                    "says once it runs.",
                    why=f"A port that it is handed when it starts is {FREE_PORT}.",
                    try_next=f'"{right}" in place of "{word}" in {key}',
                )


def text(value: object, key: str, right: str) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise wrong(key, "is missing" if value is None else f"is {value!r}, not a text", right)
    return value


def token(value: object, key: str, right: str) -> str:
    """A line of printable ASCII."""
    line = text(value, key, right)
    if line != line.strip() or not line.isascii() or not line.isprintable():
        raise wrong(key, f"is {line!r}; a token is one line of printable ASCII", right)
    return line


def pattern(value: object, key: str, right: str) -> str:
    """A regular expression that Python and the host's supervisor both understand."""
    source = text(value, key, right)
    try:
        compiled = re.compile(source)
    except re.error as error:
        raise wrong(key, f"is {source!r}, not a regular expression: {error}", right) from None
    if compiled.search(""):
        raise wrong(key, f"is {source!r}, which an empty line matches already", right)
    if re.search(r"\(\?(?:<?[=!]|P=)|\\[1-9]", source):
        raise wrong(
            key,
            f"is {source!r}; looking around and back-references are not known to the host",
            right,
        )
    return source


def stream(value: object, key: str, right: str) -> str:
    """The stream that the READY line comes on."""
    if value not in ("stdout", "stderr", "either"):
        raise wrong(key, f'is {value!r}; it is "stdout", "stderr" or "either"', right)
    return str(value)


def url(value: object, key: str, right: str) -> str:
    """An address of this computer that can be asked over HTTP."""
    address = text(value, key, right)
    if not re.match(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?:[:/?]\S*)?$", address):
        raise wrong(key, f"is {address!r}, not an http address of this computer", right)
    return address


def version(value: object, key: str, right: str) -> str:
    """A Python version: two or three numbers."""
    if not isinstance(value, str) or not re.fullmatch(r"3\.\d+(\.\d+)?", value):
        raise wrong(key, f"is {value!r}, not a Python version in quotes", right)
    return value


def texts(value: object, key: str, right: str) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong(key, f"is {value!r}, not a list of texts", right)
    return tuple(value)


def inside(value: object, key: str, right: str) -> str:
    """A path below the sidecar's folder."""
    name = text(value, key, right)
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise SidecarError(
            f"pyproject.toml: {key} names {name!r}, which is not inside the sidecar's folder.",
            why="A build works on a copy of that folder.",
            try_next=f"put a copy of {Path(name).name} into it, then {right.partition(' = ')[0]} = "
            + (f'["{Path(name).name}"]' if right.endswith("]") else f'"{Path(name).name}"'),
        )
    return name


def paths(value: object, key: str, right: str) -> tuple[str, ...]:
    """Paths below the sidecar's folder."""
    return tuple(inside(item, key, right) for item in texts(value, key, right))


def table(value: object, key: str, right: str) -> Mapping[str, str]:
    """A table of texts."""
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise wrong(key, f"is {value!r}, not a table of texts", right)
    return dict(value)


def yes_or_no(value: object, key: str, right: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(key, f"is {value!r}, neither true nor false", right)
    return value


def seconds(value: object, key: str, right: str) -> float:
    """A time."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise wrong(key, f"is {value!r}; it takes seconds, above 0 and at most 3600", right)
    return float(value)


def budget(value: object, key: str, right: str) -> Mapping[str, float]:
    """Thresholds for what ships: numbers of zero or more."""
    if not isinstance(value, dict):
        raise wrong(key, f"is {value!r}, not a table of numbers", right)
    for name, limit in value.items():
        if name not in BUDGETS:
            raise wrong(
                f"{key}.{name}", f"is not a known key; known are {', '.join(BUDGETS)}", right
            )
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 0:
            raise wrong(f"{key}.{name}", f"is {limit!r}, not a number of zero or more", right)
    return {name: float(limit) for name, limit in value.items()}


BUDGETS = ("ready_ms_ratio", "size_mb", "failures")
"""What ``invoke history --check`` holds the newest run against."""

KEYS: Mapping[str, tuple[Callable[[object, str, str], Any], str]] = {
    "entry": (text, '"main.py"'),
    "ready": (token, '"READY"'),
    "ready_pattern": (pattern, '"Uvicorn running on"'),
    "ready_stream": (stream, '"stderr"'),
    "ready_url": (url, '"http://127.0.0.1:{free_port}/health"'),
    "args": (texts, '["--verbose"]'),
    "env": (table, '{ LOG_LEVEL = "info" }'),
    "ready_timeout_s": (seconds, "10.0"),
    "data": (paths, '["templates", "words.txt"]'),
    "hidden_imports": (texts, '["uvicorn.lifespan.on"]'),
    "metadata": (texts, '["keyring"]'),
    "collect": (texts, '["grpc"]'),
    "exclude": (texts, '["tkinter"]'),
    "smoke": (texts, '["python", "smoke.py", "{port}"]'),
    "smoke_stdio": (yes_or_no, "true"),
    "health": (text, '"http://127.0.0.1:{port}/health"'),
    "defer_gc": (yes_or_no, "true"),
    "fast_start": (yes_or_no, "true"),
    "fast_start_idle": (yes_or_no, "true"),
    "fast_start_exclude": (texts, '["sqlalchemy"]'),
    "check": (texts, '["pytest", "-q"]'),
    "extras": (texts, '["server"]'),
    "groups": (texts, '["sidecar"]'),
    "python": (version, '"3.13"'),
    "budget": (budget, "{ ready_ms_ratio = 0.8, size_mb = 10, failures = 0 }"),
}
