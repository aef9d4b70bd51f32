"""Trying a program: the lives that it is sent through, and the rows that each of them shows."""

from __future__ import annotations

import secrets
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace

from spike.contract import asking, ctrl_break, judging, lines
from spike.contract.asking import Kind
from spike.contract.life import Life, Seen, Terms, ground
from spike.contract.promises import (
    PROMISES,
    Finding,
    Report,
    Row,
    Verdict,
    broken,
    kept,
    not_asked,
    not_tried,
)
from spike.contract.subject import Subject
from spike.core import process
from spike.core.errors import MissingToolError
from spike.core.workspace import publishable
from spike.launch import leftovers, procs
from spike.launch.spec import settle_s

MOMENTS = 6
"""Points of the start at which a program is asked to stop, from the spawn to just before READY."""

UNKNOWN_START_S = 0.5
"""Where those are spread, for a program that was never ready."""

ROOM_BYTES = 4096
"""What still fits into the stdout that nobody reads."""

QUESTIONS = 100
"""So many questions while nobody reads: a line of 41 bytes for each would be too much."""

CHATTER_S = 0.5
"""So long a program may write by itself into the stdout that nobody reads."""

ON_WINDOWS = sys.platform == "win32"


@dataclass
class Trial:
    """One program on trial; what its lives showed is gathered here."""

    subject: Subject
    terms: Terms
    say: Callable[[str], None] = lambda _: None
    ended: list[Seen] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    broken: set[Row] = field(default_factory=set)

    def findings(self) -> Iterator[Finding]:
        """Send it through its lives; the rows come as they are known."""
        for finding in self._all():
            if finding.verdict is Verdict.BROKEN:
                self.broken.add(finding.row)
            yield finding

    def _all(self) -> Iterator[Finding]:
        self.say("starting it")
        first = yield from self._first()
        if first.ready_ms is None:
            why = "READY never came" if not first.ready_count else "it was not up long enough"
            rest = (Row.READY_ONCE, Row.PORT_ZERO, Row.PORT_GIVEN, Row.LOOPBACK, Row.TOKEN)
            asked = (*rest, Row.END_OF_STDIN, *_signals(), Row.UNREAD_STDOUT, Row.SECOND_INSTANCE)
            for row in (*asked, Row.HOST_GONE, Row.KILLED):
                yield not_tried(row, why)
        else:
            yield from self._stops()
            yield from self._port_given(first)
            yield self._second_instance()
            yield self._unread_stdout()
            yield self._host_gone()
            yield self._killed()
            yield judging.port_zero(self.subject, first, self.ports)
        yield self._stop_while_starting(first)
        yield judging.no_processes(self.ended)
        yield judging.no_files(self.ended)

    def _first(self) -> Generator[Finding, None, Seen]:
        """A life as it should be: READY, a moment of rest, questions, the end of stdin."""
        with ground() as where, Life(self.subject, self.terms, where) as life:
            ready = life.until_ready()
            if not ready:
                # Before it is asked to stop: a slow start is no READY that waits in a buffer.
                running = life.running
                running.pump(
                    lambda: running.ready_ms is not None or running.exited, self.terms.grace_s
                )
                before = life.so_far()
                gone = life.running.exited
                if not gone:
                    life.end_stdin()
                    life.running.send(signal.SIGTERM)
                    life.running.wait_exit(1.0)
                seen = self._keep(life.end())
                yield judging.never_ready(before, seen, self.terms, gone=gone)
                return replace(seen, ready_ms=None)
            assert life.running.ready_ms is not None
            life.running.watch(settle_s(life.running.ready_ms))
            seen = life.so_far()
            if life.running.exited:
                seen = self._keep(life.end())
                text = f"{seen.ending} right after READY, unasked; {seen.last_words}"
                yield broken(Row.READY, text)
                return replace(seen, ready_ms=None)
            yield judging.ready(seen)
            yield judging.loopback(seen)
            token = self._token(life, seen)
            life.end_stdin()
            seen = self._keep(life.end())
            # Of the whole life: some say it as they end.
            told = "" if token.verdict is Verdict.NOT_ASKED else life.told()
            text = f"the token stands {told}, where others read it"
            yield broken(Row.TOKEN, text) if told else token
            yield judging.stop(Row.END_OF_STDIN, seen)
            yield judging.ready_once(seen)
            return seen

    def _token(self, life: Life, seen: Seen) -> Finding:
        """Ask without the token, with another one, and with the right one."""
        self.say("asking it with and without the token")
        if seen.own_port is None:
            return not_asked(Row.TOKEN, "it listens on no port")
        address = asking.local(seen.own_port, seen.listening)
        bare = asking.ask(address)
        wrong = asking.ask(address, secrets.token_urlsafe(32))
        right = asking.ask(address, life.token)
        if not bare.http and right.kind is not Kind.ANSWERED:
            right = asking.show_line(address, life.token)
        life.note()
        if life.token in life.commands():
            text = "the token stands in the command line of a process, where others read it"
            return broken(Row.TOKEN, text)
        return judging.token(bare=bare, wrong=wrong, right=right)

    def _stops(self) -> Iterator[Finding]:
        for row in _signals():
            self.say(f"asking it to stop by {row.value}")
            with ground() as where, Life(self.subject, self.terms, where) as life:
                if not life.until_ready():
                    yield broken(row, self._not_again(life))
                elif row is Row.CTRL_BREAK:
                    yield self._ctrl_break(life)
                else:
                    number = signal.Signals[row.name]
                    life.signal(number, number.name)
                    yield judging.stop(row, self._keep(life.end()))

    def _ctrl_break(self, life: Life) -> Finding:
        life.note()
        if not ctrl_break.send(life.pid):
            life.end_stdin()
            self._keep(life.end())
            return not_tried(Row.CTRL_BREAK, "its console cannot be reached, or it has none")
        life.wait_exit("Ctrl-Break")
        return judging.stop(Row.CTRL_BREAK, self._keep(life.end()))

    def _port_given(self, first: Seen) -> Iterator[Finding]:
        if first.own_port is None:
            yield not_asked(Row.PORT_GIVEN, "it listens on no port")
            return
        self.say("handing it a port")
        with ground() as where, Life(self.subject, self.terms, where, hand_over=True) as life:
            if not life.until_ready():
                yield broken(Row.PORT_GIVEN, self._not_again(life))
                return
            seen = life.so_far()
            yield judging.port_given(seen)
            self._ask(life)
            self._keep(life.end())

    def _second_instance(self) -> Finding:
        """Two at once, with the same home and the same folders: as a user starts them."""
        self.say("starting a second one beside it")
        row = Row.SECOND_INSTANCE
        with ground() as where, Life(self.subject, self.terms, where) as one:
            if not one.until_ready():
                return broken(row, self._not_again(one))
            with Life(self.subject, self.terms, where) as two:
                if not two.until_ready():
                    return broken(row, f"the second one: {self._not_again(two)}")
                second = two.so_far()
                if second.own_port is not None and not second.connects:
                    return broken(row, "the second one says READY and takes no connection")
                self._ask(two)
                # What lies in their temporary folder may be the first one's, which lives.
                self._keep(replace(two.end(), files_left=()))
            one.running.watch(0.1)
            if one.running.exited:
                return broken(row, f"the first one ended with the second: {one.so_far().ending}")
            if one.so_far().own_port is not None and not one.connects():
                return broken(row, "with the second one's end the first takes no connection")
            self._ask(one)
            self._keep(one.end())
        return kept(row, "both were ready, and the first went on when the second ended")

    def _unread_stdout(self) -> Finding:
        row = Row.UNREAD_STDOUT
        if sys.platform != "linux":
            return not_tried(row, "only on Linux can a pipe be made small enough to be full")
        self.say("leaving its stdout unread")
        with ground() as where, Life(self.subject, self.terms, where) as life:
            if not life.until_ready():
                return broken(row, self._not_again(life))
            life.running.leave_unread("stdout", ROOM_BYTES)
            seen = life.so_far()
            answered = 0
            if seen.own_port is not None:
                address = asking.local(seen.own_port, seen.listening)
                while answered < QUESTIONS:
                    reply = asking.ask(address, life.token)
                    if not reply.http:
                        break
                    answered += 1
                # One that never spoke HTTP is not asked so.
                if 0 < answered < QUESTIONS:
                    return broken(row, f"after {answered} questions it {reply.text}")
            time.sleep(CHATTER_S)
            self._ask(life)
            seen = self._keep(life.end())
        if not seen.clean:
            return broken(row, f"{seen.ending}, and nobody read its stdout")
        asked = f"{answered} questions answered, " if answered else ""
        return kept(row, f"{asked}{seen.ending} after {seen.how}")

    def _host_gone(self) -> Finding:
        self.say("letting its host die")
        with ground() as where, Life(self.subject, self.terms, where) as life:
            if not life.until_ready():
                return broken(Row.HOST_GONE, self._not_again(life))
            life.note()
            life.running.close_stdin()
            life.running.close_output("stdout")
            life.running.close_output("stderr")
            life.wait_exit("all its pipes closed")
            seen = life.end(patience_s=self.terms.grace_s)
        return judging.gone(Row.HOST_GONE, seen)

    def _killed(self) -> Finding:
        self.say("killing it")
        with ground() as where, Life(self.subject, self.terms, where) as life:
            if not life.until_ready():
                return broken(Row.KILLED, self._not_again(life))
            life.note()
            life.running.send(process.KILL)
            life.running.close_stdin()
            life.wait_exit("it was killed")
            seen = life.end(patience_s=self.terms.grace_s)
        return judging.gone(Row.KILLED, seen)

    def _stop_while_starting(self, first: Seen) -> Finding:
        self.say("stopping it while it starts")
        span_s = UNKNOWN_START_S if first.ready_ms is None else first.ready_ms / 1000
        # What it does not obey at rest is told there.
        ways = [row for row in (Row.END_OF_STDIN, Row.SIGTERM) if row not in self.broken]
        if ON_WINDOWS or not ways:
            ways = [Row.END_OF_STDIN]
        lives = []
        for moment in range(MOMENTS):
            with ground() as where, Life(self.subject, self.terms, where) as life:
                at_s = span_s * moment / MOMENTS
                life.running.watch(max(0.0, at_s - life.running.now_ms() / 1000))
                if ways[moment % len(ways)] is Row.SIGTERM:
                    life.signal(signal.SIGTERM, f"SIGTERM at {at_s * 1000:.0f} ms of the start")
                else:
                    life.note()
                    life.running.close_stdin()
                    life.wait_exit(f"the end of stdin at {at_s * 1000:.0f} ms of the start")
                lives.append(self._keep(life.end()))
            if not lives[-1].stopped:
                break
        return judging.stop_while_starting(lives)

    def _ask(self, life: Life) -> None:
        """Ask it to stop where that is not what is tried: in a way that it is known to obey."""
        if Row.END_OF_STDIN in self.broken and not ON_WINDOWS:
            life.signal(signal.SIGTERM, "SIGTERM")
        else:
            life.end_stdin()

    def _not_again(self, life: Life) -> str:
        """What a life without READY showed, after one that had it."""
        how = (
            f"{life.running.exit_text()} before READY"
            if life.running.exited
            else f"no READY within {self.terms.ready_timeout_s:g} s"
        )
        return f"{how}; {life.so_far().last_words}"

    def _keep(self, seen: Seen) -> Seen:
        """Gather what a whole life showed."""
        if seen.port is not None and seen.handed_port is None:
            self.ports.append(seen.port)
        self.ended.append(seen)
        return seen


def run(
    subject: Subject, terms: Terms | None = None, say: Callable[[str], None] = lambda _: None
) -> Report:
    """Try a program.

    Args:
        subject: What is tried.
        terms: How long it is given.
        say: Told what is done, as it is done.

    Raises:
        MissingToolError: The system does not start it, or shows no processes.
        StorageError: There is no place to run it in.
    """
    if why := procs.unavailable():
        raise MissingToolError("The contract cannot be tried here.", why=f"{why}.")
    leftovers.adopt_orphans()
    found: dict[Row, Finding] = {}
    for finding in Trial(subject, terms or Terms(), say).findings():
        if finding.verdict is Verdict.BROKEN:
            added = lines.of(finding.row, subject.language, finding.detail)
            finding = replace(finding, lines=added)
        found.setdefault(finding.row, replace(finding, detail=publishable(finding.detail)))
    return Report(
        command=subject.shown,
        language=subject.language,
        findings=tuple(found[row] for row in PROMISES if row in found),
    )


def _signals() -> tuple[Row, ...]:
    return (Row.CTRL_BREAK,) if ON_WINDOWS else (Row.SIGTERM, Row.SIGINT)
