"""A new application by the commands that are printed: developed, packaged, run, and ended."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from spike.contract import asking
from spike.core import process
from spike.core.errors import SpikeError
from spike.core.workspace import PROJECT_VARIABLE, TOOL
from spike.host import application, window
from spike.launch import leftovers
from spike.launch.procs import GONE
from spike.scaffold import making
from tests.support import installed

pytestmark = [pytest.mark.integration, pytest.mark.host, pytest.mark.nightly]

TARGET = TOOL / "src-tauri" / "target"
"""The host's own: Tauri is compiled there already."""
START_S = 1800
"""More than a whole compilation takes on a busy machine."""
GONE_S = 15.0


class Made:
    """A new application, and the lines that its making printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = [sys.executable, "-m", "invoke", "new", str(folder)]
        done = process.capture(words, cwd=TOOL)
        assert done.ok, done.errors
        self.lines = re.findall(r"^  (.+)$", done.output, re.MULTILINE)
        self.entering = [line for line in self.lines if line.startswith(("cd ", "export "))]
        strange = (PROJECT_VARIABLE, "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
        kept = {key: value for key, value in os.environ.items() if key not in strange}
        kept = {key: value for key, value in kept.items() if not key.startswith("COV")}
        self.environment = {**kept, **installed.rust(), "CARGO_TARGET_DIR": str(TARGET)}

    def words(self, line: str) -> list[str]:
        """A shell that carries a line out as it is printed, behind those that enter the folder."""
        return ["sh", "-e", "-c", "\n".join([*self.entering, line])]

    def run(self, line: str) -> str:
        """Carry a line out, which has to end with 0; both streams."""
        done = subprocess.run(
            self.words(line),
            cwd=self.folder.parent,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert done.returncode == 0, f"{line}:\n{done.stdout[-6000:]}"
        return done.stdout

    def package(self) -> Path:
        """Make the package as printed, and unpack it; gives the program in it."""
        shutil.rmtree(TARGET / "release" / "bundle" / "deb", ignore_errors=True)
        self.run("npm run tauri build")
        (deb,) = (TARGET / "release" / "bundle" / "deb").glob("*.deb")
        root = self.folder.parent / "root"
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["dpkg-deb", "--extract", str(deb), str(root)], check=True)
        return root / "usr" / "bin" / "my-app"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One in a folder with a space, with its environments."""
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))
    found = Made(tmp_path_factory.mktemp("new") / "My App")
    assert [line for line in found.lines if line not in found.entering] == [
        *making.DEVELOP,
        *making.SHIP,
    ]
    for line in ("npm ci", "nox -s sidecar_env", "npm test"):
        found.run(line)
    return found


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    """A display."""
    with application.display() as name:
        yield name


def greetings(mark: str, name: str) -> int:
    """How often a sidecar has greeted, this time included; 0 while it does not answer."""
    for found in leftovers.survivors(mark):
        try:
            token = found.environ().get("SIDECAR_TOKEN", "")
            is_it = any(name in word for word in [found.exe(), *found.cmdline()])
        except GONE:
            continue
        for address in asking.listening([found.pid]) if token and is_it else ():
            request = urllib.request.Request(f"http://{address}/hello")
            request.add_header("Authorization", f"Bearer {token}")
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(json.load(answer)["number"])
    return 0


def lives(made: Made, words: list[str], screen: str, name: str, end: int, group: bool) -> None:
    """Start it, see that its page asked the sidecar, end it, and see that nothing is left."""
    log = made.folder.parent / "output.log"
    with application.surroundings(screen) as (changes, mark, _), log.open("wb") as output:
        child = process.spawn(
            words,
            env={**made.environment, **changes},
            cwd=made.folder.parent,
            stdin=subprocess.DEVNULL,
            stdout=output.fileno(),
            stderr=subprocess.STDOUT,
        )
        try:
            deadline, own = time.monotonic() + START_S, 0
            while (number := greetings(mark, name)) <= own + 1:
                own += bool(number)  # each look is a greeting; what is more is the page's
                said = log.read_text(errors="replace")[-4000:]
                assert child.poll() is None, f"it ended by itself:\n{said}"
                assert "could not compile" not in said, said
                assert time.monotonic() < deadline, f"the page asked nothing:\n{said}"
                time.sleep(0.5)
            (os.killpg if group else os.kill)(child.pid, end)
            child.wait(GONE_S)
            left = leftovers.wait_until_gone(mark, GONE_S)
            assert [leftovers.command_line(found) for found in left] == []
        finally:
            process.kill_group(child.pid)
            child.wait()
            leftovers.end(leftovers.survivors(mark))


def shown(program: Path, screen: str, script: str = "") -> tuple[str, str, str]:
    """What the window shows of its sidecar: state and answer; and what a script finds in it."""
    with window.opened(program, screen) as driver:

        def text(identifier: str) -> str:
            return driver.find_element(By.ID, identifier).text

        WebDriverWait(driver, window.PAGE_TIMEOUT_S).until(lambda _: text("answer"))
        found = str(driver.execute_async_script(script)) if script else ""
        return text("state"), text("answer"), found


def test_it_is_developed_on_the_plain_script(made: Made, screen: str) -> None:
    """Nothing is built but the application; Ctrl-C in the terminal ends all of it."""
    assert not (made.folder / "dist").exists()
    words = made.words("npm run tauri dev")
    lives(made, words, screen, "main.py", signal.SIGINT, group=True)


def test_it_is_packaged_and_runs(made: Made, screen: str) -> None:
    """By the printed commands; the page shows the sidecar's answer; no end leaves anything."""
    for line in making.SHIP[:-1]:
        made.run(line)
    program = made.package()
    state, answer, _ = shown(program, screen)
    assert state == "ready"
    assert re.fullmatch(r"Hello page, here is Python 3\.\d+\.\d+\.", answer)
    for number in (signal.SIGTERM, signal.SIGKILL):
        lives(made, [str(program)], screen, "my-app-api", number, group=False)
    content = making.files("my-app", "com.example.my-app")
    changed = [name for name, data in content.items() if (made.folder / name).read_bytes() != data]
    assert changed == ["src-tauri/Cargo.lock"]


def test_it_may_have_two_sidecars(made: Made, screen: str) -> None:
    """As its README says; the page asks both."""
    worker = "my-app-worker"
    shutil.copytree(made.folder / "sidecar", made.folder / "worker")
    project = made.folder / "worker" / "pyproject.toml"
    project.write_text(project.read_text().replace("my-app-api", worker))
    place = made.folder / "src-tauri" / "tauri.conf.json"
    config = json.loads(place.read_text())
    config["bundle"]["externalBin"].append(f"binaries/{worker}")
    both = config["plugins"]["sidecar-supervisor"]["sidecars"]
    both["worker"] = {**both["api"], "program": f"binaries/{worker}"}
    place.write_text(json.dumps(config))
    readme = (made.folder / "README.md").read_text()
    lines = re.findall(r"`([^`]+--sidecar worker)`", readme)
    assert len(lines) == 3
    for line in [*lines, "invoke stage"]:
        made.run(line)
    script = """
        window.__TAURI__.sidecarSupervisor.sidecar('worker').fetch('/hello?name=second')
            .then((answer) => answer.text()).then(arguments[0], arguments[0])
    """
    state, answer, found = shown(made.package(), screen, script)
    assert state == "ready"
    assert answer.startswith("Hello page")
    assert json.loads(found)["message"].startswith("Hello second")
    assert shlex.quote(str(made.folder)) in made.entering[0]
