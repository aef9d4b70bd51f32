"""Limits of the process: open files, memory, file sizes, stack, umask."""

from __future__ import annotations

from benchmarks.faults.case import case
from benchmarks.faults.cases.places.temporary_folder import SPACE
from benchmarks.faults.conditions import MEGABYTE, Conditions, limits, shell
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    starts_or_refuses,
    stops,
)


@case("64 open files at most: it starts.", needs=(Need.LIMITS,))
def limit_open_files(sandbox: Sandbox) -> CaseResult:
    """An old default of some systems."""
    return stops(sandbox.run(Conditions(wrap=limits(nofile=64))))


@case("8 open files at most: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_open_files_tight(sandbox: Sandbox) -> CaseResult:
    """Three are the standard streams; a frozen program opens its archive and its libraries."""
    observation = sandbox.run(Conditions(wrap=limits(nofile=8)))
    return starts_or_refuses(observation, cause=r"open file|too many|EMFILE|descriptor")


@case("512 MiB of address space: it starts.", needs=(Need.LIMITS,))
def limit_address_space(sandbox: Sandbox) -> CaseResult:
    """A service with a memory limit."""
    return stops(sandbox.run(Conditions(wrap=limits(**{"as": 512 * MEGABYTE}))))


@case("12 MiB of address space: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_address_space_tight(sandbox: Sandbox) -> CaseResult:
    """Too little for an interpreter."""
    observation = sandbox.run(Conditions(wrap=limits(**{"as": 12 * MEGABYTE})))
    return starts_or_refuses(observation, cause=r"memory|allocate|map segment")


@case(
    "Files of at most 1 MiB: it starts, or refuses, names the cause and leaves nothing.",
    needs=(Need.LIMITS,),
)
def limit_file_size(sandbox: Sandbox) -> CaseResult:
    """What unpacks larger files gets SIGXFSZ."""
    observation = sandbox.run(Conditions(wrap=limits(fsize=MEGABYTE, core=0)))
    return starts_or_refuses(observation, cause=SPACE + "|too large|file size")


@case("256 KiB of stack: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_stack(sandbox: Sandbox) -> CaseResult:
    """Some hosts start their children with little stack."""
    observation = sandbox.run(Conditions(wrap=limits(stack=256 * 1024, core=0)))
    return starts_or_refuses(observation, cause=r"stack|memory")


@case("umask 077: it starts.", needs=(Need.RIGHTS,))
def umask_077(sandbox: Sandbox) -> CaseResult:
    """Private by default."""
    return stops(sandbox.run(Conditions(wrap=shell("umask 077"))))
