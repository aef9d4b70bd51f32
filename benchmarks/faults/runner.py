"""Runs cases on variants: what disturbs nobody side by side, the rest alone."""

from __future__ import annotations

import difflib
import itertools
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.faults import supervised
from benchmarks.faults.case import Case, all_cases
from benchmarks.faults.needs import Need, missing
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.targets import FaultTarget
from benchmarks.faults.verdict import CaseResult, NotRun, Status
from spike.core import windows
from spike.core.errors import SpikeError, UsageError
from spike.launch import leftovers

WORKERS = 2
"""Cases side by side. More of them would make each other's starts slow without need."""

FILES_SAMPLE = 3
"""Names of files left behind that a result keeps."""

SEED = 20260101
"""Of everything that is drawn: which bits are flipped, and where. The same in every run."""


@dataclass(frozen=True, kw_only=True)
class CaseRun:
    """One case on one target.

    Attributes:
        target: The target's id.
        case: The case's name.
        result: The verdict; None when it was not run.
        reason: Why it was not run; empty otherwise.
        broken: Whether the case itself failed, which is a mistake of this suite.
        elapsed_s: Seconds that it took.
        launches: How many programs it launched.
    """

    target: str
    case: str
    result: CaseResult | None
    reason: str = ""
    broken: bool = False
    elapsed_s: float = 0.0
    launches: int = 0

    @property
    def status(self) -> Status:
        """Its status; :attr:`Status.NOT_RUN` without a result."""
        return self.result.status if self.result else Status.NOT_RUN

    def as_sample(self) -> dict[str, Any]:
        """What a result file keeps of it, without the target."""
        sample: dict[str, Any] = {
            "case": self.case,
            "status": self.status.value,
            "elapsed_s": round(self.elapsed_s, 3),
            "launches": self.launches,
        }
        if self.result is None:
            return {**sample, "reason": self.reason, "broken": self.broken}
        kept = asdict(self.result)
        del kept["status"]
        # Names of the files that are left are the same thousand times; their number counts.
        kept["files_left_sample"] = kept["files_left"][:FILES_SAMPLE]
        kept["files_left"] = len(kept["files_left"])
        if self.status is Status.PASS:
            del kept["stderr"]
        return {**sample, **{name: value for name, value in kept.items() if value}}


def select(names: Sequence[str]) -> list[Case]:
    """The cases of these names; a category or a topic means all of its cases; all when empty.

    Raises:
        UsageError: There is no case of that name.
    """
    cases = all_cases()
    if not names:
        return list(cases.values())
    chosen: dict[str, Case] = {}
    for name in names:
        matching = {
            key: one for key, one in cases.items() if name in (key, one.category, one.topic)
        }
        chosen |= matching or {name: find(name)}
    return [one for key, one in cases.items() if key in chosen]


def find(name: str) -> Case:
    """The case of this name.

    Raises:
        UsageError: There is none.
    """
    cases = all_cases()
    if name in cases:
        return cases[name]
    near = difflib.get_close_matches(name, cases, n=3)
    raise UsageError(
        f"There is no case {name!r}.",
        why=f"Did you mean {' or '.join(near)}?" if near else "",
        try_next="invoke faults --list",
    )


def jobs(cases: Sequence[Case], targets: Sequence[FaultTarget]) -> list[tuple[Case, FaultTarget]]:
    """What there is to do: the supervisor goes through the cases of life and death only."""
    return [
        (one, target)
        for one in cases
        for target in targets
        if one.of_life_and_death or not target.ours
    ]


