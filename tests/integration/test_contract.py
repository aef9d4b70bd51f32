"""The contract on real programs: one that keeps all of it, and for each row ones that do not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spike.contract import subject, trial
from spike.contract.life import Terms
from spike.contract.promises import PROMISES, Report, Row, Verdict
from spike.core.workspace import TOOL as ROOT
from tests.support import contract_programs as programs
from tests.support.commands import invoke

pytestmark = pytest.mark.integration

TERMS = Terms(ready_timeout_s=6.0, grace_s=1.5)
HERE = [row for row in PROMISES if row is not Row.CTRL_BREAK]
"""The rows of this platform; the judgement of the other one has unit tests."""

READY_LINE = 'os.write(1, b"READY\\n")'
LISTEN_LINE = 'os.write(1, b"LISTEN port=%d\\n" % server.server_address[1])'
WATCH = "threading.Thread(target=watch, daemon=True).start()\n"
TOO_LONG = "x" * 10_000


@dataclass(frozen=True)
class Breach:
    """A change to the good program, and the rows that it breaks.

    Attributes:
        row: The one that it is about.
        changes: What stands in place of which text.
        says: What the row's detail has to say.
        also: Other rows that it cannot but break.
    """

    row: Row
    changes: Mapping[str, str]
    says: str
    also: frozenset[Row] = field(default=frozenset())


def instead(row: Row, old: str, new: str, says: str, *also: Row) -> Breach:
    return Breach(row, {old: new}, says, frozenset(also))


CHILD = f"child = subprocess.Popen({programs.SLEEP}, start_new_session=True)"
LATE, LAST, EARLY = "def late(): pass", "def last(): pass", "def early(): pass"

BREACHES = [
    instead(Row.READY, READY_LINE, 'os.write(2, b"READY\\n")', "READY came on stderr"),
    instead(Row.READY, READY_LINE, 'os.write(1, b"READY")', "without the end of its line"),
    instead(Row.READY, READY_LINE, 'print("READY")', "kept in a buffer"),
    instead(Row.READY, READY_LINE, "pass", "no line READY"),
    instead(
        Row.READY,
        EARLY,
        "def early(): os.fork() and os._exit(0)",
        "it left behind",
        *(Row.STOP_WHILE_STARTING, Row.NO_PROCESSES),
    ),
    instead(
        Row.READY,
        EARLY,
        "def early(): time.sleep(6.5)",
        "and the host waits for 6 s",
        Row.STOP_WHILE_STARTING,
    ),
    instead(Row.READY, READY_LINE, "sys.exit('no database')", "exited with 1 before READY"),
    instead(Row.READY, READY_LINE, READY_LINE + "; os._exit(4)", "right after READY"),
    instead(
        Row.READY,
        "server.server_address[1]",
        "1",
        "nobody listens on the port 1",
        *(Row.PORT_ZERO, Row.PORT_GIVEN, Row.SECOND_INSTANCE),
    ),
    instead(Row.READY_ONCE, READY_LINE, f"{READY_LINE}; {READY_LINE}", "it came 2 times"),
    instead(Row.PORT_ZERO, LISTEN_LINE, "pass", "says no LISTEN"),
    instead(
        Row.PORT_ZERO,
        "port = int(",
        "port = FIXED or int(",
        "in each of",
        Row.PORT_GIVEN,
        Row.SECOND_INSTANCE,
    ),
    instead(Row.PORT_GIVEN, "port = int(", "port = 0 * int(", "it was handed"),
    instead(Row.LOOPBACK, '"127.0.0.1"', '"0.0.0.0"', "0.0.0.0:"),
    instead(Row.TOKEN, "200 if good else 401", "200", "without the token it answered 200"),
    instead(
        Row.TOKEN,
        'good = self.headers.get("Authorization") == "Bearer " + token',
        'good = self.headers.get("Authorization")',
        "with another token it answered 200",
    ),
    instead(Row.TOKEN, LATE, "def late(): sys.stderr.write(token + '\\n')", "on stderr"),
    instead(
        Row.TOKEN,
        LATE,
        f"def late(): global child; child = subprocess.Popen({programs.SLEEP[:-1]}, token])",
        "in the command line",
        Row.NO_PROCESSES,
        Row.KILLED,
        Row.HOST_GONE,
        Row.STOP_WHILE_STARTING,
    ),
    instead(Row.END_OF_STDIN, WATCH, "", "still running", Row.HOST_GONE),
    instead(Row.SIGTERM, "SIGTERM, stop", "SIGTERM, signal.SIG_DFL", "killed by SIGTERM"),
    instead(Row.SIGTERM, "SIGTERM, stop", "SIGTERM, signal.SIG_IGN", "1.5 s after SIGTERM"),
    instead(Row.SIGINT, "SIGINT, stop", "SIGINT, signal.default_int_handler", "killed by SIGINT"),
    instead(
        Row.STOP_WHILE_STARTING,
        EARLY,
        "def early(): signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(2)",
        "of the start",
    ),
    instead(
        Row.UNREAD_STDOUT,
        "def log_message(self, *_):\n        pass",
        "def log_message(self, *_):\n        os.write(1, b'GET / ' + b'x' * 60 + b'\\n')",
        "said nothing for",
    ),
    instead(
        Row.UNREAD_STDOUT,
        LAST,
        f"def last(): os.write(1, b'{TOO_LONG}')",
        "and nobody read its stdout",
    ),
    instead(
        Row.SECOND_INSTANCE,
        LATE,
        "lock = os.path.join(os.environ['HOME'], '.cache', 'lock')\n"
        "def late():\n"
        "    os.path.exists(lock) and sys.exit('another one runs')\n"
        "    open(lock, 'w').close()",
        "another one runs",
    ),
    instead(
        Row.HOST_GONE,
        LAST,
        "def last():\n"
        "    while True:\n"
        "        try:\n"
        "            os.write(1, b'BYE\\n')\n"
        "            break\n"
        "        except OSError:\n"
        "            time.sleep(0.01)",
        "after all its pipes closed",
    ),
    Breach(
        Row.KILLED,
        {LATE: f"{CHILD}\n{LATE}", LAST: "def last(): child.kill(), child.wait()"},
        "it leaves",
    ),
    instead(
        Row.NO_PROCESSES,
        LATE,
        f"def late(): {CHILD}",
        "after the end of stdin it leaves",
        *(Row.KILLED, Row.HOST_GONE, Row.STOP_WHILE_STARTING),
    ),
    instead(
        Row.NO_PROCESSES,
        LATE,
        f"def late(): {CHILD.replace('start_new', 'env={}, start_new')}",
        "after the end of stdin it leaves",
        *(Row.KILLED, Row.HOST_GONE, Row.STOP_WHILE_STARTING),
    ),
    instead(
        Row.NO_FILES,
        LATE,
        "import tempfile\ndef late(): tempfile.mkdtemp(prefix='left')",
        "temporary folder: left",
    ),
    instead(
        Row.NO_FILES,
        LATE,
        "def late(): open(os.path.expanduser('~/.notesrc'), 'w').close()",
        "home: .notesrc",
    ),
]


def tried(words: list[str], terms: Terms = TERMS) -> Report:
    found = trial.run(subject.find(words), terms)
    assert [each.row for each in found.findings] == HERE
    return found


def broken(report: Report) -> dict[Row, str]:
    return {each.row: each.detail for each in report.of(Verdict.BROKEN)}


def test_the_good_program_keeps_every_row(tmp_path: Path) -> None:
    """And is asked every one of them."""
    found = tried(programs.write(tmp_path))
    assert {each.row: each.detail for each in found.findings if each.verdict != "kept"} == {}
    assert found.kept
    assert found.language == "Python"


def test_every_row_of_this_platform_has_a_program_that_breaks_it() -> None:
    """A row that cannot fail says nothing."""
    assert {each.row for each in BREACHES} == set(HERE)


def spread() -> Iterator[object]:
    """The first case of each row in every check, the others every night: each takes seconds."""
    met = set()
    for case in BREACHES:
        again = (pytest.mark.nightly,) if case.row in met else ()
        met.add(case.row)
        yield pytest.param(case, id=f"{case.row}: {case.says}", marks=again)


@pytest.mark.parametrize("case", list(spread()))
def test_a_program_that_breaks_a_row_is_told_so(tmp_path: Path, case: Breach) -> None:
    """Of this row and, but for what follows from it, of no other; with lines to add."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        fixed = held.getsockname()[1]
    changes = {old: new.replace("FIXED", str(fixed)) for old, new in case.changes.items()}
    found = tried(programs.write(tmp_path, changes))
    told = broken(found)
    assert case.says in told.get(case.row, ""), found
    assert set(told) == {case.row, *case.also}, told
    assert not found.kept
    assert all(each.lines for each in found.of(Verdict.BROKEN))
    assert not any(each.lines for each in found.findings if each.verdict is not Verdict.BROKEN)


