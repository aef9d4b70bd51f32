"""Processes of its own: what they inherit, and whether they work."""

from __future__ import annotations

import sys

from benchmarks.faults.case import case
from benchmarks.faults.conditions import BASE_ENVIRONMENT, HOMES, Conditions
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    Status,
    checks,
    degraded,
    ended_badly,
    failed,
    passed,
    stops,
)
from spike.launch.spec import MARK, TEMPORARY

EXIT_TOO_DEEP = 97
"""The probe's exit code when it has started itself too often in a row."""


LINKER_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "PYTHONHOME", "PYTHONPATH")
"""Variables that change what a system's program loads; leaking one breaks such programs."""


@case(
    "A subprocess sees the environment that the program was given: nothing added, nothing changed.",
    needs=(Need.PROBE,),
)
def subprocess_environment(sandbox: Sandbox) -> CaseResult:
    """A leaked LD_LIBRARY_PATH makes the system's programs load the wrong libraries: a failure."""
    observation = sandbox.ask("environment")
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    environment = observation.report["Environment"]
    # PWD and the like are set by no shell here; the probe's own counter and our mark are known.
    expected = {*BASE_ENVIRONMENT, *HOMES, *TEMPORARY, MARK, "SIDECAR_PROBE_DEPTH", "LC_CTYPE"}
    if sys.platform == "win32":
        expected |= {"COMSPEC", "PATHEXT", "PROMPT"}  # the system's shell sets these for itself
    added = sorted(set(environment) - expected)
    if any(name in LINKER_VARIABLES for name in added):
        names = [name for name in added if name in LINKER_VARIABLES]
        return failed(f"leaked into subprocesses: {', '.join(names)}", observation)
    if added:
        return degraded(f"leaked into subprocesses: {', '.join(added)}", observation)
    return passed("nothing leaked", observation)


@case(
    "Its own processes have the environment that it was given: no variable of the loader or the "
    "interpreter is added.",
    needs=(Need.LINUX,),
)
def own_environment(sandbox: Sandbox) -> CaseResult:
    """/proc shows what the last execve was given, which is not always what the host passed."""
    with sandbox.session() as session:
        session.until_ready()
        environments = session.processes()
        own = environments.get(session.pid, {})
        session.stop()
        observation = session.end()
    result = stops(observation)
    if result.status is not Status.PASS:
        return result
    if again := [name for name in LINKER_VARIABLES if name in own]:
        return degraded(f"it executes itself again, with {', '.join(again)} added", observation)
    added = [
        name
        for name in LINKER_VARIABLES
        if any(name in environment for environment in environments.values())
    ]
    if added:
        return degraded(f"a second process of it has {', '.join(added)} added", observation)
    count = len(environments)
    return passed(f"nothing added to {count} process{'es' if count > 1 else ''}", observation)


@case(
    "LD_LIBRARY_PATH as the user set it reaches a subprocess unchanged.",
    needs=(Need.LOADER, Need.PROBE),
)
def subprocess_library_path(sandbox: Sandbox) -> CaseResult:
    """The packager's own folders must not be added to it."""
    value = "/nonexistent/of-the-user"
    observation = sandbox.ask("environment", conditions=Conditions(env={"LD_LIBRARY_PATH": value}))
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    arrived = observation.report["Environment"].get("LD_LIBRARY_PATH", "")
    if arrived != value:
        return failed(f"a subprocess sees LD_LIBRARY_PATH={arrived!r}", observation)
    return passed("unchanged", observation)


@case("multiprocessing with spawn works, with a bounded number of processes.", needs=(Need.PROBE,))
def multiprocessing_spawn(sandbox: Sandbox) -> CaseResult:
    """A frozen program that starts itself for ever is a fork bomb; the probe counts."""
    return _processes(sandbox.ask("multiprocessing", "spawn"))


@case(
    "multiprocessing with forkserver works, with a bounded number of processes.",
    needs=(Need.FORK, Need.PROBE),
)
def multiprocessing_forkserver(sandbox: Sandbox) -> CaseResult:
    """The default of Python 3.14 on Linux."""
    return _processes(sandbox.ask("multiprocessing", "forkserver"))


@case(
    "multiprocessing with fork works.",
    needs=(Need.FORK, Need.PROBE),
)
def multiprocessing_fork(sandbox: Sandbox) -> CaseResult:
    """The default of Python 3.11 on Linux."""
    return _processes(sandbox.ask("multiprocessing", "fork"))


@case("A ProcessPoolExecutor with spawn works.", needs=(Need.MESSAGES, Need.PROBE))
def process_pool_executor(sandbox: Sandbox) -> CaseResult:
    """The way most programs do it."""
    return _processes(sandbox.ask("executor"))


def _processes(observation: Observation) -> CaseResult:
    if observation.exit_code == EXIT_TOO_DEEP or any(
        "started itself" in line for line in observation.stderr
    ):
        return failed("it starts itself again and again", observation)
    # Workers that never answer: the program hangs for ever where the probe has a time limit.
    return checks(observation, grave=("pool", "executor"))


@case("It can start itself again through sys.executable, with arguments.", needs=(Need.PROBE,))
def starts_itself(sandbox: Sandbox) -> CaseResult:
    """A nested launch; sys.executable has to name a file that does that."""
    return checks(sandbox.ask("self"))


@case(
    "A forked child that exits does not take the program's files with it.",
    needs=(Need.FORK, Need.PROBE),
)
def fork_and_exit(sandbox: Sandbox) -> CaseResult:
    """os._exit and sys.exit in a child; then the data file is read."""
    return checks(sandbox.ask("fork"))
