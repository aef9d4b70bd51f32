"""Reads why a frozen program died and names the line of ``pyproject.toml`` that prevents it.

A packager finds what a program needs by reading its import statements. Whatever is reached in
another way (a module named by a string, a data file, a distribution's metadata, a library opened
with ``dlopen``) is missing at run time, and the exception that ended the program says what; never
one that the program has caught and told of. Where no exception ended it, the way in which it failed
to say READY or to stop does. Everything here is a pure function of that text and of what is known
about the sidecar; the texts that it is tested with come from real frozen programs
(``tests/unit/launch/tracebacks``).
"""

from __future__ import annotations

from collections.abc import Iterator

from spike.launch import lifecycle, missing_files, missing_modules, tracebacks
from spike.launch.causes import Diagnosis, SidecarFacts
from spike.launch.spec import Failure
from spike.launch.tracebacks import BAD_NEWS, QUIET, Raised, plain

LAST_LINES = 10
"""So many of a program's last lines are looked through for one of an error's level."""

_NO_EXCEPTION = frozenset(
    {Failure.LEFT_FILES, Failure.LEFT_PROCESSES, Failure.DUPLICATE_READY, Failure.STARTED_AGAIN}
)
"""Failures of programs that came to READY and to their end: what they told is no cause of these."""

LONGEST_MESSAGE = 600
"""So many characters of an exception's message are shown."""


def diagnose(
    *,
    stderr: str,
    variant: str,
    facts: SidecarFacts,
    stdout: str = "",
    failure: Failure | None = None,
    exit_signal: str = "",
    exit_code: int | None = None,
) -> Diagnosis | None:
    """Find out what did not ship, or what the program does that cannot work when packaged.

    When exceptions are chained, the last one that says something wins: an earlier one may be a
    probe for an optional module that the program was prepared to miss.

    Args:
        stderr: The end of the program's standard error.
        variant: The variant's id, for the message.
        facts: What is known about the sidecar.
        stdout: The end of its standard output; some programs print tracebacks there.
        failure: How the launch failed. Without one, every line counts that may be an exception.
        exit_signal: Name of the signal that ended the program; empty for none.
        exit_code: Its exit code; None where it has none.

    Returns:
        The finding, or None when the text does not show such a mistake.
    """
    if failure in _NO_EXCEPTION:
        return None
    if failure is Failure.UNCLEAN_STOP and exit_signal:
        return lifecycle.stop_form([*stderr.splitlines(), *stdout.splitlines()], exit_signal)
    if failure is Failure.UNCLEAN_STOP and exit_code in lifecycle.CODES_OF_SIGNALS:
        return lifecycle.code_of_signal(exit_code)
    # Lines as whoever waits has them: a progress that writes over itself is a part of one.
    said, aside = stdout.split("\n"), stderr.split("\n")
    if failure is Failure.READY_TIMEOUT and (form := lifecycle.ready_form(said, aside, facts)):
        return form
    for raised in _candidates(plain(stderr), plain(stdout), failure):
        finding = _explained(raised, variant, facts)
        if finding is not None:
            return finding
    return lifecycle.asked_in_vain(facts) if failure is Failure.READY_TIMEOUT else None


def last_words(*, stderr: str, stdout: str, failure: Failure | None = None) -> str:
    """What a program said last: the exception that ended it, whole; else its last line.

    Args:
        stderr: The end of its standard error.
        stdout: The end of its standard output.
        failure: How the launch failed.
    """
    texts = {"stderr": plain(stderr), "stdout": plain(stdout)}
    for name, text in texts.items():
        ended = failure is Failure.EXITED_BEFORE_READY
        raised: Raised | None = tracebacks.uncaught(text, ended=ended)
        if raised is None and failure is Failure.SMOKE_FAILED:
            every = tracebacks.read(text)
            raised = every[-1] if every else None
        if raised is not None and raised.lines:
            return f"{name} ends with: {_shown(raised)}"
    for name, text in texts.items():
        if lines := tracebacks.last_lines(text, LAST_LINES):
            # A server says why, and then that it is gone.
            bad = (line for line in lines if BAD_NEWS.search(line))
            last = next(bad, lines[0]) if QUIET.search(lines[0]) else lines[0]
            return f"{name} ends with: {last}"
    return "it wrote nothing"


def _shown(raised: Raised) -> str:
    """An exception on one line: its own line first, all of its message, and where it was raised."""
    text = "; ".join(line.strip() for line in raised.lines if line.strip())
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE] + " [cut]"
    where = raised.where
    if where and raised.source and ":" not in text:
        where += f": {raised.source}"  # a bare AssertionError says nothing without its line
    return f"{text} ({where})" if where else text


def _candidates(stderr: str, stdout: str, failure: Failure | None) -> Iterator[Raised]:
    """The exceptions that may have ended the program, the likeliest first."""
    if failure is None or failure is Failure.SMOKE_FAILED:
        # A server tells of what a request met and goes on; and a text without a failure is one
        # that somebody has chosen.
        for text in (stderr, stdout):
            for raised in reversed(tracebacks.read(text)):
                yield from tracebacks.every(raised)
        for text in (stderr, stdout):
            for line in reversed(text.splitlines()):
                yield Raised(lines=(line,))
        return
    ended = failure is Failure.EXITED_BEFORE_READY
    found = [each for text in (stderr, stdout) if (each := tracebacks.uncaught(text, ended=ended))]
    for raised in found:
        yield from tracebacks.every(raised)
    if not found:
        for text in (stderr, stdout):
            for line in tracebacks.last_lines(text, outside=True):
                if not QUIET.search(line):
                    yield Raised(lines=(line,))


def _explained(raised: Raised, variant: str, facts: SidecarFacts) -> Diagnosis | None:
    for pattern, explain in (*missing_modules.RULES, *missing_files.RULES):
        if match := pattern.search(raised.message):
            finding = explain(match, variant, facts)
            if finding is not None:
                return finding
    return (
        missing_files.named_path(raised, variant, facts)
        or missing_files.other_program(raised, facts)
        or missing_files.run_again(raised, variant)
    )
