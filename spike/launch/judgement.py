"""The one judgement of a launch: what builds, benchmarks and the host check call good or failed.

A launch is good when READY came once and in the sidecar's own time, the program stayed a moment
after it without starting itself again, answered the smoke command, stopped with 0 when asked to,
and left no process and no file behind. A failed one says what its output shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from spike.launch import diagnosis, leftovers, lifecycle, procs
from spike.launch.causes import Diagnosis, SidecarFacts
from spike.launch.diagnosis import diagnose
from spike.launch.launcher import launch
from spike.launch.places import Place
from spike.launch.ready import Ready
from spike.launch.running import Running
from spike.launch.spec import Failure, Launch, LaunchSpec
from spike.project.sidecar import Sidecar

_SAY_LAST_WORDS = (
    Failure.EXITED_BEFORE_READY,
    Failure.READY_TIMEOUT,
    Failure.SMOKE_FAILED,
    Failure.DIED_AFTER_READY,
    Failure.UNCLEAN_STOP,
)


def spec_of(
    sidecar: Sidecar,
    argv: Sequence[str],
    *,
    place: Place | None = None,
    env: Mapping[str, str] | None = None,
) -> LaunchSpec:
    """How a sidecar is launched once.

    Args:
        sidecar: Whose arguments, environment, READY line, timeout and smoke command count.
        argv: The program, or what runs the script; the arguments are added.
        place: Where a copy of it lies; None for this process's own surroundings.
        env: More environment variables; those of the sidecar win.
    """
    return LaunchSpec(
        argv=(*argv, *sidecar.args),
        env={**(place.environment() if place else {}), **(env or {}), **sidecar.env},
        cwd=place.working_folder() if place else None,
        ready=Ready.of(sidecar),
        ready_timeout_s=sidecar.ready_timeout_s,
        smoke=sidecar.smoke,
        smoke_cwd=place.sources if place else sidecar.folder,
        smoke_stdio=sidecar.smoke_stdio,
    )


def judge(
    spec: LaunchSpec,
    *,
    place: Place | None = None,
    explain: Callable[[Launch], Launch] | None = None,
    at_ready: Callable[[Running], None] | None = None,
) -> Launch:
    """Launch once and judge.

    Args:
        spec: What to launch.
        place: Where it lies; what the launch changes there is told. ``spec.cwd`` is its own then.
        explain: Adds the reason to a failed launch; see :func:`explained`.
        at_ready: See :func:`spike.launch.launcher.launch`.
    """
    inspect = None if procs.unavailable() else leftovers.inspect
    done = launch(replace(spec, settle_s=None), inspect=inspect, at_ready=at_ready)
    if place is not None and spec.cwd is not None:
        done = place.compared(done, spec.cwd)
    return explain(done) if explain is not None and not done.ok else done


def finding(launch: Launch, *, variant: str, known: SidecarFacts) -> Diagnosis | None:
    """The diagnosis of a failed launch; None for a good one and when nothing is recognised."""
    if launch.failure is None:
        return None
    return lifecycle.of_launch(launch) or diagnose(
        stderr="\n".join(launch.stderr_tail),
        stdout="\n".join(launch.stdout_tail),
        variant=variant,
        facts=known,
        failure=launch.failure,
        exit_signal=launch.exit_signal,
        exit_code=launch.exit_code,
    )


def explained(launch: Launch, *, variant: str, known: SidecarFacts) -> Launch:
    """A failed launch with the reason in its ``detail``; a good one as it is."""
    if launch.failure is None:
        return launch
    if found := finding(launch, variant=variant, known=known):
        return replace(launch, detail=f"{launch.detail}. {found}")
    if launch.failure in _SAY_LAST_WORDS:
        return replace(launch, detail=f"{launch.detail}; {last_words(launch)}")
    return launch


def last_words(launch: Launch) -> str:
    """What a program said last: the exception that ended it, whole, or its last line."""
    return diagnosis.last_words(
        stderr="\n".join(launch.stderr_tail),
        stdout="\n".join(launch.stdout_tail),
        failure=launch.failure,
    )


def remarks(*, program: Sequence[str] = (), cwd: Sequence[str] = ()) -> tuple[str, ...]:
    """What is worth saying of launches though it is no failure: where they have written.

    The user's home is where a program should write; that is kept in results and not spoken of.

    Args:
        program: ``wrote_program`` of one or of many launches.
        cwd: ``wrote_cwd`` likewise.
    """
    told = []
    if program:
        told.append(
            f"writes beside itself: {_names(program)}. That is lost at the next start "
            "of a onefile, which unpacks itself anew, and refused below /usr and Program Files, "
            "where programs are installed. Use the user's data folder (XDG_DATA_HOME or "
            "~/.local/share, %APPDATA%, ~/Library/Application Support)."
        )
    if cwd:
        told.append(
            f"writes where it stands: {_names(cwd)}. A sidecar's working folder is "
            "its host's, often / or a folder below Program Files, which refuse it, or whatever "
            "folder the user is in. Use an absolute path below the user's data folder."
        )
    return tuple(told)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
