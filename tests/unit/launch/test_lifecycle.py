"""A program that did not say READY, or did not stop, is told what to say and how to end."""

from __future__ import annotations

import dataclasses

import pytest

from spike.launch import judgement
from spike.launch.causes import Cause, SidecarFacts
from spike.launch.diagnosis import diagnose
from spike.launch.ready import Ready
from spike.launch.spec import Failure, Launch

APP = SidecarFacts(name="app", provided={})


@pytest.mark.parametrize(
    ("streams", "changes", "message", "fix"),
    [
        (("BOOT\nREADY\nSHUTDOWN", ""), {}, "only when the program was stopped", "flush=True"),
        (
            ("BOOT\nREADY\nSHUTDOWN", ""),
            {},
            "late, or without a line end",
            "a larger ready_timeout_s",
        ),
        (("B\0O\0O\0T\0\n\0R\0E\0A\0D\0Y\0\n\0", ""), {}, "in UTF-16", 'encoding="utf-8"'),
        (
            ("BOOT", "2026-01-01 INFO READY"),
            {},
            "came on stderr, and it is not the line 'READY' alone",
            'ready_pattern = "READY" and ready_stream = "stderr"',
        ),
        (("", "READY"), {}, "'READY' came on stderr.", 'set ready_stream = "stderr"; or print'),
        (("\x1b[1;32mREADY\x1b[0m", ""), {}, "has 'READY' inside", 'ready_pattern = "READY"'),
        (
            ("\x1b[32mready\x1b[0m", ""),
            {},
            "and 'READY' is waited for",
            'ready_pattern = "ready";',
        ),
        (("[main] READY", ""), {}, "has 'READY' inside", 'ready_pattern = "READY" in place'),
        (("Ready", ""), {}, "'Ready' came, and 'READY'", 'set ready = "Ready"'),
        (("Ready!", ""), {}, "'Ready!' came, and 'READY'", 'set ready = "Ready!"; or print'),
        (("", "ready at 80"), {}, "'ready at 80'", 'ready_pattern = "ready" and ready_stream'),
        (
            ("", "INFO:     Uvicorn running on http://127.0.0.1:1 (Press CTRL+C to quit)"),
            {"ready": Ready(line="Uvicorn running on")},
            "came on stderr, and it is not",
            'ready_pattern = "Uvicorn running on" and ready_stream = "stderr"',
        ),
        (
            ("up", "ready at 80"),
            {"ready": Ready(pattern="ready at")},
            "'ready at 80' came on stderr.",
            'ready_stream = "stderr"',
        ),
        (
            ("READY", ""),
            {"ready": Ready(stream="stderr")},
            "'READY' came on stdout.",
            'ready_stream = "stdout"',
        ),
        (
            ("", ""),
            {"health": "http://127.0.0.1:80/"},
            "Nothing that it wrote",
            'ready_url = "http://127.0.0.1:80/"',
        ),
    ],
)
def test_a_line_that_was_not_heard_is_found(
    streams: tuple[str, str], changes: dict[str, object], message: str, fix: str
) -> None:
    """Late, on the other stream, inside another line, in another encoding, or not at all."""
    stdout, stderr = streams
    finding = diagnose(
        stderr=stderr,
        stdout=stdout,
        variant="v",
        facts=dataclasses.replace(APP, **changes),  # type: ignore[arg-type]
        failure=Failure.READY_TIMEOUT,
    )
    assert finding is not None
    assert finding.cause is Cause.READY_FORM
    assert message in finding.message
    assert fix in finding.fix


def test_a_pattern_for_a_line_fits_that_line_alone() -> None:
    """What means something in a pattern is escaped, as the host reads it too."""
    stderr = "x [up] (80) y"
    facts = dataclasses.replace(APP, ready=Ready(line="[up] (80)"))
    finding = diagnose(stderr=stderr, variant="v", facts=facts, failure=Failure.READY_TIMEOUT)
    assert finding is not None
    assert r'ready_pattern = "\\[up\\] \\(80\\)"' in finding.fix


