"""Integration complexity: what a variant asks of the application around it, counted.

The plan compares "integration complexity". Here it is what a project has to write, install, ship
and look after: configuration lines, build dependencies, files, processes, the signals that arrive
under their own name, and what is left when the process that a host holds is killed.
"""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.targets import Target, staged
from benchmarks.wording import counted, ends, variants_in
from spike.core import process, workspace
from spike.core.progress import progress
from spike.core.tables import table
from spike.launch import leftovers
from spike.launch.places import remove_tree
from spike.launch.running import Running
from spike.launch.spec import STOP_TIMEOUT_S
from spike.measure import results
from spike.project.sidecar import Sidecar

NAME = "complexity"

SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
"""How programs are asked to stop: by a host, from a keyboard, by a terminal that closes."""

NO_SIGNALS = "not on Windows: a stop is the end of stdin"

WATCH_S = 5.0
"""How long leftovers are watched. Nuitka's child looks for its parent each second."""


def measure(target: Target) -> dict[str, Any]:
    """Count for one built variant.

    Returns:
        ``config`` (lines that a project writes: build options, environment variables, entries in
        tauri.conf.json), ``external_bin`` (whether it is one file, as externalBin takes it),
        ``files_shipped``, ``locked_packages`` and ``tools`` (what a build needs; the first of
        equivalent tools), ``processes`` at READY, ``signals`` (by name: ``said``, the name that the
        program reported, ``exit_code`` and ``exit_signal`` of the started process; ``not_here``,
        why there are none, on Windows),
        ``after_kill`` (``processes`` and ``files`` left :data:`WATCH_S` after a SIGKILL of that
        process with stdin held open, ``gone_s`` until the last process was gone, None when one
        stayed, and ``processes`` left after the end of stdin as ``after_stdin_end``).

    Raises:
        ValueError: The target is not a built variant.
    """
    built = target.built
    if built is None:
        raise ValueError(f"{target.id} is not a variant")
    return {
        "config": configuration(built.info.argv, built.info.env, folder=bool(built.info.folder)),
        "external_bin": not built.info.folder,
        "files_shipped": built.info.shipped_files,
        "locked_packages": locked_packages(built.info.packager),
        "tools": [tool.anyone_of[0] for tool in built.variant.packager.tools],
        "signals": {name: _signalled(target, name) for name in SIGNALS},
        **_killed(target),
    }


def configuration(argv: Sequence[str], env: Mapping[str, str], *, folder: bool) -> list[str]:
    """What a project writes for a variant, a line each.

    Args:
        argv: The build command.
        env: The environment changes of the build.
        folder: Whether it ships as a folder, which externalBin does not take: a launcher takes
            its place there, and the folder goes into ``bundle.resources``.
    """
    return [
        *(f"build: {word}" for word in argv if word.startswith("--")),
        *(f"environment: {name}" for name in sorted(env)),
        "tauri.conf.json: bundle.externalBin",
        *(["tauri.conf.json: bundle.resources"] if folder else []),
    ]


def locked_packages(packager: str, locks: Path = workspace.TOOL / "locks") -> int:
    """Number of Python packages in a packager's lock file."""
    text = (locks / f"{packager}.txt").read_text(encoding="utf-8")
    return len(re.findall(r"^[A-Za-z0-9][A-Za-z0-9._-]*==", text, flags=re.MULTILINE))


def _signalled(target: Target, name: str) -> dict[str, Any]:
    if sys.platform == "win32":
        return {"not_here": NO_SIGNALS}
    number = signal.Signals[name]
    running = Running(target.spec())
    try:
        with running:
            if running.wait_ready():
                running.send(number)
                running.wait_exit(STOP_TIMEOUT_S)
                running.watch(0.0)
                # A child of the process that we hold may still be on its way out.
                leftovers.wait_until_gone(running.mark, WATCH_S)
                running.pump(lambda: not running.open_streams(), 0.5)
            return {
                "said": running.fields().get("signal", ""),
                "exit_code": running.exit_code,
                "exit_signal": running.exit_signal,
            }
    finally:
        _clean(running)


def _killed(target: Target) -> dict[str, Any]:
    running = Running(target.spec())
    try:
        with running:
            running.wait_ready()
            processes = len(leftovers.survivors(running.mark))
            running.send(process.KILL)
            killed = time.monotonic()
            running.wait_exit(1.0)
            left = leftovers.wait_until_gone(running.mark, WATCH_S)
            gone_s = None if left else round(time.monotonic() - killed, 3)
            running.close_stdin()
            still = leftovers.wait_until_gone(running.mark, WATCH_S) if left else []
            files = sum(path.is_file() for path in running.tmp.rglob("*")) if running.tmp else 0
            return {
                "processes": processes,
                "after_kill": {
                    "processes": len(left),
                    "gone_s": gone_s,
                    "after_stdin_end": len(still),
                    "files": files,
                },
            }
    finally:
        _clean(running)