def test_what_a_program_removes_in_the_end_is_not_left(tmp_path: Path) -> None:
    """Also not when a second instance ends while the first one still needs it."""
    found = tried(
        programs.write(
            tmp_path,
            {
                LATE: "import shutil, tempfile\n"
                "def late(): global scratch; scratch = tempfile.mkdtemp()",
                LAST: "def last(): shutil.rmtree(scratch)",
            },
        )
    )
    assert broken(found) == {}


STUBBORN = """\
import os, signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for folder in (os.environ["HOME"], os.environ["TMPDIR"], "."):
    open(os.path.join(folder, "left"), "w").close()
for number in range(3):
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"],
                     start_new_session=True, env={} if number else None)
TELL
while True:
    WORK
"""


@pytest.mark.parametrize(
    ("tell", "work"),
    [
        ("", "time.sleep(1)"),
        pytest.param("", "os.write(1, b'x' * 65536)", marks=pytest.mark.nightly),
        pytest.param("", "os.write(1, b'line\\n' * 10000)", marks=pytest.mark.nightly),
        ("os.write(1, b'READY\\n')", "time.sleep(1)"),
        ("", "os.write(1, b'READY\\n' * 1000)"),
    ],
    ids=["silent", "floods", "floods with lines", "ready", "floods with READY"],
)
def test_a_program_that_ignores_everything_is_judged_and_ended(
    tmp_path: Path, tell: str, work: str
) -> None:
    """It floods, ignores signals, starts processes that hide, writes everywhere: nothing stays."""
    text = STUBBORN.replace("TELL", tell).replace("WORK", work)
    before = children()
    found = tried(programs.command(tmp_path, text), Terms(ready_timeout_s=1.0, grace_s=0.3))
    assert not found.kept
    assert Row.STOP_WHILE_STARTING in broken(found)
    assert (Row.READY in broken(found)) == ("READY" not in text)
    assert children() - before == set()


