"""Chaos: random lives of every variant through the supervisor, from a seed.

The run itself is Rust (``src-tauri/supervisor/examples/chaos``), beside the code that it tests;
this file runs it for each variant and keeps what it counted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults import ability, supervised
from benchmarks.faults.needs import Need
from benchmarks.faults.program import program_of
from benchmarks.targets import Target
from benchmarks.wording import counted, variants_in
from spike.build.buildinfo import Built
from spike.core import process
from spike.core.errors import SpikeError
from spike.core.progress import progress
from spike.core.tables import table
from spike.launch.ready import Ready
from spike.measure import results
from spike.project.sidecar import Sidecar

NAME = "chaos"

SECONDS_A_LIFE = 15.0
"""Bound of one life, by far: the longest stop takes 8 s of grace and 3 s after SIGKILL."""

VIOLATIONS_KEPT = 20
"""Violations that a result keeps in words; all are counted."""


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    lifecycles: int,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Send every variant through random lives.

    Raises:
        MissingToolError: There is no Rust.
        SpikeError: The run does not compile, or ends without its counts.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    supervised.build()
    with (
        results.recording(
            NAME,
            sidecar,
            targets={target.id: target.as_json() for target in targets},
            settings={"lifecycles": lifecycles, "seed": seed},
            partial=partial,
        ) as recorder,
        progress("chaos", len(targets)) as step,
    ):
        for target in targets:
            assert target.built is not None
            counts = one(
                target.built.artifact,
                lifecycles=lifecycles,
                seed=seed,
                options=() if sidecar.is_hello else options_of(target.built),
            )
            recorder.add(target.id, counts)
            step(target.id)
    return recorder.result()


def options_of(built: Built) -> tuple[str, ...]:
    """How another sidecar than the hello sidecar is launched, and when it is ready."""
    sidecar = built.sidecar
    alone = Need.BESIDE in ability.lacking(program_of(built, protocol=False))
    return (
        *(word for arg in sidecar.args for word in ("--arg", arg)),
        *(word for item in sidecar.env.items() for word in ("--env", "=".join(item))),
        *supervised.ready_options(Ready.of(sidecar), timeout_s=sidecar.ready_timeout_s),
        *(("--parallel", "1") if alone else ()),
    )


def one(
    program: Path, *, lifecycles: int, seed: int, options: Sequence[str] = ()
) -> dict[str, Any]:
    """The counts of one program's lives.

    Args:
        program: The program.
        lifecycles: How many lives.
        seed: Of what is done in them.
        options: How it is launched, see :func:`options_of`.

    Raises:
        SpikeError: The run ended without them.
    """
    argv = (
        *(str(supervised.chaos()), "--program", str(program)),
        *("--lifecycles", str(lifecycles), "--seed", str(seed)),
        *options,
    )
    done = process.capture(argv, timeout_s=60.0 + SECONDS_A_LIFE * lifecycles)
    *said, last = done.output.strip().splitlines() or [""]
    try:
        counts = json.loads(last)
    except ValueError:
        raise SpikeError(
            f"{process.shown(argv)} ended without its counts (exit code {done.exit_code}).",
            why="It took too long." if done.timed_out else done.errors.strip()[-500:],
        ) from None
    violations = [line.removeprefix("violation: ") for line in said]
    return {**counts, "violations_in_words": violations[:VIOLATIONS_KEPT]}


def violations(result: results.Result) -> int:
    """All violations of a run."""
    return sum(int(sample["violations"]) for sample in result.samples)


def missed(result: results.Result) -> list[str]:
    """Variants with lives that broke a rule."""
    return [
        f"{sample['target']}: {sample['violations']} violations"
        for sample in result.samples
        if sample["violations"]
    ]


def summary(result: results.Result) -> str:
    """What held, in one sentence."""
    lives = sum(int(sample["lifecycles"]) for sample in result.samples)
    launches = sum(int(sample["launches"]) for sample in result.samples)
    return (
        f"{counted(violations(result), 'violation')} in {lives} random lives "
        f"({launches} launches) of {counted(len(variants_in(result)), 'variant')}: killed, "
        "signalled, suspended and restarted at random moments."
    )


def render(result: results.Result) -> str:
    """What was done to each variant, and whether everything held."""
    rows = [
        [
            str(sample["target"]),
            *(
                str(sample[name])
                for name in (
                    *("lifecycles", "launches", "ready", "restarts"),
                    *("killed_by_supervisor", "stragglers", "violations"),
                )
            ),
        ]
        for sample in result.samples
    ]
    columns = [
        "variant",
        "lives",
        "launches",
        "READY",
        "restarts",
        "stops that needed SIGKILL",
        "processes found and ended",
        "violations",
    ]
    text = table(columns, rows, numeric=1)
    words = [
        f"- {sample['target']}: {line}"
        for sample in result.samples
        for line in sample["violations_in_words"]
    ]
    return "\n\n".join([text, "\n".join(words)]) if words else text
