"""The edge where a task meets its user: words become numbers, and errors become text."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from invoke.exceptions import Exit

HELLO = "sidecar"
SIDECAR_HELP = "folder of the sidecar, with its pyproject.toml (default: sidecar)"
DRAFT_HELP = "draft problems for the issue log; those of the project's own sidecar always are"
PYTHON_HELP = "another Python than the sidecar's own, such as 3.13"
VARIANT_HELP = "work on this variant only, such as nuitka-onefile (repeatable)"


def edge(body: Callable[..., int | None]) -> Callable[..., None]:
    """Turn what a task returns or raises into its exit code and one paragraph.

    A task ends with 0 (done, target met), 1 (done, target missed), 2 (could not be done, or not for
    every variant) or 130 (interrupted; what was measured is kept).
    """

    @functools.wraps(body)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        from spike.core.command_line import speak_any_text, unforeseen
        from spike.core.errors import EXIT_CANNOT, EXIT_INTERRUPTED, SpikeError

        speak_any_text()
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            code = body(*args, **kwargs)
            sys.stdout.flush()
        except SpikeError as error:
            raise Exit(f"error: {error}", code=error.exit_code) from None
        except KeyboardInterrupt:
            raise Exit(
                "interrupted: what was measured so far is kept in the *.incomplete.json file "
                "beside the results; earlier results are unchanged",
                code=EXIT_INTERRUPTED,
            ) from None
        except Exit:
            raise
        except Exception as error:
            raise Exit(unforeseen(error), code=EXIT_CANNOT) from None
        if code:
            raise Exit(code=code)

    return wrapper


def _interrupt(number: int, frame: object) -> NoReturn:
    """SIGTERM ends a task like Ctrl-C: what was started is ended, what was measured is kept."""
    raise KeyboardInterrupt


def one_of(value: str, option: str, known: Sequence[str]) -> str:
    """Take one of some words.

    Raises:
        UsageError: It is none of them; the message names them.
    """
    from spike.core.errors import UsageError

    if value not in known:
        raise UsageError(
            f"There is no {option.lstrip('-')} {value!r}.",
            why=f"Known are {' and '.join(known)}.",
            try_next=f"{option} {known[0]}",
        )
    return value


def goes_alone(option: str, **others: object) -> None:
    """Refuse what an option that was given would leave unheard.

    Args:
        option: The option, such as ``--why``.
        others: Options that have no effect beside it, by their names, with what was given.

    Raises:
        UsageError: One of them was given.
    """
    from spike.core.errors import UsageError

    unheard = [f"--{name.replace('_', '-')}" for name, value in others.items() if value]
    if unheard:
        raise UsageError(
            f"{option} and {' and '.join(unheard)} are two things.",
            why=f"{option} answers alone, and {unheard[0]} would have no effect beside it.",
            try_next=f"one of the two, {option} or {unheard[0]}",
        )


def whole_number(text: str, option: str, *, low: int, high: int) -> int:
    """Read a whole number; invoke's own conversion would answer a typing mistake with a traceback.

    Raises:
        UsageError: It is none, or out of range; the message shows a right value.
    """
    from spike.core.errors import UsageError

    try:
        value = int(str(text))
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise UsageError(
            f"{option} takes a whole number from {low} to {high}, not {text!r}.",
            try_next=f"{option} {max(low, min(20, high))}",
        )
    return value