def test_what_stands_behind_a_progress_is_no_line_of_its_own() -> None:
    """It was said in time: a carriage return ends no line for whoever waits for one."""
    finding = diagnose(
        stderr="",
        stdout="loading 50 %\rloading 100 %\rREADY",
        variant="v",
        facts=APP,
        failure=Failure.READY_TIMEOUT,
    )
    assert finding is not None
    assert "has 'READY' inside" in finding.message
    assert 'ready_pattern = "READY"' in finding.fix


@pytest.mark.parametrize(
    ("stdout", "health"),
    [("NOT READYING", ""), ("", "http://127.0.0.1:{port}/"), ("ALREADY", "")],
)
def test_a_line_that_never_came_is_not_invented(stdout: str, health: str) -> None:
    """A word that has it inside is another word."""
    facts = dataclasses.replace(APP, health=health)
    failure = Failure.READY_TIMEOUT
    assert diagnose(stderr="", stdout=stdout, variant="v", facts=facts, failure=failure) is None


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("BOOT\nREADY\nSHUTDOWN reason=normal", "as uvicorn does"),
        ("INFO:     Finished server process [1]", "as uvicorn does"),
        ("BOOT\nREADY", "does not handle SIGTERM"),
    ],
)
def test_a_signal_that_ends_the_program_is_told_apart(lines: str, message: str) -> None:
    """After a shutdown it was raised again; without one nobody caught it."""
    finding = diagnose(
        stderr="",
        stdout=lines,
        variant="v",
        facts=APP,
        failure=Failure.UNCLEAN_STOP,
        exit_signal="SIGTERM",
    )
    assert finding is not None
    assert message in finding.message
    assert "signal.signal(signal.SIGTERM" in finding.fix


def test_a_program_that_goes_on_after_the_stop_is_not_told_to_handle_its_killing() -> None:
    """SIGKILL is what a host does then."""
    finding = diagnose(
        stderr="", variant="v", facts=APP, failure=Failure.UNCLEAN_STOP, exit_signal="SIGKILL"
    )
    assert finding is not None
    assert "goes on after SIGTERM" in finding.message
    assert "SIGKILL" not in str(finding)


def test_not_ready_is_not_ready() -> None:
    """The word alone says nothing."""
    assert (
        diagnose(
            stderr="",
            stdout="not ready yet",
            variant="v",
            facts=APP,
            failure=Failure.READY_TIMEOUT,
        )
        is None
    )


@pytest.mark.parametrize(
    ("launch", "says", "fix"),
    [
        (
            Launch(failure=Failure.EXITED_BEFORE_READY, exit_code=0, same_program=1),
            "another one went on without it",
            "leave out what does that",
        ),
        (
            Launch(failure=Failure.DIED_AFTER_READY, exit_code=0, processes_left=("app",)),
            "it goes into the background",
            "stays until it is asked to stop",
        ),
        (
            Launch(failure=Failure.DUPLICATE_READY),
            "in two places, or over and over",
            "set ready_pattern in [tool.sidecar]",
        ),
        # A crash that leaves a child, an end with nothing left, and a start that is explained.
        (Launch(failure=Failure.DIED_AFTER_READY, exit_code=1, processes_left=("app",)), "", ""),
        (Launch(failure=Failure.EXITED_BEFORE_READY, exit_code=0), "", ""),
        (Launch(failure=Failure.DUPLICATE_READY, again="reload"), "", ""),
    ],
)
def test_what_the_course_of_a_launch_shows_is_said(launch: Launch, says: str, fix: str) -> None:
    """Whatever it wrote; and nothing where it shows nothing."""
    found = judgement.finding(launch, variant="v", known=APP)
    if not says:
        assert found is None
        return
    assert found is not None
    assert says in found.message
    assert fix in found.fix
