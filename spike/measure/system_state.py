"""How busy the machine was while something was measured, and what to do about it.

Two snapshots of the kernel's counters, before and after a run, make a :class:`Noise`. It is kept in
the result file as numbers; the warnings are derived when it is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from spike.core import statistics

MAX_LOAD_PER_CPU = 0.75
"""One-minute load at the start, per CPU, above which somebody else had work to do. A benchmark run
right after another leaves about 0.5 on two CPUs by itself."""

MAX_STEAL = 0.01
"""Share of CPU time that the hypervisor gave to others. 1 % already moves a median of 20."""

MAX_PRESSURE = 0.10
"""Share of the time in which some process waited for a CPU (/proc/pressure/cpu, some)."""

MAX_SPREAD = 0.15
"""Interquartile range over median of a target's launches. pyperf warns likewise, at a
standard deviation of 10 % of the mean, which is an interquartile range of 13 %."""


class Disturbance(StrEnum):
    """Kinds of disturbance, each with advice in :data:`ADVICE`."""

    LOAD = "load"
    STEAL = "steal"
    PRESSURE = "pressure"
    THROTTLING = "throttling"
    SPREAD = "spread"
    OUTLIERS = "outliers"


ADVICE: Mapping[Disturbance, str] = {
    Disturbance.LOAD: "end other programs, wait a minute, and run it again",
    Disturbance.STEAL: "use a machine of its own, or repeat it at another hour and compare",
    Disturbance.PRESSURE: "end other programs, and run it again",
    Disturbance.THROTTLING: "let the machine cool, plug it in, or raise the CPU limit",
    Disturbance.SPREAD: "run it again with more launches (--launches), on a quieter machine",
    Disturbance.OUTLIERS: "look at the picture: an outlier in each round is the program's own",
}


@dataclass(frozen=True, kw_only=True)
class StateWarning:
    """One warning about one run.

    Attributes:
        kind: What was noticed.
        text: It in words, with the figure.
    """

    kind: Disturbance
    text: str

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE[self.kind]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The kernel's counters at one moment; None where the system does not have one.

    Attributes:
        load_1min: Runnable processes, mean of a minute.
        cpu_ticks: Clock ticks of all CPUs, idle ones included, guests excluded.
        steal_ticks: Ticks of them that the hypervisor gave to others.
        pressure_us: Microseconds in which some process waited for a CPU.
        throttled: Times that a CPU was slowed down for heat, or a container for its limit.
        at_s: Monotonic seconds.
    """

    load_1min: float | None
    cpu_ticks: int | None
    steal_ticks: int | None
    pressure_us: int | None
    throttled: int | None
    at_s: float


