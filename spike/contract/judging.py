"""What a life means for a row of the contract. Pure: values in, findings out."""

from __future__ import annotations

from collections.abc import Sequence

from spike.contract.asking import Kind, Reply
from spike.contract.life import READY, Seen, Terms
from spike.contract.promises import Finding, Row, broken, kept, not_asked, not_tried
from spike.contract.subject import Subject

MOST_NAMES = 3
"""So many leftovers are named; the rest is counted."""


def ready(seen: Seen) -> Finding:
    """READY came, and the program stayed."""
    ms = seen.ready_ms or 0.0
    if seen.port is not None and not seen.connects:
        text = f"READY came after {ms:.0f} ms, and nobody listens on the port {seen.port} of LISTEN"
        return broken(Row.READY, text)
    return kept(Row.READY, f"it came after {ms:.0f} ms")


def never_ready(before: Seen, after: Seen, terms: Terms, *, gone: bool) -> Finding:
    """READY did not come; say what came in its place.

    Args:
        before: What the life showed when the time was up, or the program was gone.
        after: What it showed in the end: a program that ends writes what it kept in a buffer.
        terms: How long it was given.
        gone: Whether it ended by itself.
    """
    late = after.ready_count > before.ready_count
    inside = next((line for line in after.stdout if READY in line), "")
    aside = next((line.strip() for line in after.stderr if READY in line), "")
    other = next(
        (line.strip() for line in after.stdout if line.strip().upper() == READY != line.strip()), ""
    )
    if before.ready_ms is not None:
        late_s = f"{before.ready_ms / 1000:.1f} s"
        why = f"READY came after {late_s}, and the host waits for {terms.ready_timeout_s:g} s"
    elif late and gone and after.processes_left:
        why = f"{after.ending} before READY, which a process that it left behind said"
    elif late:
        why = "READY came only when the program ended: it was kept in a buffer, not flushed"
    elif READY in before.stdout[-1:]:
        why = "READY came without the end of its line"
    elif aside == READY:
        why = "READY came on stderr, not on stdout"
    elif inside:
        why = f"READY stands inside the line {inside!r}, and has to be the whole of it"
    elif aside:
        why = f"READY came on stderr, inside the line {aside!r}"
    elif other:
        why = f"{other!r} came, and {READY!r} is the line"
    elif gone:
        why = f"{after.ending} before READY; {after.last_words}"
    else:
        why = f"no line READY on stdout within {terms.ready_timeout_s:g} s; {after.last_words}"
    return broken(Row.READY, why)


def ready_once(seen: Seen) -> Finding:
    """READY did not come again, to the end of the life."""
    if seen.ready_count > 1:
        return broken(Row.READY_ONCE, f"it came {seen.ready_count} times")
    return kept(Row.READY_ONCE, "once in a whole life")


def loopback(seen: Seen) -> Finding:
    """Where it listens."""
    if not seen.listening and seen.own_port is None:
        return not_asked(Row.LOOPBACK, "it listens on no port")
    if not seen.listening:
        return not_tried(Row.LOOPBACK, "the system does not show where it listens")
    if outside := [str(each) for each in seen.listening if not each.is_loopback]:
        text = f"it listens on {', '.join(outside)}, which other machines reach"
        return broken(Row.LOOPBACK, text)
    return kept(Row.LOOPBACK, f"it listens on {', '.join(map(str, seen.listening))}")


def port_zero(subject: Subject, first: Seen, ports: Sequence[int]) -> Finding:
    """The port that the system picks.

    Args:
        subject: The program.
        first: Its first life.
        ports: What its LISTEN lines said in all lives in which none was handed over.
    """
    row = Row.PORT_ZERO
    if subject.asks_for_port:
        return not_asked(row, "it is handed its port as an argument")
    if not first.listening and first.port is None:
        return not_asked(row, "it listens on no port")
    if first.port is None:
        where = ", ".join(map(str, first.listening))
        return broken(row, f"it listens on {where} and says no LISTEN port=N before READY")
    if not first.connects:
        return broken(row, f"it says port={first.port} and does not listen there")
    if len(ports) > 1 and len(set(ports)) == 1:
        return broken(row, f"it listened on {first.port} in each of {len(ports)} lives")
    return kept(row, f"LISTEN port={first.port}, another one each time")


