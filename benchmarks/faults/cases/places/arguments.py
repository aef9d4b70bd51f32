"""The arguments: whether they arrive as they were given."""

from __future__ import annotations

import os
from collections.abc import Iterable

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    Status,
    failed,
    passed,
    stops,
)


@case(
    "Its arguments arrive as they were given: empty, with spaces, beyond ASCII, --help.",
    needs=(Need.PROTOCOL,),
)
def arguments_arrive(sandbox: Sandbox) -> CaseResult:
    """The hello sidecar repeats them in its BOOT line, percent-encoded."""
    args = ("a b", "", "ü漢", "%", "--help", "-v", "--version", "-")
    observation = sandbox.run(Conditions(args=args))
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    return _same_arguments(observation, args)


@case(
    "An argument that is not valid UTF-8 arrives as it was given.",
    needs=(Need.BYTES, Need.PROTOCOL),
)
def arguments_not_utf8(sandbox: Sandbox) -> CaseResult:
    """A file name from an old archive."""
    args = (os.fsdecode(b"caf\xe9"),)
    observation = sandbox.run(Conditions(args=args))
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    return _same_arguments(observation, args)


@case("-c among its arguments reaches the program: it is no interpreter.", needs=(Need.PROTOCOL,))
def arguments_with_c(sandbox: Sandbox) -> CaseResult:
    """Frozen programs treat it specially, for the sake of multiprocessing."""
    args = ("--config", "a", "-c", "b")
    observation = sandbox.run(Conditions(args=args))
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    return _same_arguments(observation, args)


def _same_arguments(observation: Observation, args: Iterable[str]) -> CaseResult:
    wanted = "args=" + ",".join(_escaped(word) for word in args)
    if wanted in observation.boot.split():
        return passed("all arrive unchanged", observation)
    return failed(f"they arrive changed: {observation.boot}", observation)


def _escaped(text: str) -> str:
    """As the hello sidecar escapes an argument."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"%," else f"%{byte:02X}"
        for byte in os.fsencode(text)
    )