def children() -> set[int]:
    """Processes of a program of these tests that live, wherever they hang."""
    found = set()
    for each in Path("/proc").iterdir() if sys.platform == "linux" else ():
        try:
            words = (each / "cmdline").read_bytes().split(b"\0") if each.name.isdecimal() else []
        except OSError:
            continue
        if words[1:2] == [b"-S"] and (b"time.sleep(60)" in b" ".join(words)):
            found.add(int(each.name))
    return found


def test_a_program_without_a_port_is_not_asked_for_one(tmp_path: Path) -> None:
    """One that speaks over its pipes keeps the other rows."""
    text = (
        "import os, signal, sys\n"
        "for each in (signal.SIGTERM, signal.SIGINT):\n"
        "    signal.signal(each, lambda *_: sys.exit(0))\n"
        "os.write(1, b'READY\\n')\n"
        "while os.read(0, 4096):\n    pass\n"
    )
    found = tried(programs.command(tmp_path, text))
    assert broken(found) == {}
    asked = {each.row for each in found.of(Verdict.NOT_ASKED)}
    assert asked == {Row.PORT_ZERO, Row.PORT_GIVEN, Row.LOOPBACK, Row.TOKEN}


def test_a_port_can_be_handed_over_as_an_argument(tmp_path: Path) -> None:
    """A program that knows nothing of the variable, and a protocol that is not HTTP."""
    text = (
        "import os, signal, socketserver, sys, threading\n"
        "class Line(socketserver.StreamRequestHandler):\n"
        "    def handle(self):\n"
        "        shown = self.rfile.readline().strip().decode()\n"
        "        if shown == os.environ['SIDECAR_TOKEN']:\n"
        "            self.rfile.readline()\n"
        "def stop(*_):\n"
        "    threading.Thread(target=server.shutdown).start()\n"
        "def watch():\n"
        "    while os.read(0, 4096):\n        pass\n"
        "    stop()\n"
        "socketserver.ThreadingTCPServer.daemon_threads = True\n"
        "server = socketserver.ThreadingTCPServer(('127.0.0.1', int(sys.argv[1])), Line)\n"
        "for each in (signal.SIGTERM, signal.SIGINT):\n"
        "    signal.signal(each, stop)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "os.write(1, b'READY\\n')\n"
        "server.serve_forever(0.02)\n"
    )
    found = tried([*programs.command(tmp_path, text), "{free_port}"])
    assert broken(found) == {}
    assert [each.row for each in found.of(Verdict.NOT_ASKED)] == [Row.PORT_ZERO]