def port_given(seen: Seen) -> Finding:
    """The port that was handed over, in a life with one of the host's."""
    row = Row.PORT_GIVEN
    elsewhere = [str(each) for each in seen.listening if each.port != seen.handed_port]
    if not seen.connects:
        where = f"it listens on {', '.join(elsewhere)}" if elsewhere else "it does not listen"
        return broken(row, f"it was handed {seen.handed_port}, and {where}")
    if seen.port not in (None, seen.handed_port):
        return broken(row, f"it was handed {seen.handed_port}, and says LISTEN port={seen.port}")
    return kept(row, f"it listens on {seen.handed_port}, which it was handed")


def token(*, bare: Reply, wrong: Reply, right: Reply) -> Finding:
    """Who is answered.

    Args:
        bare: What came of a question without a token.
        wrong: With another token than this launch's.
        right: With the right one.
    """
    row = Row.TOKEN
    replies = (("without the token", bare), ("with another token", wrong))
    if bare.kind is Kind.UNREACHABLE:
        return not_tried(row, bare.text)
    for how, reply in replies:
        if reply.kind is Kind.ANSWERED:
            return broken(row, f"{how} it {reply.text}")
        if reply.kind is not Kind.REFUSED:
            return broken(row, f"{how} it {reply.text}, and did not close the connection")
    if right.kind in (Kind.REFUSED, Kind.UNREACHABLE):
        return broken(row, f"with the right token, too, it {right.text}")
    return kept(row, f"without it {bare.text}, with it {right.text}")


def stop(row: Row, seen: Seen) -> Finding:
    """It was asked to stop, once, at rest."""
    if not seen.how:
        return not_tried(row, "it ended unasked")
    if not seen.stopped:
        return broken(row, seen.ending)
    if seen.exit_code != 0:
        words = f"; {seen.last_words}" if seen.exit_code is not None else ""
        return broken(row, f"{seen.ending} after {seen.how}{words}")
    return kept(row, f"{seen.ending}")


def stop_while_starting(lives: Sequence[Seen]) -> Finding:
    """It was asked to stop at moments of its start."""
    row = Row.STOP_WHILE_STARTING
    for seen in lives:
        if not seen.stopped:
            return broken(row, seen.ending)
        if seen.processes_left:
            return broken(row, f"after {seen.how} it leaves {_names(seen.processes_left)}")
    return kept(row, f"it ended at {len(lives)} of {len(lives)} moments")


def gone(row: Row, seen: Seen) -> Finding:
    """Its host is gone, and maybe the first of its processes."""
    if not seen.stopped:
        return broken(row, seen.ending)
    if seen.processes_left:
        return broken(row, f"after {seen.how} it leaves {_names(seen.processes_left)}")
    return kept(row, "nothing of it lives on")


def no_processes(lives: Sequence[Seen]) -> Finding:
    """What outlived its ends, of all lives that ended as they were asked to, or by themselves."""
    row = Row.NO_PROCESSES
    for seen in lives:
        if seen.processes_left:
            return broken(row, f"{_after(seen)} it leaves {_names(seen.processes_left)}")
    if not any(seen.stopped for seen in lives):
        return not_tried(row, "it never ended as it was asked to")
    return kept(row, f"none after {len(lives)} lives")


def no_files(lives: Sequence[Seen]) -> Finding:
    """What it left on the disk."""
    row = Row.NO_FILES
    for seen in lives:
        if seen.files_left and (seen.stopped or not seen.how):
            return broken(row, f"{_after(seen)} it leaves {_names(seen.files_left)}")
    return kept(row, f"none after {len(lives)} lives")


def _after(seen: Seen) -> str:
    return f"after {seen.how}" if seen.how else "when it ended by itself"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
