"""What programs write beside the exception that ended them, and what only looks like one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from spike.launch.causes import Cause, SidecarFacts
from spike.launch.diagnosis import diagnose, last_words
from spike.launch.spec import Failure

APP = SidecarFacts(
    name="app",
    files=frozenset(
        {
            "main.py",
            "plug_in.py",
            "helpers.py",
            "email.py",
            "shapes/__init__.py",
            "shapes/circle.py",
            "vendored/utils.py",
            "models/a.gguf",
            "data/t.txt",
            "static/app.css",
            "migrations/env.py",
        }
    ),
    provided={"certifi": "certifi", "werkzeug": "Werkzeug"},
    program_folder="/opt/app",
    shipped=frozenset({"app"}),
)
HEAD = 'Traceback (most recent call last):\n  File "main.py", line 9, in <module>\n'
ORJSON = f"{HEAD}ModuleNotFoundError: No module named 'orjson'\n"
GGUF = (
    f"{HEAD}FileNotFoundError: [Errno 2] No such file or directory: "
    "'/opt/app/_internal/models/a.gguf'\n"
)
ENDED = "[PYI-77:ERROR] Failed to execute script 'main' due to unhandled exception!\n"
IN_DEL = (
    "Exception ignored in: <function Llama.__del__ at 0x7f>\n"
    'Traceback (most recent call last):\n  File "main.py", line 5, in __del__\n'
    "AttributeError: 'Llama' object has no attribute 'model'\n"
)
IN_TASK = (
    "Task exception was never retrieved\n"
    "future: <Task finished name='Task-2' coro=<poll() done> exception=ConnectionError()>\n"
    'Traceback (most recent call last):\n  File "main.py", line 5, in poll\nConnectionError\n'
)


def found(
    stderr: str,
    failure: Failure = Failure.EXITED_BEFORE_READY,
    facts: SidecarFacts = APP,
    **more: Any,
) -> tuple[Cause, str] | None:
    """Cause and fix."""
    finding = diagnose(stderr=stderr, variant="v", facts=facts, failure=failure, **more)
    return (finding.cause, finding.fix) if finding else None


@pytest.mark.parametrize(
    ("failure", "more", "cause"),
    [
        (Failure.UNCLEAN_STOP, {"exit_signal": "SIGTERM"}, Cause.STOP_FORM),
        (Failure.UNCLEAN_STOP, {"exit_code": 143}, Cause.STOP_FORM),
        (Failure.READY_TIMEOUT, {"stdout": "READY"}, Cause.READY_FORM),
        (Failure.LEFT_FILES, {}, None),
        (Failure.STARTED_AGAIN, {}, None),
    ],
)
def test_what_was_told_on_the_way_is_no_cause_of_another_failure(
    failure: Failure, more: dict[str, Any], cause: Cause | None
) -> None:
    """A program that has come so far has done without it."""
    finding = found("WARNING:root:json is used instead\n" + ORJSON, failure, **more)
    assert (finding and finding[0]) == cause


@pytest.mark.parametrize(
    "behind",
    [
        "",
        "orjson not available, using json\nAPP_TOKEN is not set\n",
        "\nDuring handling of the above exception, another exception occurred:\n\n"
        f"{HEAD}KeyError: 'APP_TOKEN'\n",
    ],
)
def test_a_module_that_the_sources_can_do_without_is_never_demanded(behind: str) -> None:
    """However it is told of; one that they need is."""
    without = dataclasses.replace(APP, optional=frozenset({"orjson"}))
    assert found(ORJSON + behind, facts=without) is None
    finding = found(ORJSON)
    assert finding is not None
    assert finding[0] is Cause.MISSING_DEPENDENCY


@pytest.mark.parametrize("level", ["WARNING", "INFO"])
def test_who_gives_up_something_optional_does_not_give_up(level: str) -> None:
    text = f"{level}:app:failed to load the metrics plugin\n{ORJSON}ERROR:app:no licence\n"
    assert found(text) is None


@pytest.mark.parametrize(
    "text",
    [
        GGUF + IN_DEL,
        GGUF + ENDED + IN_DEL,
        GGUF + IN_DEL.replace("in: <function", "in atexit callback: <function"),
        GGUF + IN_TASK,
        GGUF + "2026-11-30 10:00:00 INFO app: bye\n",
        GGUF + ENDED + "2026-11-30 10:00:00 INFO app: bye\n",
        "CRITICAL:root:" + GGUF,
    ],
)
def test_what_is_told_at_the_exit_hides_no_exception(text: str) -> None:
    """Finalisers, tasks that nobody waited for, and a log's last words come behind it."""
    finding = found(text)
    assert finding is not None
    assert 'data = ["models/a.gguf"]' in finding[1]


