"""One case on variants, as the reproduction of an entry in the issue log.

    python -m benchmarks.faults.reproduce sighup_at_rest nuitka-onefile
    python -m benchmarks.faults.reproduce sigkill_during_start supervisor+pyinstaller-onefile

Exit 0: it still does not pass. Exit 1: it passes by now: the entry that names it can be closed.
Exit 2: it could not be tried.
"""

from __future__ import annotations

import argparse

from benchmarks.faults import report, runner, targets
from benchmarks.faults.case import Case
from benchmarks.faults.verdict import Status
from spike.build import buildinfo
from spike.core.command_line import run_command_line
from spike.core.errors import EXIT_CANNOT, EXIT_GOAL_MISSED, EXIT_OK, UsageError
from spike.launch import leftovers
from spike.project import sidecar


def main(arguments: list[str]) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog=report.REPRODUCE, allow_abbrev=False)
    parser.add_argument("case", help="a case, see: invoke faults --list")
    parser.add_argument("variant", nargs="+", help="such as nuitka-onefile")
    options = parser.parse_args(arguments)
    (case,) = runner.select([options.case])
    leftovers.adopt_orphans()
    statuses = []
    for target in _targets(options.variant, case):
        case_run = runner.run_one(case.name, target, runner.SEED)
        statuses.append(case_run.status)
        _say(f"{case_run.case} on {case_run.target}: {case_run.status}")
        _say(f"  expected: {case.expectation}")
        _say(f"  seen: {case_run.result.detail if case_run.result else case_run.reason}")
        for line in case_run.result.processes_left if case_run.result else ():
            _say(f"  left: {line}")
        for line in case_run.result.stderr if case_run.result else ():
            _say(f"  stderr: {line}")
    if Status.NOT_RUN in statuses:
        return EXIT_CANNOT
    return EXIT_GOAL_MISSED if Status.PASS in statuses else EXIT_OK


def _targets(names: list[str], case: Case) -> list[targets.FaultTarget]:
    """The variants of these names, and those behind our own code (``supervisor+…``).

    The probe is frozen for them where the case asks for it and it is not there yet.

    Raises:
        SpikeError: One is not built, or cannot be put behind it.
    """
    plain = tuple(dict.fromkeys(name.rpartition("+")[2] for name in names))
    built = buildinfo.find_all(sidecar.load(), plain)
    targets.build_probes(built, [case])
    found = targets.fault_targets(built)
    if any(map(targets.is_ours, names)):
        found += targets.behind_ours(found)
    by_name = {target.id: target for target in found}
    if unknown := [name for name in names if name not in by_name]:
        raise UsageError(
            f"There is no target {unknown[0]!r}.",
            why=f"Known are: {', '.join(by_name)}.",
            try_next=f"{report.REPRODUCE} CASE {next(iter(by_name))}",
        )
    return [by_name[name] for name in names]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this module is a command line


if __name__ == "__main__":
    run_command_line(main)
