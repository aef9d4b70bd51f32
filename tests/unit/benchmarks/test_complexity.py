"""Integration complexity: what is counted, and how it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import complexity


def test_configuration_counts_options_environment_and_tauri_entries() -> None:
    """A folder build needs one more entry in tauri.conf.json than one file."""
    argv = ["pyinstaller", "sidecar/main.py", "--onedir", "--distpath", "dist/x"]
    env = {"PYINSTALLER_CONFIG_DIR": "cache"}
    one_file = complexity.configuration(argv, env, folder=False)
    folder = complexity.configuration(argv, env, folder=True)
    assert one_file == [
        "build: --onedir",
        "build: --distpath",
        "environment: PYINSTALLER_CONFIG_DIR",
        "tauri.conf.json: bundle.externalBin",
    ]
    assert folder == [*one_file, "tauri.conf.json: bundle.resources"]


def test_locked_packages_are_counted_not_their_hashes(tmp_path: Path) -> None:
    """Hash lines and comments of a lock are no packages."""
    (tmp_path / "x.txt").write_text(
        "nuitka==4.3.3 \\\n    --hash=sha256:aa\n    # via me\n"
        "zstandard==0.25 \\\n    --hash=sha256:b\n",
        encoding="utf-8",
    )
    assert complexity.locked_packages("x", tmp_path) == 2


@pytest.mark.parametrize(
    ("said", "exit_code", "exit_signal", "text"),
    [
        ("SIGTERM", 0, "", "yes"),
        ("SIGINT", 0, "", "as SIGINT"),
        ("SIGINT", None, "SIGTERM", "as SIGINT, and ends the launcher by SIGTERM"),
        ("", None, "SIGTERM", "no: ended by SIGTERM"),
        ("", 0, "", "stops with 0, names no signal"),
    ],
)
def test_arrival_of_a_signal_in_words(
    said: str, exit_code: int | None, exit_signal: str, text: str
) -> None:
    """A signal arrives only under its own name."""
    seen = {"said": said, "exit_code": exit_code, "exit_signal": exit_signal}
    assert complexity.arrival("SIGTERM", seen) == text


@pytest.mark.parametrize(
    ("exit_code", "exit_signal", "text"),
    [
        (None, "SIGTERM", "yes: ends by SIGTERM"),
        (0, "", "yes: stops with 0"),
        (None, "SIGKILL", "no: ended by SIGKILL"),
        (None, "SIGINT", "no: ended by SIGINT"),
    ],
)
def test_a_program_that_names_no_signal_tells_by_its_end(
    exit_code: int | None, exit_signal: str, text: str
) -> None:
    """Most do not; that is no reason to say that nothing arrives."""
    seen = {"said": "", "exit_code": exit_code, "exit_signal": exit_signal}
    assert complexity.arrival("SIGTERM", seen, names=False) == text


def test_where_there_are_no_signals_the_row_says_so() -> None:
    """And does not say that none of them arrives."""
    assert complexity.arrival("SIGHUP", {"not_here": complexity.NO_SIGNALS}).startswith(
        "not on Windows"
    )


@pytest.mark.parametrize(
    ("processes", "gone_s", "after_stdin_end", "files", "text"),
    [
        (0, 0.02, 0, 0, "nothing"),
        (0, 1.1, 0, 29, "a process for 1.1 s, 29 files"),
        (1, None, 0, 45, "1 process until stdin ends, 45 files"),
        (1, None, 1, 0, "1 process"),
    ],
)
def test_leftovers_in_words(
    processes: int, gone_s: float | None, after_stdin_end: int, files: int, text: str
) -> None:
    """Whoever holds the process wants to know what outlives it, and how long."""
    seen = {
        "processes": processes,
        "gone_s": gone_s,
        "after_stdin_end": after_stdin_end,
        "files": files,
    }
    assert complexity.remains(seen) == text
