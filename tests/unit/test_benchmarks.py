"""The benchmarks' pure parts: states, phases, native code, answers of the self-check."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cold_start, footprint, instructions, phases, reproducible, selfcheck
from decision.record import figures
from spike.launch import leftovers
from spike.measure import elf, pagecache
from spike.measure.pagecache import Residency
from spike.measure.results import Result

STRACE = """\
101 1700000000.000000000 execve("dist/app", [...], 0x7ffe /* 38 vars */) = 0
101 1700000000.000100000 execve("/nowhere/app", [...], 0x7ffe /* 38 vars */) = -1 ENOENT (No such)
102 1700000000.080000000 execve("/tmp/onefile/app", [...], 0x55 /* 43 vars */) = 0
103 1700000000.090000000 execveat(5, "", [...], 0x55 /* 43 vars */, AT_EMPTY_PATH) = 0
"""


def result(benchmark: str, targets: dict[str, Any], samples: list[dict[str, Any]]) -> Result:
    return Result(
        benchmark=benchmark,
        sidecar="hello",
        sidecar_version="1",
        complete=True,
        provenance={},
        settings={},
        targets=targets,
        samples=samples,
        elapsed_s=1.0,
    )


def test_failed_execves_are_not_starts() -> None:
    """Only a successful execve begins a program."""
    assert [call.pid for call in phases.parse(STRACE)] == [101, 102, 103]


def test_a_launch_is_divided_without_a_rest() -> None:
    """Launcher, interpreter and program add up to the whole from the first execve to READY."""
    calls = phases.parse(STRACE)
    start = calls[0].at_ns
    parts = phases.divide(
        calls, pid=102, entered_ns=start + 110_000_000, ready_ns=start + 112_000_000
    )
    assert parts["launcher_ms"] == pytest.approx(80.0)
    assert parts["interpreter_ms"] == pytest.approx(30.0)
    assert parts["program_ms"] == pytest.approx(2.0)
    assert sum(value for value in parts.values() if value) == pytest.approx(112.0)


def test_a_program_without_a_stamp_is_not_divided_further() -> None:
    """What cannot be told apart is said to be so."""
    calls = phases.parse(STRACE)
    parts = phases.divide(calls, pid=102, entered_ns=None, ready_ns=calls[0].at_ns + 112_000_000)
    assert parts["interpreter_ms"] is None
    assert parts["unsplit_ms"] == pytest.approx(32.0)


def test_a_program_that_keeps_what_it_unpacks_has_four_states() -> None:
    """Without an unpack cache there are two states, with one there are four."""
    assert [s.id for s in cold_start.states(keeps_unpacked=False)] == ["warm", "cold"]
    assert [s.id for s in cold_start.states(keeps_unpacked=True)] == [
        "warm+empty",
        "warm+filled",
        "cold+empty",
        "cold+filled",
    ]


def test_a_state_that_was_not_reached_says_why() -> None:
    """One page in memory is not cold; the file that stays is named."""
    cold = Residency(files=1, pages=10, resident=0)
    mapped = Residency(files=1, pages=10, resident=1, staying=(Path("/lib/libc.so.6"),))
    unknown = Residency(files=1, pages=0, resident=0, unknown=("/x: only its owner may know",))
    assert cold_start.shortfall(cold, "cold") == ""
    assert "libc.so.6" in cold_start.shortfall(mapped, "cold")
    assert "cannot be verified" in cold_start.shortfall(unknown, "cold")
    assert "only 1 of 10" in cold_start.shortfall(mapped, "warm")


def test_a_row_is_called_cold_only_when_every_launch_was() -> None:
    """One launch whose state was not proved takes the name from the row."""
    samples = [
        {
            "target": "nuitka-onefile",
            "round": n,
            "state": state,
            "reached": reached or n > 0,
            "why": "" if reached or n > 0 else "1 of 9 pages stay in memory",
            "ready_ms": 10.0 + n,
            "failure": None,
            "read_bytes": 0,
        }
        for state, reached in (("warm", True), ("cold", False))
        for n in range(8)
    ]
    targets = {
        "nuitka-onefile": {
            "kind": "variant",
            "build": {"cold_start_ms": 12.0, "first_launch": "ready"},
        }
    }
    rows = cold_start.summarise(result(cold_start.NAME, targets, samples))
    assert [row.title for row in rows] == [cold_start.FIRST, "warm", "cold: not reached"]
    text = cold_start.render(result(cold_start.NAME, targets, samples))
    assert "not reached in 1 of 8 launches: 1 of 9 pages" in text


def test_launches_that_differ_much_are_a_warning_below_the_table() -> None:
    """In terminal and record alike, by target, and for cold starts by state."""
    targets = {"steady": {"kind": "variant"}, "wild": {"kind": "variant"}}
    samples = [
        {"target": name, "state": state, "round": n, "ready_ms": ms, "failure": None}
        for state, base in (("warm", 10.0), ("cold", 90.0))
        for n in range(12)
        for name, ms in (("steady", base), ("wild", base * (1 + (n % 2) / 2)))
    ]
    bench = result("reliability", targets, samples[: len(samples) // 2])
    said = figures.disturbances(bench)
    assert said.startswith("Warning: wild: the middle half of the launches spans")
    assert "Advice: run it again with more launches (--launches)" in said
    assert said in figures.run_line(bench, "invoke bench")
    said = figures.disturbances(result(cold_start.NAME, targets, samples))
    assert "wild (warm)" in said
    assert "wild (cold)" in said
    assert "steady" not in said


def test_glibc_versions_are_compared_as_numbers() -> None:
    """2.4 is older than 2.34, and private symbols have no version."""
    assert elf.glibc_version("GLIBC_2.34") > elf.glibc_version("GLIBC_2.4")
    assert elf.glibc_version("GLIBC_PRIVATE") == ()
    assert elf.runs_on("2.35")[0] == "Ubuntu 22.04"
    assert "Debian 11" in elf.runs_on("2.31")


def test_native_code_of_this_system_is_read() -> None:
    """The running interpreter asks for libc, and a text file for nothing."""
    import sys

    found = elf.needs([Path(sys.executable).resolve(), Path(__file__)])
    if sys.platform == "linux":
        assert found.native_files == 1
        assert "libc.so.6" in found.libraries
        assert found.glibc


def test_a_damaged_program_has_no_needs(tmp_path: Path) -> None:
    """A file that only begins like native code is passed over."""
    path = tmp_path / "cut"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + b"\0" * 20)
    assert elf.needs([path]).native_files == 0


def test_counts_of_instructions_show_how_far_they_are_apart() -> None:
    """Two equal counts are 0 apart; one count proves nothing."""
    samples = [{"instructions": 1000}, {"instructions": 1004}]
    assert instructions.spread(samples) == pytest.approx(0.004)
    assert instructions.spread(samples[:1]) is None


def test_disk_is_watched_at_its_peak(tmp_path: Path) -> None:
    """A file that is gone at the end was still counted while it was there."""
    with footprint.DiskWatch(tmp_path) as disk:
        (tmp_path / "unpacked").write_bytes(b"x" * 100_000)
        disk.look()
        (tmp_path / "unpacked").unlink()
    assert disk.peak_bytes >= 100_000
    assert len(disk.files) == 1


def test_files_that_go_while_they_are_counted_do_no_harm(tmp_path: Path) -> None:
    """A program tidies up at any moment: what is there is counted, nothing is raised."""
    over = threading.Event()

    def unpack_and_tidy() -> None:
        while not over.is_set():
            for name in "abcdefgh":
                (tmp_path / name / "inner").mkdir(parents=True)
                (tmp_path / name / "inner" / "file").touch()
            for name in "abcdefgh":
                shutil.rmtree(tmp_path / name)

    program = threading.Thread(target=unpack_and_tidy)
    program.start()
    watch = footprint.DiskWatch(tmp_path)
    try:
        for _ in range(300):
            watch.look()
            leftovers.files_in(tmp_path)
            pagecache.regular_files([tmp_path])
    finally:
        over.set()
        program.join()
    assert watch.files


@pytest.mark.parametrize(("misses", "passed"), [(0, True), (1, True), (2, False)])
def test_the_self_check_allows_one_false_alarm_of_twenty(misses: int, passed: bool) -> None:
    """19 of 20 A/A runs have to show no difference."""
    names = (selfcheck.ONE, selfcheck.TWO, selfcheck.DELAYED)
    targets = {name: {"kind": "check"} for name in names}
    samples = [
        {
            "target": name,
            "run": run,
            "round": n,
            "ready_ms": 10.0 * (1.2 if run < misses and name == selfcheck.TWO else 1.0) + n / 100,
        }
        for run in range(20)
        for n in range(selfcheck.ROUNDS)
        for name in targets
    ]
    answer = selfcheck.answers(result(selfcheck.NAME, targets, samples))[0]
    assert answer.passed is passed


def test_the_first_difference_between_two_builds_is_named() -> None:
    """A missing file, a changed byte and a changed section are each told apart."""
    one = {"a": b"same", "b": b"12345", "c": b"only here"}
    assert reproducible.first_difference(one, dict(one)) == ""
    assert "c is in one" in reproducible.first_difference(one, {"a": b"same", "b": b"12345"})
    assert reproducible.first_difference(one, {**one, "b": b"12x45"}) == "b: byte 2"
    program = Path("/proc/self/exe").resolve()
    if program.is_file():
        content = program.read_bytes()
        part = reproducible.layout(content)[".rodata"]
        place = (part.start + part.stop) // 2
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert "section .rodata" in reproducible.first_difference({"p": content}, {"p": changed})
        longer = reproducible.first_difference({"p": content}, {"p": content + b"tail"})
        assert "behind the program's sections" in longer
