"""One case on variants, as the reproduction of an entry in the issue log.

    python -m benchmarks.faults.reproduce sighup_at_rest nuitka-onefile
    python -m benchmarks.faults.reproduce sigkill_during_start supervisor+pyinstaller-onefile
    python -m benchmarks.faults.reproduce own_python cx_freeze-onedir --showing "it runs on"
    python -m benchmarks.faults.reproduce sigkill_at_rest nuitka-onefile --sidecar DIR
    python -m benchmarks.faults.reproduce sigkill_at_rest nuitka-onefile --python 3.13

With ``--showing`` it must also be seen in these words, so that an entry is not kept alive by
another fault that the same case shows. With ``--sidecar`` the case launches that program in place
of the hello sidecar; it is built when it is not there. With ``--python`` it is the build of that
Python.

Exit 0: it is still so. Exit 1: it is not (any more): the entry that names it can be closed.
Exit 2: it could not be tried.
"""

from __future__ import annotations

import argparse

from benchmarks.faults import runner, targets
from benchmarks.faults.case import Case
from benchmarks.faults.entries import reproduce_command
from benchmarks.faults.runner import CaseRun
from benchmarks.faults.targets import FaultTarget
from benchmarks.faults.verdict import Status
from spike.build import buildinfo, sessions
from spike.build.buildinfo import Built
from spike.core.command_line import run_command_line
from spike.core.errors import EXIT_CANNOT, EXIT_GOAL_MISSED, EXIT_OK, SpikeError, UsageError
from spike.launch import leftovers
from spike.packagers import variant_named
from spike.project import sidecar
from spike.project.sidecar import Sidecar


def main(arguments: list[str]) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog=reproduce_command(), allow_abbrev=False)
    parser.add_argument("case", help="a case, see: invoke faults --list")
    parser.add_argument("variant", nargs="+", help="such as nuitka-onefile")
    parser.add_argument("--showing", default="", help="words that must be in what is seen")
    parser.add_argument("--sidecar", help="another program than the hello sidecar: its folder")
    parser.add_argument("--python", default="", help="as built with another Python")
    options = parser.parse_args(arguments)
    case = runner.find(options.case)
    leftovers.adopt_orphans()
    case_runs = []
    for target in _targets(options.variant, case, options.sidecar, options.python):
        case_run = runner.run_one(case.name, target, runner.SEED)
        case_runs.append(case_run)
        _say(f"{case_run.case} on {case_run.target}: {case_run.status}")
        _say(f"  expected: {case.expectation}")
        _say("\n".join(seen(case_run)))
    if any(case_run.status is Status.NOT_RUN for case_run in case_runs):
        return EXIT_CANNOT
    shown = all(shows(case_run, options.showing) for case_run in case_runs)
    if not shown and options.showing:
        _say(f"not seen everywhere: {options.showing}")
    return EXIT_OK if shown else EXIT_GOAL_MISSED


def shows(case_run: CaseRun, words: str) -> bool:
    """Whether a case does not pass, and shows it in the words that were asked for."""
    return case_run.status is not Status.PASS and words in "\n".join(seen(case_run))


def seen(case_run: CaseRun) -> list[str]:
    """What a case saw, a line each."""
    result = case_run.result
    if result is None:
        return [f"  not run: {case_run.reason}"]
    return [
        f"  seen: {result.detail}",
        *(f"  {name}: {value}" for name, value in result.facts.items()),
        *(f"  left: {line}" for line in result.processes_left),
        *(f"  left: {name}" for name in result.files_left[: runner.FILES_SAMPLE]),
        *(f"  stderr: {line}" for line in result.stderr),
    ]


def _targets(names: list[str], case: Case, folder: str | None, python: str) -> list[FaultTarget]:
    """The variants of these names, and those behind our own code (``supervisor+…``).

    The probe is frozen for them where the case asks for it and it is not there yet.

    Raises:
        SpikeError: One is not built, or cannot be put behind it.
    """
    plain = tuple(dict.fromkeys(name.rpartition("+")[2] for name in names))
    program = sidecar.load(folder, python)
    built = _builds(program, plain) if folder else buildinfo.find_all(program, plain)
    targets.build_probes(built, [case])
    # The minimal programs of the log speak as the hello sidecar does.
    found = targets.fault_targets(built, as_hello=True)
    if any(map(targets.is_ours, names)):
        found += targets.behind_ours(found)
    by_name = {target.id: target for target in found}
    if unknown := [name for name in names if name not in by_name]:
        raise UsageError(
            f"There is no target {unknown[0]!r}.",
            why=f"Known are: {', '.join(by_name)}.",
            try_next=f"{reproduce_command()} CASE {next(iter(by_name))}",
        )
    return [by_name[name] for name in names]


def _builds(minimal: Sidecar, names: tuple[str, ...]) -> list[Built]:
    """Builds of a minimal program, made when they are not there.

    Raises:
        SpikeError: It does not build.
    """
    for name in names:
        variant = variant_named(name)
        try:
            buildinfo.find(variant, minimal)
        except SpikeError:
            sessions.build(minimal, [variant.packager.name], mode=variant.mode.name)
    return buildinfo.find_all(minimal, names)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this module is a command line


if __name__ == "__main__":
    run_command_line(main)
