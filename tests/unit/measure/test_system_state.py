"""Noise: a busy machine is said to be one, a quiet one is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.measure import system_state

QUIET = system_state.SystemState(load_1min=0.2, cpu_count=2, steal=0.0, pressure=0.02, throttled=0)


def machine(folder: Path, *, steal: int, waited_us: int, throttled: int) -> tuple[Path, Path]:
    """A procfs and a sysfs with these counters."""
    proc, sys_folder = folder / "proc", folder / "sys"
    (proc / "pressure").mkdir(parents=True)
    (proc / "stat").write_text(f"cpu  100 0 50 800 10 0 0 {steal} 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    (proc / "pressure" / "cpu").write_text(
        f"some avg10=0.00 avg60=0.00 avg300=0.00 total={waited_us}\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    )
    thermal = sys_folder / "devices/system/cpu/cpu0/thermal_throttle"
    thermal.mkdir(parents=True)
    (thermal / "core_throttle_count").write_text(f"{throttled}\n")
    return proc, sys_folder


def test_a_quiet_machine_has_no_warning() -> None:
    """Silence means that nothing was found, and it can be reached."""
    assert system_state.warnings(QUIET) == []
    assert system_state.render([]) == ""


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("load_1min", 2.0, system_state.Disturbance.LOAD),
        ("steal", 0.03, system_state.Disturbance.STEAL),
        ("pressure", 0.4, system_state.Disturbance.PRESSURE),
        ("throttled", 1, system_state.Disturbance.THROTTLING),
    ],
)
def test_each_disturbance_is_named_with_advice(
    field: str, value: float, kind: system_state.Disturbance
) -> None:
    """Load, steal, waiting and throttling each come with their figure and with what to do."""
    document = {**QUIET.as_json(), field: value}
    (found,) = system_state.warnings(system_state.from_json(document))
    assert found.kind == kind
    assert found.advice in system_state.render([found])


def test_counters_become_shares(tmp_path: Path) -> None:
    """Steal is a share of CPU time and pressure a share of elapsed time between two snapshots."""
    proc, sys_folder = machine(tmp_path / "a", steal=0, waited_us=0, throttled=3)
    before = system_state.snapshot(proc, sys_folder)
    proc, sys_folder = machine(tmp_path / "b", steal=40, waited_us=500_000, throttled=5)
    after = system_state.snapshot(proc, sys_folder)
    later = system_state.Snapshot(
        load_1min=after.load_1min,
        cpu_ticks=after.cpu_ticks,
        steal_ticks=after.steal_ticks,
        pressure_us=after.pressure_us,
        throttled=after.throttled,
        at_s=before.at_s + 2.0,
    )
    found = system_state.between(before, later)
    assert found.steal == 1.0  # only stolen ticks passed in this machine
    assert found.pressure == 0.25
    assert found.throttled == 2


def test_a_system_without_counters_is_not_called_quiet(tmp_path: Path) -> None:
    """What cannot be known is left out, and reads back as not known."""
    empty = system_state.snapshot(tmp_path, tmp_path)
    found = system_state.between(empty, empty)
    assert found.steal is None
    assert found.pressure is None
    assert "steal" not in found.as_json()
    assert system_state.from_json(found.as_json()) == found


def test_a_wide_spread_is_a_warning() -> None:
    """A target whose middle half spans over 15 % of its median is named."""
    found = system_state.spread_warnings({"steady": [10.0] * 12, "wild": [10.0, 14.0] * 6})
    assert [(item.kind, item.text.partition(":")[0]) for item in found] == [
        (system_state.Disturbance.SPREAD, "wild")
    ]