@dataclass(frozen=True, kw_only=True)
class SystemState:
    """What went on beside a run, between two snapshots; None where it cannot be known.

    Attributes:
        load_1min: One-minute load when the run started.
        cpu_count: CPUs that share it.
        steal: Share of CPU time given to others, 0 to 1.
        pressure: Share of the time in which some process waited for a CPU, 0 to 1. The run's own
            launches are in it: a program of two processes can wait for itself.
        throttled: Times that a CPU was slowed down.
    """

    load_1min: float | None
    cpu_count: int
    steal: float | None
    pressure: float | None
    throttled: int | None

    def as_json(self) -> dict[str, Any]:
        """What a result file keeps; what is not known is left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def from_json(document: Mapping[str, Any]) -> SystemState:
    """The noise that a result file keeps; a field that is not there is not known."""
    return SystemState(
        load_1min=document.get("load_1min"),
        cpu_count=int(document.get("cpu_count", 1)),
        steal=document.get("steal"),
        pressure=document.get("pressure"),
        throttled=document.get("throttled"),
    )


def snapshot(proc: Path = Path("/proc"), sys_folder: Path = Path("/sys")) -> Snapshot:
    """Read the counters that this system has.

    Args:
        proc: Where procfs is mounted.
        sys_folder: Where sysfs is mounted.
    """
    import time

    ticks, steal = _cpu_ticks(_text(proc / "stat"))
    return Snapshot(
        load_1min=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        cpu_ticks=ticks,
        steal_ticks=steal,
        pressure_us=_pressure_us(_text(proc / "pressure" / "cpu")),
        throttled=_throttled(sys_folder),
        at_s=time.monotonic(),
    )


def between(before: Snapshot, after: Snapshot) -> SystemState:
    """What went on between two snapshots."""
    steal = pressure = throttled = None
    if (
        before.cpu_ticks is not None
        and after.cpu_ticks is not None
        and before.steal_ticks is not None
        and after.steal_ticks is not None
    ):
        ticks = after.cpu_ticks - before.cpu_ticks
        steal = round((after.steal_ticks - before.steal_ticks) / ticks, 4) if ticks > 0 else 0.0
    if before.pressure_us is not None and after.pressure_us is not None:
        elapsed_us = (after.at_s - before.at_s) * 1e6
        waited_us = after.pressure_us - before.pressure_us
        pressure = round(waited_us / elapsed_us, 4) if elapsed_us > 0 else 0.0
    if before.throttled is not None and after.throttled is not None:
        throttled = after.throttled - before.throttled
    return SystemState(
        load_1min=before.load_1min,
        cpu_count=os.cpu_count() or 1,
        steal=steal,
        pressure=pressure,
        throttled=throttled,
    )


def warnings(state: SystemState) -> list[StateWarning]:
    """What a reader has to know of the machine's state; empty for a quiet one."""
    found = []
    if state.load_1min is not None and state.load_1min / state.cpu_count > MAX_LOAD_PER_CPU:
        found.append(
            StateWarning(
                kind=Disturbance.LOAD,
                text=f"the load was {state.load_1min:.2f} on {state.cpu_count} CPUs at the start",
            )
        )
    if state.steal is not None and state.steal > MAX_STEAL:
        found.append(
            StateWarning(
                kind=Disturbance.STEAL,
                text=f"the hypervisor gave {state.steal:.1%} of the CPU time to others",
            )
        )
    if state.pressure is not None and state.pressure > MAX_PRESSURE:
        found.append(
            StateWarning(
                kind=Disturbance.PRESSURE,
                text=f"processes waited for a CPU during {state.pressure:.0%} of the time",
            )
        )
    if state.throttled:
        found.append(
            StateWarning(
                kind=Disturbance.THROTTLING, text=f"CPUs were slowed down {state.throttled} times"
            )
        )
    return found


def spread_warnings(values_by_target: Mapping[str, Sequence[float]]) -> list[StateWarning]:
    """Targets whose launches differ so much that small differences mean nothing."""
    found = []
    for name, values in values_by_target.items():
        figures = statistics.distribution(values)
        if figures is None or figures.count < statistics.MIN_ROUNDS:
            continue
        if figures.spread > MAX_SPREAD:
            found.append(
                StateWarning(
                    kind=Disturbance.SPREAD,
                    text=f"{name}: the middle half of the launches spans "
                    f"{figures.spread:.0%} of the median",
                )
            )
        if len(figures.outliers) > max(1, figures.count // 10):
            found.append(
                StateWarning(
                    kind=Disturbance.OUTLIERS,
                    text=f"{name}: {len(figures.outliers)} of {figures.count} launches "
                    "are outliers",
                )
            )
    return found


def render(found: Sequence[StateWarning]) -> str:
    """The warnings as lines, the advice once for each kind; empty for none."""
    lines = []
    for kind in Disturbance:
        texts = [finding.text for finding in found if finding.kind == kind]
        if texts:
            lines.append(f"Warning: {'; '.join(texts)}. Advice: {ADVICE[kind]}.")
    return "\n".join(lines)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _cpu_ticks(stat: str) -> tuple[int | None, int | None]:
    """All ticks and the stolen ones of /proc/stat's first line (proc_stat(5))."""
    for line in stat.splitlines():
        if line.startswith("cpu "):
            # user nice system idle iowait irq softirq steal; guest time is within user.
            fields = [int(word) for word in line.split()[1:9]]
            return sum(fields), fields[7] if len(fields) > 7 else None
    return None, None


def _pressure_us(pressure: str) -> int | None:
    """Total of the "some" line of /proc/pressure/cpu (Documentation/accounting/psi.rst)."""
    for line in pressure.splitlines():
        if line.startswith("some "):
            for word in line.split():
                if word.startswith("total="):
                    return int(word.removeprefix("total="))
    return None


def _throttled(sys_folder: Path) -> int | None:
    counts = [
        int(text)
        for path in sorted(
            (sys_folder / "devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
        )
        if (text := _text(path).strip()).isdigit()
    ]
    for line in _text(sys_folder / "fs/cgroup/cpu.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == "nr_throttled" and value.isdigit():
            counts.append(int(value))
    return sum(counts) if counts else None
