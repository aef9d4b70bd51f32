"""Self-check: can these measurements be believed on this machine?

Four questions with known answers, asked of the same launcher and the same statistics that the
benchmarks use:

* the same program under two names must not come out different (A/A);
* a program made 10 ms slower must come out 10 ms slower, within 2 ms;
* the launcher itself must cost little above a bare posix_spawn and read in C;
* two counts of instructions of one program must agree within 0.5 %.

The false-alarm rate of A/A is stated, not hoped for. A 95 % interval misses the truth in 1 of 20
runs, and 20 such runs would miss "19 of 20" one time in four. So a run also passes when its ratio
is within 2 % of 1.0, a difference that nobody would act on, and more rounds let that happen more
often. How often depends on the machine's noise: in two checks of :data:`ROUNDS` rounds the 20
ratios had a standard deviation of 0.4 % and of 1.9 %. At 0.4 % next to no run alarms falsely; at
1.9 % it is the interval's 5 % again, and the bar is missed by chance in one check of four.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import instructions
from benchmarks.targets import PYTHON_ISOLATED, Target, baselines, static_c_program
from spike.core import process
from spike.core.errors import MissingToolError, SpikeError
from spike.core.progress import progress, shuffled_rounds
from spike.core.statistics import Interval, median, median_difference, ratio_of_medians
from spike.core.tables import table
from spike.core.workspace import TOOL
from spike.launch.launcher import launch
from spike.launch.spec import LaunchSpec
from spike.measure import results
from spike.project.sidecar import Sidecar

NAME = "selfcheck"

SPAWN_SOURCE = TOOL / "benchmarks" / "baselines" / "spawn.c"

RUNS = 20
"""A/A runs; one of them may miss."""

ROUNDS = 60
"""Rounds of one A/A run. The more, the less a ratio varies; see above for how much it does."""

DELAYED_EVERY = 4
"""The delayed copy takes part in one round of so many: 10 ms are found with far fewer."""

BASELINE_ROUNDS = 300
"""Interleaved launches by the harness and by the C program."""

BASELINE_CPUS: Final = 1 if sys.platform == "linux" else None
"""CPUs that both use then; None for those that the system gives. See :func:`on_one_cpu`."""

MAX_MISSES: Final = 1
"""Bar: A/A within 2 % of 1.0, or interval covering 1.0, in 19 of 20 runs."""

SAME_WITHIN: Final = 0.02
"""Bar: a ratio within 2 % of 1.0 is no difference."""

DELAY_MS: Final = 10.0
DELAY_WITHIN_MS: Final = 2.0
"""Bar: an added delay of 10 ms is found within 2 ms."""

MAX_OVERHEAD: Final = 1.20
"""Bar: the harness baseline is within 20 % of a bare spawn in C."""

ONE, TWO, DELAYED = "same-one", "same-two", "delayed"
HARNESS, BARE = "spawn-harness", "spawn-c"


def questions(sidecar: Sidecar) -> dict[str, Mapping[str, Any]]:
    """What a result file says of the things that are compared here."""
    text = "the sidecar's script under python -I -S"
    return {
        ONE: {"kind": "check", "what": text, "sha256": sidecar.source_sha256()},
        TWO: {"kind": "check", "what": f"{text}, a copy", "sha256": sidecar.source_sha256()},
        DELAYED: {
            "kind": "check",
            "what": f"{text}, a copy that sleeps {DELAY_MS:g} ms first",
            "sha256": sidecar.source_sha256(),
        },
        HARNESS: {"kind": "check", "what": "the static C program by the harness"},
        BARE: {"kind": "check", "what": "the same program by posix_spawn in C"},
        PYTHON_ISOLATED: {"kind": "baseline", "what": "counted twice by callgrind"},
    }


def run(
    sidecar: Sidecar,
    targets: Sequence[Target] = (),
    *,
    runs: int,
    seed: int = 1,
    partial: bool = False,
) -> results.Result:
    """Ask the four questions; of no target, since they are about the measuring itself.

    Raises:
        SpikeError: The sidecar's script does not run under a plain interpreter, or the C programs
            do not compile.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    with (
        results.recording(
            NAME,
            sidecar,
            targets=questions(sidecar),
            settings={
                "runs": runs,
                "rounds": ROUNDS,
                "baseline_rounds": BASELINE_ROUNDS,
                "baseline_cpus": BASELINE_CPUS,
                "seed": seed,
            },
            partial=partial,
        ) as recorder,
        progress("self-check", steps(runs)) as step,
    ):
        for target, sample in measure(sidecar, runs=runs, seed=seed):
            recorder.add(target, sample)
            step(target)
    return recorder.result()