def run_one(case_name: str, target: FaultTarget, seed: int) -> CaseRun:
    """Run one case on one target; a mistake of the suite does not end the run."""
    one = all_cases()[case_name]
    started = time.monotonic()
    if target.problem:
        return CaseRun(target=target.id, case=one.name, result=None, reason=target.problem)
    for need in one.needs:
        problem = target.lacks.get(need) or missing(need)
        if need is Need.PROBE and target.probe is None:
            problem = target.probe_problem
        if problem:
            return CaseRun(target=target.id, case=one.name, result=None, reason=problem)
    result, reason, broken = None, "", False
    with Sandbox(
        target=target.id,
        hello=target.hello,
        probe=target.probe,
        probe_problem=target.probe_problem,
        seed=seed,
    ) as sandbox:
        try:
            if target.launcher:
                sandbox.hello = supervised.behind_launcher(sandbox.hello, sandbox.folder("shipped"))
            if target.supervisor:
                sandbox.hello = supervised.behind_supervisor(sandbox.hello)
            result = one.function(sandbox)
            if target.ours:
                result = supervised.strict(result)
        except NotRun as not_run:
            reason = str(not_run)
        except Exception as error:  # recorded: one broken case must not hide the others
            reason, broken = f"the case itself failed: {type(error).__name__}: {error}", True
            if os.environ.get("SPIKE_DEBUG"):
                raise
    return CaseRun(
        target=target.id,
        case=one.name,
        result=result,
        reason=reason,
        broken=broken,
        elapsed_s=time.monotonic() - started,
        launches=sandbox.launches,
    )


def run(
    work: Sequence[tuple[Case, FaultTarget]], *, seed: int = SEED, workers: int = WORKERS
) -> Iterator[CaseRun]:
    """Run every job and give each as it ends: first those side by side, then those alone.

    Raises:
        SpikeError: A worker process died.
    """
    if windows.emulator():
        # Under Wine 8 the workers of `python -m invoke` never get to their first job.
        yield from (run_one(one.name, target, seed) for one, target in work)
        return
    together = [job for job in work if not _alone(*job)]
    alone = [job for job in work if _alone(*job)]
    # Processes, not threads: a program copied by one thread while another forks could not be
    # executed ("text file busy"), since the fork inherits the open copy for a moment.
    context = multiprocessing.get_context("spawn")
    for phase, count in ((together, workers), (alone, 1)):
        if not phase:
            continue
        executor = ProcessPoolExecutor(count, mp_context=context, initializer=_prepare_worker)
        upcoming = iter(phase)
        pending: set[Future[CaseRun]] = set()
        try:
            while True:
                # No more than the workers can take at once: then an end has nothing to cancel,
                # which the pool of Python 3.11 answers with a traceback when a worker dies.
                for one, target in itertools.islice(upcoming, count - len(pending)):
                    pending.add(executor.submit(_job, one.name, target, seed))
                if not pending:
                    break
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except BaseException as error:
            # A Ctrl-C on a terminal reaches the workers by itself; any other end does not.
            # Windows has no way to tell them: they finish the job that they are at.
            for worker in multiprocessing.active_children() if sys.platform != "win32" else ():
                if worker.pid is not None and worker.is_alive():
                    os.kill(worker.pid, signal.SIGINT)
            if isinstance(error, RuntimeError):
                raise SpikeError(f"A worker of the suite died: {error}.") from None
            raise
        finally:
            with _undisturbed():
                executor.shutdown(wait=True, cancel_futures=True)


def _alone(one: Case, target: FaultTarget) -> bool:
    """Whether others beside it would disturb it: the case, or the program that it launches."""
    return one.alone or Need.BESIDE in target.lacks


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the workers have undone what they made.

    An interrupted join makes Python 3.11 believe that the pool's thread has ended; it then waits
    for ever for workers that nobody tells to end.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Interrupted:
    """What a worker process knows of the end it was asked for."""

    asked = False
    at_work = False


def _prepare_worker() -> None:
    leftovers.adopt_orphans()
    # SIGINT ends a job, also where the shell made this program ignore it: see run().
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    """End the job under way, once.

    A second SIGINT (the terminal's and ours) must not cut short what the job undoes, and a
    worker that waits for its next job must not die of it: the pool would then end the others
    in the middle of theirs.
    """
    first, _Interrupted.asked = not _Interrupted.asked, True
    if first and _Interrupted.at_work:
        raise KeyboardInterrupt


def _job(case_name: str, target: FaultTarget, seed: int) -> CaseRun:
    """What a worker does."""
    _Interrupted.at_work = True
    try:
        if _Interrupted.asked:
            raise KeyboardInterrupt
        return run_one(case_name, target, seed)
    finally:
        _Interrupted.at_work = False
