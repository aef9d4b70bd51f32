"""The examples keep the contract, in every language and on every Python that is here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spike.contract import subject, trial
from spike.contract.promises import Verdict
from spike.core.workspace import TOOL as ROOT
from spike.launch.running import Running
from spike.launch.spec import LaunchSpec

pytestmark = pytest.mark.integration

FOLDER = ROOT / "examples" / "contract"
HELPER = FOLDER / "python" / "sidecar_contract.py"
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def interpreter(version: str) -> str:
    """A Python of this version; skips the test where none is installed."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version == own:
        return sys.executable
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for path in sorted(versions.glob(f"{version}.*/bin/python{version}"))]
    path = next(iter(found), shutil.which(f"python{version}"))
    if path is None:
        pytest.skip(f"Python {version} is not installed here")
    return path


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed here")
    return path


def keeps_all(*words: str) -> str:
    """Try a program, which has to keep every row and be asked each; gives its language."""
    found = trial.run(subject.find(words))
    assert {each.row: each for each in found.findings if each.verdict is not Verdict.KEPT} == {}
    return found.language


@pytest.mark.parametrize(
    "version",
    [
        version if version in ("3.9", "3.13") else pytest.param(version, marks=pytest.mark.nightly)
        for version in VERSIONS
    ],
)
def test_the_example_in_python_keeps_every_row(version: str) -> None:
    """On each Python that the helper is for."""
    python = interpreter(version)
    assert keeps_all(python, "-S", str(FOLDER / "python" / "main.py")) == "Python"


def test_the_example_in_node_keeps_every_row() -> None:
    """Without a dependency."""
    assert keeps_all(tool("node"), str(FOLDER / "node" / "main.mjs")) == "Node"