def _clean(running: Running) -> None:
    leftovers.end(leftovers.survivors(running.mark))
    if running.tmp is not None:
        remove_tree(running.tmp)


def run(sidecar: Sidecar, targets: Sequence[Target], *, partial: bool = False) -> results.Result:
    """Count for every built variant among the targets; baselines have nothing to integrate.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    variants = [target for target in targets if target.built is not None]
    leftovers.adopt_orphans()
    with (
        results.recording(
            NAME,
            sidecar,
            targets={target.id: target.as_json() for target in targets},
            settings={"watched_s": WATCH_S},
            partial=partial,
        ) as recorder,
        staged(variants) as copies,
        progress("complexity", len(variants)) as step,
    ):
        for target in copies:
            recorder.add(target.id, measure(target))
            step(target.id)
    return recorder.result()


def summary(result: results.Result) -> str:
    """What the variants ask of an application, in one sentence."""
    rows = {name: result.of(name)[-1] for name in variants_in(result)}
    lines = {name: float(len(sample["config"])) for name, sample in rows.items()}
    alone = sum(int(sample["processes"]) == 1 for sample in rows.values())
    clean = sum(remains(sample["after_kill"]) == "nothing" for sample in rows.values())
    says = _names_signals(rows.values())
    reached = sum(
        all(
            arrival(name, seen, names=says).startswith("yes")
            for name, seen in sample["signals"].items()
        )
        for sample in rows.values()
    )
    of = counted(len(rows), "variant")
    how = "by name" if says else "(which it does not name)"
    by_name = f"{reached} of {len(rows)} get each of {len(SIGNALS)} signals {how}"
    if rows and all(
        "not_here" in seen for row in rows.values() for seen in row["signals"].values()
    ):
        by_name = f"signals are {NO_SIGNALS}"
    return (
        f"A project writes {ends(lines, lambda count: f'{count:g} lines')}; {alone} of {of} are "
        f"one process, {by_name}, and {clean} of {len(rows)} leave nothing after a SIGKILL."
    )


def render(result: results.Result) -> str:
    """The integration complexity table."""
    says = _names_signals(result.samples)
    return table(
        [
            "variant",
            "configuration lines",
            "externalBin as it is",
            "files to ship",
            "packages to build",
            "processes",
            *(f"{name} arrives" for name in SIGNALS),
            "left after SIGKILL",
        ],
        [
            [
                str(sample["target"]),
                str(len(sample["config"])),
                "yes" if sample["external_bin"] else "no: a launcher is",
                str(sample["files_shipped"]),
                _needs(sample),
                str(sample["processes"]),
                *(arrival(name, sample["signals"].get(name, {}), names=says) for name in SIGNALS),
                remains(sample["after_kill"]),
            ]
            for sample in result.samples
        ],
    )


def _needs(sample: Mapping[str, Any]) -> str:
    return " + ".join([str(sample["locked_packages"]), *sample["tools"]])


def arrival(sent: str, seen: Mapping[str, Any], *, names: bool = True) -> str:
    """Whether a signal reached the program, in words.

    Args:
        sent: Its name.
        seen: What was seen then.
        names: Whether the program says which signal stopped it; if not, its end alone can tell.
    """
    if "not_here" in seen:
        return str(seen["not_here"])
    said, ended = str(seen.get("said", "")), str(seen.get("exit_signal", ""))
    if said == sent:
        return "yes"
    if said:
        return f"as {said}" + (f", and ends the launcher by {ended}" if ended else "")
    if not names and ended in ("", sent):
        return f"yes: ends by {ended}" if ended else f"yes: stops with {seen.get('exit_code')}"
    if ended:
        return f"no: ended by {ended}"
    return f"stops with {seen.get('exit_code')}, names no signal"


def _names_signals(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the program says, in any row, which signal stopped it."""
    return any(seen.get("said") for row in rows for seen in row["signals"].values())


def remains(seen: Mapping[str, Any]) -> str:
    """What stays after the kill of the process that a host holds, in words."""
    parts = []
    if seen["processes"]:
        until = "" if seen["after_stdin_end"] else " until stdin ends"
        parts.append(f"{seen['processes']} process{until}")
    elif (seen["gone_s"] or 0.0) > 0.5:
        parts.append(f"a process for {seen['gone_s']:.1f} s")
    if seen["files"]:
        parts.append(f"{seen['files']} files")
    return ", ".join(parts) or "nothing"
