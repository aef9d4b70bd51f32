"""How it ends: threads, exceptions, exit codes, faults."""

from __future__ import annotations

from benchmarks.faults.case import case
from benchmarks.faults.conditions import MEGABYTE, NO_CORE, Conditions, limits
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    Status,
    checks,
    degraded,
    failed,
    passed,
    remains,
    worst,
)


@case(
    "At the end of main a thread is waited for, a daemon thread is not, and atexit runs.",
    needs=(Need.PROBE,),
)
def threads_at_exit(sandbox: Sandbox) -> CaseResult:
    """Exit code 0, and the three lines in their order."""
    observation = sandbox.ask("threads")
    problem = _end_of(observation, code=0)
    if problem is not None:
        return problem
    wanted = ("MAIN ENDS", "LATE THREAD", "ATEXIT")
    if observation.stdout != wanted:
        return failed(f"it said {', '.join(observation.stdout)}", observation)
    return passed("the thread is waited for, and atexit runs", observation)


def _end_of(observation: Observation, *, code: int) -> CaseResult | None:
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    left = remains(observation)
    if left is not None:
        return left
    if observation.exit_code != code:
        text = f"{observation.ending}, not with {code}: {observation.last_words}"
        # Another code than the program's own is less than promised; a false success misleads.
        return (
            failed(text, observation)
            if 0 in (code, observation.exit_code)
            else degraded(text, observation)
        )
    return None


@case(
    "An unhandled exception: exit code 1, and a traceback with type, message and functions.",
    needs=(Need.PROBE,),
)
def unhandled_exception(sandbox: Sandbox) -> CaseResult:
    """What a host attaches to its error report."""
    observation = sandbox.ask("exception")
    problem = _end_of(observation, code=1)
    if problem is not None:
        return problem
    stderr = "\n".join(observation.stderr)
    missing = [
        part
        for part, text in (
            ("the type", "RuntimeError"),
            ("the message", "the reason in words: ü"),
            ("the function that failed", "inner_function_that_fails"),
            ("its caller", "command_exception"),
            ("a line number", "line "),
        )
        if text not in stderr
    ]
    if missing:
        return degraded(f"the traceback lacks {', '.join(missing)}", observation)
    return passed("type, message, functions and lines are there", observation)


@case(
    "sys.exit(3) reaches the host as 3, and sys.exit with a text as 1 and the text.",
    needs=(Need.PROBE,),
)
def exit_codes(sandbox: Sandbox) -> CaseResult:
    """The host's only word on how it went."""
    number = sandbox.ask("exit", "3")
    text = sandbox.ask("exit", "words of farewell")
    by_call = {
        "sys.exit(3)": _end_of(number, code=3) or passed("3", number),
        "sys.exit(text)": _end_of(text, code=1) or passed("1", text),
    }
    if not any("words of farewell" in line for line in text.stderr):
        by_call["the text"] = degraded("it is not on stderr", text)
    return worst(by_call, pass_detail="both reach the host")


@case(
    "os.abort reaches the host as SIGABRT, and nothing is left.",
    needs=(Need.SIGNALS, Need.PROBE),
)
def abort(sandbox: Sandbox) -> CaseResult:
    """A failed assertion in a C library."""
    return _fatal(sandbox.ask("abort", conditions=_NO_CORE), "SIGABRT")


_NO_CORE = Conditions(wrap=NO_CORE)


def _fatal(observation: Observation, name: str) -> CaseResult:
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    if observation.exit_code == 0:
        return failed("exited with 0", observation)
    left = remains(observation)
    if left is not None:
        return left
    if observation.exit_signal != name:
        return degraded(f"{observation.ending}, not ended by {name}", observation)
    return passed(f"ended by {name}, nothing left", observation)


@case(
    "Overflow of the C stack reaches the host as SIGSEGV, and nothing is left.",
    needs=(Need.SIGNALS, Need.PROBE),
)
def stack_overflow(sandbox: Sandbox) -> CaseResult:
    """Recursion through C with the interpreter's guard out of the way."""
    return _fatal(sandbox.ask("overflow", conditions=_NO_CORE), "SIGSEGV")


@case("Endless recursion in Python raises RecursionError.", needs=(Need.PROBE,))
def recursion(sandbox: Sandbox) -> CaseResult:
    """With the interpreter's own limit in place, compiled functions included."""
    return checks(sandbox.ask("recurse"), grave=("recursion",))


@case(
    "A memory fault reaches the host as SIGSEGV, faulthandler speaks, nothing is left.",
    needs=(Need.SIGNALS, Need.PROBE),
)
def memory_fault(sandbox: Sandbox) -> CaseResult:
    """A read at address 0."""
    observation = sandbox.ask("segfault", conditions=_NO_CORE)
    verdict = _fatal(observation, "SIGSEGV")
    if verdict.status is not Status.PASS:
        return verdict
    if not any("Fatal Python error" in line for line in observation.stderr):
        return degraded("ended by SIGSEGV, but faulthandler said nothing", observation)
    return verdict


@case("Too much memory asked for raises MemoryError.", needs=(Need.PROBE, Need.LIMITS))
def memory_error(sandbox: Sandbox) -> CaseResult:
    """4 GiB with an address space of 1 GiB."""
    conditions = Conditions(wrap=limits(**{"as": 1024 * MEGABYTE}))
    return checks(sandbox.ask("memory", conditions=conditions), grave=("memory",))