def steps(runs: int) -> int:
    """Number of samples of a check with that many A/A runs."""
    return runs * (2 * ROUNDS + ROUNDS // DELAYED_EVERY) + 2 * BASELINE_ROUNDS + 2


def measure(sidecar: Sidecar, *, runs: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Take the samples, each with the name of what was launched.

    Raises:
        SpikeError: As :func:`run`.
    """
    baseline = next((item for item in baselines(sidecar) if item.id == PYTHON_ISOLATED), None)
    if baseline is None:
        raise SpikeError(
            f"{sidecar.name} does not run under a bare interpreter: it has dependencies.",
            try_next="invoke self-check (without --sidecar)",
        )
    with tempfile.TemporaryDirectory(prefix="spike-selfcheck-") as name:
        specs = copies(baseline, Path(name))
        for number in range(runs):
            for round_number, target in shuffled_rounds(list(specs), ROUNDS, seed + number):
                if target == DELAYED and round_number % DELAYED_EVERY:
                    continue
                done = launch(specs[target])
                yield (
                    target,
                    {"run": number, "round": round_number, "ready_ms": done.ready_ms},
                )
    yield from spawn_baseline(BASELINE_ROUNDS, seed)
    if not instructions.unavailable():
        for _ in range(2):
            yield PYTHON_ISOLATED, instructions.count(baseline)


def copies(baseline: Target, folder: Path) -> dict[str, LaunchSpec]:
    """Two copies of the script, and one that sleeps first, each under a name of its own."""
    script = baseline.sidecar.folder / baseline.sidecar.entry
    place = baseline.argv.index(str(script))
    text = script.read_text(encoding="utf-8")
    delay = f"import time; time.sleep({DELAY_MS / 1000})\n"
    specs = {}
    for name, content in ((ONE, text), (TWO, text), (DELAYED, delay + text)):
        path = folder / f"{name}.py"
        path.write_text(content, encoding="utf-8")
        specs[name] = baseline.spec(
            argv=(*baseline.argv[:place], str(path), *baseline.argv[place + 1 :])
        )
    return specs


def spawn_baseline(rounds: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Launch the static C program by turns through the harness and from C, on one CPU.

    Raises:
        MissingToolError: There is no C compiler.
        SpikeError: The C programs do not compile, or do not run.
    """
    program = static_c_program()
    spawn = static_c_program(SPAWN_SOURCE)
    with on_one_cpu():
        for round_number, name in shuffled_rounds([HARNESS, BARE], rounds, seed):
            if name == HARNESS:
                # What spawn.c does before its measured launch: once to warm up.
                launch(LaunchSpec(argv=(str(program),)))
                ready_ms = launch(LaunchSpec(argv=(str(program),))).ready_ms
            else:
                done = process.capture([str(spawn), str(program)])
                if not done.ok:
                    raise SpikeError("The bare launch in C failed.", why=done.errors.strip())
                ready_ms = int(done.output) / 1e6
            yield name, {"round": round_number, "ready_ms": ready_ms}


@contextlib.contextmanager
def on_one_cpu() -> Iterator[None]:
    """Keep this process and what it starts on one CPU, where the system can.

    Waking a second CPU, which a virtual machine may have put to sleep, takes from nothing to a
    quarter of such a launch and happens to either side by chance. On one CPU every instruction of
    the harness between the spawn and the read holds the program up, so nothing of it is hidden.
    """
    if sys.platform != "linux":
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One question's answer.

    Attributes:
        question: What was asked.
        found: What came out, in words.
        bar: What had to come out.
        passed: Whether it did; None when it was not asked, with the reason in ``found``.
    """

    question: str
    found: str
    bar: str
    passed: bool | None


def _paired(
    result: results.Result, one: str, other: str, run: int | None = None
) -> tuple[list[float | None], list[float | None]]:
    """Launch to READY of two targets, round by round, where both took part."""
    by_round = [
        {
            (sample.get("run"), sample["round"]): sample["ready_ms"]
            for sample in result.of(target)
            if "ready_ms" in sample and (run is None or sample["run"] == run)
        }
        for target in (one, other)
    ]
    both = sorted(by_round[0].keys() & by_round[1].keys())
    return [by_round[0][key] for key in both], [by_round[1][key] for key in both]


def is_same(ratio: Interval | None) -> bool:
    """Whether an A/A ratio shows no difference that anybody would act on."""
    if ratio is None:
        return False
    return ratio.covers(1.0) or abs(ratio.estimate - 1.0) <= SAME_WITHIN


def answers(result: results.Result) -> list[Answer]:
    """The four answers, derived from the raw samples."""
    runs = sorted({int(sample["run"]) for sample in result.of(ONE)})
    ratios = [ratio_of_medians(*_paired(result, TWO, ONE, run)) for run in runs]
    misses = sum(not is_same(ratio) for ratio in ratios)
    overall = ratio_of_medians(*_paired(result, TWO, ONE))
    allowed = MAX_MISSES * len(runs) / RUNS
    found = [
        Answer(
            question="the same program under two names",
            found=f"{len(runs) - misses} of {len(runs)} runs show no difference; ratio over all "
            + _interval(overall, 3),
            bar="19 of 20 runs: within 2 % of 1.0, or interval covering 1.0",
            passed=bool(runs) and misses <= max(1, round(allowed)),
        )
    ]
    delay = median_difference(*_paired(result, DELAYED, ONE))
    found.append(
        Answer(
            question=f"a program that sleeps {DELAY_MS:g} ms first",
            found=f"{_interval(delay, 2)} ms slower",
            bar=f"{DELAY_MS:g} ms, within {DELAY_WITHIN_MS:g} ms",
            passed=delay is not None and abs(delay.estimate - DELAY_MS) <= DELAY_WITHIN_MS,
        )
    )
    by_harness, by_c = _paired(result, HARNESS, BARE)
    harness = ratio_of_medians(by_harness, by_c)
    bare_ms = median([value for value in by_c if value is not None])
    found.append(
        Answer(
            question="the harness against a bare posix_spawn and read in C"
            + (", on one CPU" if result.settings.get("baseline_cpus") == 1 else ""),
            found=f"{_interval(harness, 2)} times {bare_ms or 0:.2f} ms",
            bar=f"at most {MAX_OVERHEAD:.2f} times",
            passed=harness is not None and harness.estimate <= MAX_OVERHEAD,
        )
    )
    found.append(_counts(result.of(PYTHON_ISOLATED)))
    return found


def _counts(samples: Sequence[Mapping[str, Any]]) -> Answer:
    question = "instructions to READY of one program, counted twice"
    bar = f"within {instructions.TOLERANCE:.1%}"
    if not samples:
        return Answer(
            question=question, found="not run: valgrind is not there", bar=bar, passed=None
        )
    difference = instructions.spread(samples)
    if difference is None:
        return Answer(question=question, found=str(samples[0]["problem"]), bar=bar, passed=False)
    return Answer(
        question=question,
        found=f"{difference:.3%} apart",
        bar=bar,
        passed=difference <= instructions.TOLERANCE,
    )


def _interval(interval: Interval | None, digits: int) -> str:
    if interval is None:
        return "not known"
    low, high = (f"{value:.{digits}f}" for value in (interval.low, interval.high))
    return f"{interval.estimate:.{digits}f} ({low} to {high})"


def passed(result: results.Result) -> bool:
    """Whether every question that could be asked was answered right."""
    return all(answer.passed is not False for answer in answers(result))


def missed(result: results.Result) -> list[str]:
    """Questions that were answered wrong."""
    return [f"wrong: {item.question}" for item in answers(result) if item.passed is False]


def summary(result: results.Result) -> str:
    """How many known answers came out, in one sentence."""
    found = answers(result)
    asked = [item for item in found if item.passed is not None]
    wrong = [item.question for item in asked if not item.passed]
    return (
        f"{len(asked) - len(wrong)} of {len(asked)} questions with known answers came out within "
        "their bars" + (f"; not: {', '.join(wrong)}" if wrong else "") + "."
    )


def render(result: results.Result) -> str:
    """The four answers as a table."""
    words = {True: "yes", False: "**no**", None: "not run"}
    return table(
        ["known answer", "what came out", "bar", "passed"],
        [
            [answer.question, answer.found, answer.bar, words[answer.passed]]
            for answer in answers(result)
        ],
    )


def unavailable() -> str:
    """Why the self-check cannot run here; empty when it can."""
    if sys.platform not in ("linux", "darwin"):
        return f"launches cannot be measured on {sys.platform}"
    try:
        static_c_program(SPAWN_SOURCE)
    except MissingToolError as error:
        return error.what
    return ""
