"""A new application by the commands that are printed: developed, packaged, run, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from spike.contract import asking
from spike.core import process
from spike.host import application, window
from spike.launch import leftovers
from spike.launch.procs import GONE
from spike.scaffold import making
from tests.support.new_application import START_S, Made, made_in, second_sidecar

pytestmark = [pytest.mark.integration, pytest.mark.host, pytest.mark.nightly]

GONE_S = 15.0
READY_LATER_MS = 1.0
"""A page may show READY so much later than the supervisor says, by medians, beyond what a call
takes that a message answers at once: that is Tauri's own."""
ROUNDS = 60
SCRIPT_S = 600
SUPPORT = Path(__file__).parents[1] / "support"
WHOLE_API = (SUPPORT / "whole_api.js").read_text()
READY_IN_PAGE = (SUPPORT / "ready_in_page.js").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One in a folder with a space, with its environments."""
    return made_in(tmp_path_factory.mktemp("new") / "My App")


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


def shown(program: Path, screen: str, script: str = "", *arguments: object) -> tuple[str, str, str]:
    """What the window shows of its sidecar: state and answer; and what a script finds in it."""
    with window.opened(program, screen) as driver:
        driver.set_script_timeout(SCRIPT_S)

        def text(identifier: str) -> str:
            return driver.find_element(By.ID, identifier).text

        WebDriverWait(driver, window.PAGE_TIMEOUT_S).until(lambda _: text("answer"))
        found = str(driver.execute_async_script(script, *arguments)) if script else ""
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
    second_sidecar(made)
    script = """
        window.__TAURI__.sidecarSupervisor.sidecar('worker').fetch('/hello?name=second')
            .then((answer) => answer.text()).then(arguments[0], arguments[0])
    """
    state, answer, found = shown(made.package(), screen, script)
    assert state == "ready"
    assert answer.startswith("Hello page")
    assert json.loads(found)["message"].startswith("Hello second")
    assert shlex.quote(str(made.folder)) in made.entering[0]


@contextlib.contextmanager
def allowed(made: Made, *sets: str) -> Iterator[None]:
    """Give its page more sets of permissions than the default one, until the block ends."""
    place = made.folder / "src-tauri" / "capabilities" / "default.json"
    before = place.read_text()
    capability = json.loads(before)
    more = [f"sidecar-supervisor:{name}" for name in sets]
    place.write_text(json.dumps({**capability, "permissions": [*capability["permissions"], *more]}))
    try:
        yield
    finally:
        place.write_text(before)


@pytest.mark.measuring
def test_a_page_knows_of_ready_a_millisecond_after_the_supervisor(made: Made, screen: str) -> None:
    """From its call to what it shows, less the supervisor's figure and a message there and back."""
    for line in making.SHIP[:-1]:  # what measures comes last, in an application of its own
        made.run(line)
    with allowed(made, "control"):
        program = made.package()
    told = json.loads(shown(program, screen, READY_IN_PAGE, ROUNDS)[2])
    assert len(told["later"]) == ROUNDS, told
    # The page's clock has whole milliseconds; the supervisor's figures, in "later", have not.
    message_ms = statistics.median_grouped(map(round, told["messages"]), interval=1.0)
    adds_ms = statistics.median(told["later"]) - message_ms
    assert adds_ms <= READY_LATER_MS, told


def test_a_page_has_what_its_capability_gives_and_no_more(made: Made, screen: str) -> None:
    """Every call of the API in the real window: with the default set, and with every set."""
    program = made.package()
    told = json.loads(shown(program, screen, WHOLE_API)[2])
    assert told["status"]["state"] == "ready"
    assert (told["start"], told["logs"], told["prepare"]) == ("refused",) * 3
    with allowed(made, "logs", "control", "update"):
        told = json.loads(shown(made.package(), screen, WHOLE_API)[2])
    assert told.get("start") == "allowed", told
    assert told["program"].endswith("my-app-api")
    assert "State: ready" in told["report"]
    assert not told["leaked"]
    assert (told["stopped"]["state"], told["stopped"]["survivors"]) == ("exited", 0)
    assert told["afterStop"] == "notReady"
    launches = told["launches"]
    assert launches == sorted(set(launches))
    assert told["tokens"] == 3
    assert told["answer"]["message"].startswith("Hello api")
    assert told["elsewhere"] == "otherOrigin"
    assert "api" in {part["name"] for part in told["prepared"]}
    assert told["updating"] == "updating"
    assert told["resumed"] > launches[-1]
    assert "READY" in told["lines"]
    assert told["unknown"] == "unknownSidecar"
    assert {"spawning", "waiting_ready", "ready", "stopping", "exited"} <= set(told["states"])
    assert told["heardAfterwards"] == 0