def test_the_command_says_it_in_text_and_json_with_its_exit_code(tmp_path: Path) -> None:
    """0 when all rows are kept, 1 when one is not, with the lines of the language."""
    good = programs.write(tmp_path)
    done = invoke("contract", "--format", "json", "--", *good)
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert (found["contract"], found["kept"], found["language"]) == (1, True, "Python")
    assert [row["row"] for row in found["rows"]] == HERE
    bad = programs.write(tmp_path, {"SIGINT, stop": "SIGINT, signal.SIG_IGN"})
    done = invoke("contract", "--grace", "1", "--", *bad)
    assert done.returncode == 1, done.stdout
    assert "sigint: SIGINT ends it, with exit code 0.\nAdd:\n    import sidecar_contract" in (
        done.stdout
    )
    assert "15 of 16 rows are kept" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "No program is named"),
        (["examples/contract/python/main.py"], "invoke contract -- python3 examples/"),
        (["BROKEN"], "It cannot be started"),
    ],
)
def test_what_cannot_be_tried_is_an_error(tmp_path: Path, words: list[str], says: str) -> None:
    """Exit code 2, what, why and what to try; never a traceback."""
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"\x7fELF of another world")
    wrong.chmod(0o755)
    done = invoke("contract", "--", *(str(wrong) if word == "BROKEN" else word for word in words))
    assert done.returncode == 2, done.stdout
    assert says in done.stdout
    assert "Try: " in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_trial_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """In the middle of a program that ignores everything: no process, no folder, exit code 130."""
    (tmp_path / "t").mkdir()
    text = STUBBORN.replace("TELL", "").replace("WORK", "time.sleep(1)")
    before = children()
    command = [sys.executable, "-m", "invoke", "contract", "--"]
    with subprocess.Popen(
        [*command, *programs.command(tmp_path, text)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path / "t")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as trying:
        deadline = time.monotonic() + 20.0
        while not children() - before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert children() - before
        trying.send_signal(number)
        said, _ = trying.communicate(timeout=30)
    assert trying.returncode == 130, said
    assert children() - before == set()
    assert list((tmp_path / "t").iterdir()) == []


def test_nothing_of_the_trials_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even of a program that is killed in the middle of writing."""
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    text = STUBBORN.replace("TELL", "").replace("WORK", "time.sleep(1)")
    tried(programs.command(tmp_path, text), Terms(ready_timeout_s=0.5, grace_s=0.2))
    assert list((tmp_path / "t").iterdir()) == []
