"""What two of three runs have written: what differs by itself is no difference."""

from __future__ import annotations

from spike.completeness import outputs

PLAIN = ["BOOT pid=10 at=5", "PLUGINS alpha,beta", "LISTEN port=4001", "READY"]
AGAIN = ["BOOT pid=11 at=9", "PLUGINS alpha,beta", "LISTEN port=4077", "READY"]


def test_what_differs_by_itself_is_no_difference() -> None:
    """Process ids, ports and times: a second run of the script shows which words they are."""
    program = ["BOOT pid=99 at=1", "LISTEN port=1234", "PLUGINS alpha,beta", "READY"]
    assert outputs.differing(PLAIN, AGAIN, program) == ([], [])


def test_what_only_one_of_them_writes_is_found() -> None:
    """The program has no plugins, and everything else is alike."""
    program = ["BOOT pid=99 at=1", "PLUGINS none", "LISTEN port=1234", "READY"]
    assert outputs.differing(PLAIN, AGAIN, program) == (
        ["PLUGINS alpha,beta"],
        ["PLUGINS none"],
    )


def test_a_line_that_comes_once_more_is_no_difference() -> None:
    """A child of multiprocessing imports the main script, which says BOOT again."""
    program = ["BOOT pid=99 at=1", "BOOT pid=98 at=2", *AGAIN[1:]]
    assert outputs.differing(PLAIN, AGAIN, program) == ([], [])


def test_a_line_that_differs_in_both_is_shown_of_both() -> None:
    """Not hidden because it begins alike."""
    program = ["BOOT pid=99 at=1 mode=b", *AGAIN[1:]]
    plain = ["BOOT pid=10 at=5 mode=a", *AGAIN[1:]]
    assert outputs.differing(plain, plain, program) == (plain[:1], program[:1])


def test_times_and_addresses_differ_always() -> None:
    """Even where two runs happened to agree on them."""
    plain = [
        "2026-11-25 17:00:01,123 <obj at 0x7fae> took 12.5 ms v1796054419",
        "[Thread-4 (ask)] 0.001 seconds",
    ]
    program = [
        "2026-11-26 09:10:11,004 <obj at 0x11> took 3 ms v1796054949",
        "[Thread-17 (ask)] 0.5 seconds",
    ]
    assert outputs.differing(plain, plain, program) == ([], [])


def test_a_line_with_many_gaps_is_compared_at_once() -> None:
    """One of many numbers that differ each time took a regular expression longer than a life."""
    numbers = [f"[{', '.join(f'{number}.{run} ms' for number in range(60))}]" for run in (1, 2)]
    assert outputs.differing(numbers[:1], numbers[1:], ["[1 ms]"]) == (numbers[:1], ["[1 ms]"])
    assert outputs.differing(numbers[:1], numbers[1:], numbers[1:]) == ([], [])