def test_the_example_in_go_keeps_every_row(tmp_path: Path) -> None:
    """Built from the standard library alone, formatted and vetted."""
    go = tool("go")
    program = tmp_path / "sidecar"
    for words in (["build", "-o", str(program), "."], ["vet", "."]):
        done = subprocess.run(
            [go, *words],
            cwd=FOLDER / "go",
            env={**os.environ, "GOFLAGS": "-mod=readonly", "GOPROXY": "off"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert keeps_all(str(program)) == "Go"


def with_helper(folder: Path, body: str, *, python: str = sys.executable) -> LaunchSpec:
    """A program that imports a copy of the helper, as a host starts it."""
    shutil.copy2(HELPER, folder)
    script = folder / "program.py"
    script.write_text(
        "import os, signal, subprocess, sys, threading, time\n"
        "import sidecar_contract as sidecar\n" + textwrap.dedent(body),
        encoding="utf-8",
    )
    return LaunchSpec(
        argv=(python, "-S", str(script)),
        base_env={key: text for key, text in os.environ.items() if key != "PYTHONUNBUFFERED"},
        env={"SIDECAR_EXIT_ON_EOF": "1", "SIDECAR_TOKEN": "a-token"},
        ready_timeout_s=10.0,
    )


REBOUND = {
    "nothing": "pass",
    "another text stream": "import io; sys.stdout = io.StringIO()",
    "none, as in a windowed program": "sys.stdout = None",
    "closed": "sys.stdout.close(); sys.stdout = None",
    "another descriptor": "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)",
}


@pytest.mark.parametrize("how", REBOUND)
@pytest.mark.parametrize("when", ["before", "after"])
def test_ready_comes_on_the_real_stdout(tmp_path: Path, how: str, when: str) -> None:
    """Whatever the program has put in the place of its own; nothing else comes there."""
    first, second = ("pass", REBOUND[how]) if when == "after" else (REBOUND[how], "pass")
    if (when, how) == ("before", "another descriptor"):
        pytest.skip("then there is no real stdout any more")
    body = f"""
        {first}
        sidecar.begin()
        {second}
        print("printed")
        os.write(1, b"written\\n")
        subprocess.run([sys.executable, "-S", "-c", "print('of a child')"])
        sidecar.ready(4711)
        sidecar.ready(4711)
        sidecar.wait()
    """
    with Running(with_helper(tmp_path, body)) as running:
        assert running.wait_ready(), running.result()
        running.close_stdin()
        assert running.wait_exit(5.0)
        done = running.result()
    assert done.stdout_tail == ("LISTEN port=4711", "READY")
    assert done.exit_code == 0, done


def test_a_child_does_not_wait_on_the_hosts_pipe(tmp_path: Path) -> None:
    """Its stdin is empty, and it does not keep the host's stdout open."""
    body = """
        sidecar.begin()
        child = subprocess.Popen([sys.executable, "-S", "-c",
                                  "import sys, time; sys.stdin.read(); time.sleep(20)"])
        sidecar.ready()
        sidecar.wait()
        print("pid", child.pid, file=sys.stderr, flush=True)
        os._exit(0)
    """
    with Running(with_helper(tmp_path, body)) as running:
        assert running.wait_ready()
        running.close_stdin()
        assert running.wait_exit(5.0)
        running.watch(0.2)
        running.pump(lambda: "stdout" not in running.open_streams(), 2.0)
        assert running.open_streams() == ("stderr",)
        os.kill(int(running.result().stderr_tail[-1].split()[1]), signal.SIGKILL)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_pool_of_processes_can_still_be_ended(tmp_path: Path, version: str) -> None:
    """A worker that is forked has the system's own handlers, so that SIGTERM ends it."""
    body = """
        import multiprocessing

        if __name__ == "__main__":
            sidecar.begin()
            worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(20,))
            worker.start()
            time.sleep(0.3)  # a signal right behind the fork still meets the parent's handlers
            sidecar.ready()
            sidecar.wait()
            worker.terminate()
            worker.join(5)
            sys.exit(worker.exitcode != -signal.SIGTERM)
    """
    with Running(with_helper(tmp_path, body, python=interpreter(version))) as running:
        assert running.wait_ready(), running.result()
        running.send(signal.SIGINT)
        assert running.wait_exit(8.0)
        assert running.exit_code == 0, running.result()


def test_a_second_signal_does_not_cut_the_first_one_short(tmp_path: Path) -> None:
    """The host's own way: the end of stdin, SIGTERM when that takes long, and Ctrl-C besides."""
    body = """
        sidecar.begin()
        sidecar.ready()
        sidecar.wait()
        print("tidying up", file=sys.stderr, flush=True)
        time.sleep(0.5)
        print("tidied up", file=sys.stderr, flush=True)
    """
    with Running(with_helper(tmp_path, body)) as running:
        assert running.wait_ready()
        running.close_stdin()
        assert running.pump(lambda: "tidying up" in running.result().stderr_tail, 5.0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            running.send(number)
            running.watch(0.05)
        assert running.wait_exit(5.0)
        assert running.exit_code == 0, running.result()
        assert running.result().stderr_tail[-1] == "tidied up"


def test_a_program_that_does_not_end_is_ended_before_the_host_has_to(tmp_path: Path) -> None:
    """With a code that says so."""
    body = """
        sidecar.begin()
        sidecar.ready()
        sidecar.stop()
        while True:
            time.sleep(1)
    """
    with Running(with_helper(tmp_path, body)) as running:
        assert running.wait_ready()
        assert running.wait_exit(8.0)
        assert running.exit_code == 1


def test_a_program_that_reads_stdin_itself_says_when_it_ends(tmp_path: Path) -> None:
    """And what it stops by is called once, in a thread of its own."""
    body = """
        sidecar.begin(watch_stdin=False)
        sidecar.on_stop(lambda: print("called", threading.current_thread() is
                        threading.main_thread(), file=sys.stderr, flush=True))
        sidecar.ready()
        for line in sys.stdin:
            print("got", line.strip(), file=sys.stderr, flush=True)
        sidecar.stop()
        sidecar.stop()
        sidecar.wait()
        time.sleep(0.3)
    """
    with Running(with_helper(tmp_path, body)) as running:
        assert running.wait_ready()
        running.write_stdin(b"a line\n")
        running.close_stdin()
        assert running.wait_exit(5.0)
        assert running.exit_code == 0
        assert running.result().stderr_tail == ("got a line", "called False")
