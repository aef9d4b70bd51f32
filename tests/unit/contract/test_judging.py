"""What a life means for a row: values in, a finding out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spike.contract import judging
from spike.contract.asking import Address, Kind, Reply
from spike.contract.life import Seen, Terms
from spike.contract.promises import Row, Verdict
from spike.contract.subject import Subject

TERMS = Terms(ready_timeout_s=10.0)
HERE = Address(host="127.0.0.1", port=4711)
GOOD = Seen(
    how="the end of stdin",
    ready_ms=12.0,
    ready_count=1,
    stopped=True,
    exit_code=0,
    ending="exited with 0",
    port=4711,
    listening=(HERE,),
    connects=True,
)
BARE = Seen()
PROGRAM = Subject(argv=("/a",), shown=("./a",))
BY_ARGUMENT = Subject(argv=("/a", "{free_port}"), shown=("./a",))


@pytest.mark.parametrize(
    ("before", "after", "gone", "says"),
    [
        (BARE, replace(BARE, ready_count=1), False, "kept in a buffer, not flushed"),
        (replace(BARE, stdout=("READY",)), replace(BARE, stdout=("READY",)), False, "end of its"),
        (BARE, replace(BARE, stderr=("READY",)), False, "on stderr, not on stdout"),
        (BARE, replace(BARE, stdout=("INFO READY", "x")), False, "inside the line 'INFO READY'"),
        (replace(BARE, ready_ms=12e3, ready_count=1), GOOD, False, "after 12.0 s, and the host"),
        (
            BARE,
            replace(BARE, ready_count=1, ending="exited with 0", processes_left=("./a",)),
            True,
            "exited with 0 before READY, which a process that it left behind said",
        ),
        (BARE, replace(BARE, stdout=("READY  ",)), False, "inside the line 'READY  '"),
        (BARE, replace(BARE, stderr=("INFO READY",)), False, "on stderr, inside the line"),
        (BARE, replace(BARE, stdout=("ready",)), False, "'ready' came, and 'READY' is the line"),
        (BARE, replace(BARE, ending="exited with 3"), True, "exited with 3 before READY; it wrote"),
        (BARE, BARE, False, "no line READY on stdout within 10 s; it wrote nothing"),
    ],
)
def test_what_came_in_place_of_ready(before: Seen, after: Seen, gone: bool, says: str) -> None:
    """The nearest miss is what helps."""
    found = judging.never_ready(before, after, TERMS, gone=gone)
    assert (found.row, found.verdict) == (Row.READY, Verdict.BROKEN)
    assert says in found.detail


@pytest.mark.parametrize(
    ("subject", "first", "ports", "verdict", "says"),
    [
        (PROGRAM, GOOD, [4711, 4712], Verdict.KEPT, "LISTEN port=4711"),
        (PROGRAM, GOOD, [4711], Verdict.KEPT, "LISTEN port=4711"),
        (PROGRAM, GOOD, [4711, 4711, 4711], Verdict.BROKEN, "in each of 3 lives"),
        (PROGRAM, replace(GOOD, port=None), [], Verdict.BROKEN, "says no LISTEN"),
        (
            PROGRAM,
            replace(GOOD, port=80, connects=False),
            [80, 81],
            Verdict.BROKEN,
            "says port=80 and does not",
        ),
        (PROGRAM, replace(GOOD, port=None, listening=()), [], Verdict.NOT_ASKED, "on no port"),
        (BY_ARGUMENT, GOOD, [], Verdict.NOT_ASKED, "as an argument"),
    ],
)
def test_the_port_that_the_system_picks(
    subject: Subject, first: Seen, ports: list[int], verdict: Verdict, says: str
) -> None:
    """It is said, it is true, and it is another one each time."""
    found = judging.port_zero(subject, first, ports)
    assert found.verdict is verdict
    assert says in found.detail


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"handed_port": 4711}, ""),
        ({"handed_port": 4711, "port": None}, ""),
        ({"handed_port": 80, "connects": False}, "handed 80, and it listens on 127.0.0.1:4711"),
        ({"handed_port": 80, "connects": False, "listening": ()}, "it does not listen"),
        ({"handed_port": 80}, "says LISTEN port=4711"),
    ],
)
def test_the_port_that_is_handed_over(changes: dict[str, Any], says: str) -> None:
    """It listens there, and says no other one."""
    found = judging.port_given(replace(GOOD, **changes))
    assert (found.verdict is Verdict.KEPT) == (not says)
    assert says in found.detail


def test_ready_comes_when_the_port_takes_connections() -> None:
    """And not before."""
    assert judging.ready(GOOD).verdict is Verdict.KEPT
    assert "nobody listens on the port 4711" in judging.ready(replace(GOOD, connects=False)).detail
    assert judging.ready(replace(GOOD, port=None, connects=False)).verdict is Verdict.KEPT


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.7", False),
        ("", False),
    ],
)
def test_only_loopback_is_not_reached_from_elsewhere(host: str, good: bool) -> None:
    """An empty host is every interface."""
    seen = replace(GOOD, listening=(HERE, Address(host=host, port=1)))
    assert (judging.loopback(seen).verdict is Verdict.KEPT) is good
    assert judging.loopback(BARE).verdict is Verdict.NOT_ASKED
    assert judging.loopback(replace(GOOD, listening=())).verdict is Verdict.NOT_TRIED


NO = Reply(kind=Kind.REFUSED, text="answered 401", http=True)
YES = Reply(kind=Kind.ANSWERED, text="answered 200", http=True)
SHUT = Reply(kind=Kind.REFUSED, text="closed the connection")
MUTE = Reply(kind=Kind.SILENT, text="said nothing for 2 s")


@pytest.mark.parametrize(
    ("bare", "wrong", "right", "says"),
    [
        (NO, NO, YES, ""),
        (SHUT, SHUT, MUTE, ""),
        (YES, YES, YES, "without the token it answered 200"),
        (NO, YES, YES, "with another token it answered 200"),
        (NO, NO, NO, "with the right token, too, it answered 401"),
        (SHUT, SHUT, SHUT, "with the right token, too"),
        (MUTE, MUTE, MUTE, "did not close the connection"),
    ],
)
def test_who_is_answered(bare: Reply, wrong: Reply, right: Reply, says: str) -> None:
    """Over HTTP, and over a protocol in which the token is the first line."""
    found = judging.token(bare=bare, wrong=wrong, right=right)
    assert (found.verdict is Verdict.KEPT) == (not says)
    assert says in found.detail
    gone = Reply(kind=Kind.UNREACHABLE, text="refused")
    assert judging.token(bare=gone, wrong=gone, right=gone).verdict is Verdict.NOT_TRIED


@pytest.mark.parametrize("row", [Row.END_OF_STDIN, Row.SIGTERM, Row.SIGINT, Row.CTRL_BREAK])
def test_a_stop_is_kept_with_zero_in_time(row: Row) -> None:
    """A signal, another code and no end at all are not."""
    assert judging.stop(row, GOOD).verdict is Verdict.KEPT
    killed = replace(GOOD, exit_code=None, ending="killed by SIGTERM", how="SIGTERM")
    failed = replace(GOOD, exit_code=1, ending="exited with 1", stderr=("ValueError: no",))
    late = replace(GOOD, stopped=False, ending="still running 8 s after SIGTERM")
    for seen, says in (
        (killed, "killed by SIGTERM after SIGTERM"),
        (failed, "exited with 1 after the end of stdin; stderr ends with: ValueError: no"),
        (late, "still running 8 s"),
    ):
        found = judging.stop(row, seen)
        assert found.verdict is Verdict.BROKEN
        assert says in found.detail


def test_ready_counts_to_the_end_of_a_life() -> None:
    """Once."""
    assert judging.ready_once(GOOD).verdict is Verdict.KEPT
    assert judging.ready_once(replace(GOOD, ready_count=3)).detail == "it came 3 times"


def test_what_is_left_is_named() -> None:
    """Three of them; a life that was cut off by force tells of no files."""
    left = replace(GOOD, processes_left=("a", "b", "c", "d"), files_left=("home: x",))
    assert judging.no_processes([GOOD, left]).detail.endswith("it leaves a, b, c and 1 more")
    assert judging.no_files([GOOD, left]).detail == "after the end of stdin it leaves home: x"
    assert judging.no_files([GOOD, GOOD]).verdict is Verdict.KEPT
    assert judging.no_processes([GOOD]).verdict is Verdict.KEPT
    cut = replace(left, stopped=False, processes_left=())
    assert judging.no_files([cut]).verdict is Verdict.KEPT
    assert judging.no_processes([cut]).verdict is Verdict.NOT_TRIED
    alone = replace(left, how="", stopped=False)
    assert "when it ended by itself" in judging.no_processes([alone]).detail


def test_a_start_that_is_stopped_may_end_with_any_code() -> None:
    """It has to end, and to leave no process."""
    lives = [replace(GOOD, exit_code=None), replace(GOOD, exit_code=1)]
    assert judging.stop_while_starting(lives).verdict is Verdict.KEPT
    late = replace(GOOD, stopped=False, ending="still running")
    assert judging.stop_while_starting([*lives, late]).detail == "still running"
    left = replace(GOOD, processes_left=("child",))
    assert judging.stop_while_starting([*lives, left]).detail.endswith("it leaves child")


@pytest.mark.parametrize("row", [Row.HOST_GONE, Row.KILLED])
def test_without_its_host_nothing_lives_on(row: Row) -> None:
    """However it ends."""
    assert judging.gone(row, replace(GOOD, exit_code=None)).verdict is Verdict.KEPT
    assert judging.gone(row, replace(GOOD, processes_left=("c",))).verdict is Verdict.BROKEN
    assert judging.gone(row, replace(GOOD, stopped=False)).verdict is Verdict.BROKEN