def test_a_task_that_died_alone_is_shown() -> None:
    """Nothing else says why the program waits in vain."""
    assert "ConnectionError" in last_words(stderr=IN_TASK, stdout="")


@pytest.mark.parametrize(
    "message",
    [
        "TypeError: load() missing 1 required positional argument: 'data'",
        "ValidationError: Field required [type=missing, input_value={'models': 'small'}]",
        "NoReverseMatch: Reverse for 'static' not found. 'static' is not a valid name.",
        "ImportError: /lib/libm.so.6: version `GLIBC_2.38' not found (required by "
        "/opt/app/_internal/shape/_ext.so)",
        "ImportError: cannot import name 'url_quote' from 'werkzeug.urls' "
        "(/opt/app/_internal/werkzeug/urls.pyc)",
        "ImportError: cannot import name 'lod' from 'helpers' (/opt/app/_internal/helpers.pyc). "
        "Did you mean: 'load'?",
        "ModuleNotFoundError: No module named 'winreg'",
        "ModuleNotFoundError: No module named 'shapes._version'",
        "ModuleNotFoundError: No module named 'email.mime'; 'email' is not a package",
        "LookupError: unknown encoding: utf-8-bom",
    ],
)
def test_what_no_key_repairs_gets_none(message: str) -> None:
    """A bug, another version, another system, a file that was never made."""
    assert found(f"{HEAD}{message}\n") is None


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        (
            "alembic.util.exc.CommandError: Path doesn't exist: /opt/app/_internal/migrations.  "
            "Please use the 'init' command to create a new scripts folder.",
            'data = ["migrations"]',
        ),
        (
            "FileNotFoundError: [WinError 3] The system cannot find the path specified: "
            r"'C:\\Users\\me\\app\\_internal\\models'",
            'data = ["models"]',
        ),
        (
            "RuntimeError: model file not found: /opt/app/_internal/models/a.gguf.",
            'data = ["models/a.gguf"]',
        ),
        ("RuntimeError: it is missing (/opt/app/_internal/data/t.txt)", 'data = ["data/t.txt"]'),
        ("FileNotFoundError: /opt/app/_internal/models/a.gguf", 'data = ["models/a.gguf"]'),
        (
            "OSError: Could not find a suitable TLS CA certificate bundle, invalid path: "
            "/opt/app/_internal/certifi/cacert.pem",
            'collect = ["certifi"]',
        ),
        (
            "importlib.metadata.PackageNotFoundError: No package metadata was found for The "
            "'certifi>=4.27' distribution was not found and is required by this application.",
            'metadata = ["certifi"]',
        ),
        ("LookupError: unknown encoding: windows-1252", 'hidden_imports = ["encodings.cp1252"]'),
        ("ModuleNotFoundError: No module named 'utils'", "Path(__file__).parent / 'vendored'"),
    ],
)
def test_the_right_part_of_a_message_is_read(message: str, fix: str) -> None:
    finding = found(f"{HEAD}{message}\n")
    assert finding is not None
    assert fix in finding[1]


def test_a_file_that_the_sources_do_not_have_is_not_built_again_for_ever() -> None:
    """Its folder is listed; it is not in it."""
    facts = dataclasses.replace(APP, data=("data",), shipped=frozenset({"_internal/data/t.txt"}))
    finding = found(GGUF.replace("models/a.gguf", "data/state.json"), facts=facts)
    assert finding is not None
    assert "--force" not in finding[1]
    assert "create data/state.json" in finding[1]
    assert "set data" not in finding[1]


def test_a_distribution_that_nobody_brings_has_no_metadata_to_ship() -> None:
    text = (
        f"{HEAD}importlib.metadata.PackageNotFoundError: No package metadata was found for tqdm\n"
    )
    finding = found(text)
    assert finding is not None
    assert finding[0] is Cause.MISSING_DEPENDENCY


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (
            "INFO:     Application startup complete.\n"
            "ERROR:    [Errno 98] error while attempting to bind on address: already in use\n"
            "INFO:     Application shutdown complete.\n",
            "[Errno 98]",
        ),
        ("[PYI-31279:ERROR] Failed to load Python shared library 'libpython3.11.so'\n", "shared"),
        ("INFO:     waiting\nINFO:     gone\n", "gone"),
    ],
)
def test_the_last_words_are_those_that_say_why(stderr: str, words: str) -> None:
    """A server goes on to say that it is gone, and a packager's launcher may be all that speaks."""
    assert words in last_words(stderr=stderr, stdout="")
