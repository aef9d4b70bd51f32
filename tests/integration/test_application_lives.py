"""The fault suite's cases of life and death on a new application with two sidecars."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults import runner
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.targets import NOT_OF_HELLO, FaultTarget
from benchmarks.faults.verdict import Status
from spike.core import process
from spike.host import application
from spike.launch.ready import Ready
from spike.scaffold import making
from tests.support.new_application import Made, made_in, second_sidecar

pytestmark = [pytest.mark.integration, pytest.mark.host, pytest.mark.nightly]

BOTH_READY = "both sidecars are ready"
MAIN = f"""\
use std::time::Duration;
use tauri_plugin_sidecar_supervisor::SidecarSupervisorExt as _;

fn main() {{
    tauri::Builder::default()
        .plugin(tauri_plugin_sidecar_supervisor::init())
        .setup(|app| {{
            let handle = app.handle().clone();
            if std::env::args().any(|word| word == "--sweep") {{
                handle.exit(0);
                return Ok(());
            }}
            std::thread::spawn(move || {{
                for name in ["api", "worker"] {{
                    handle.sidecars().wait_ready(name, Duration::from_secs(60)).unwrap();
                }}
                eprintln!("{BOTH_READY}");
            }});
            Ok(())
        }})
        .run(tauri::generate_context!())
        .expect("the application could not be run");
}}
"""
"""The template's, which prints nothing by itself, and one that says when both are ready."""
NOT_AN_OPTION = {
    **NOT_OF_HELLO,
    Need.STDIN: "an application does not watch its stdin",
    Need.UNREAD: "an application's output is not its sidecar's",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One with two sidecars, both staged."""
    made = made_in(tmp_path_factory.mktemp("lives") / "My App")
    for line in making.SHIP[:-1]:
        made.run(line)
    second_sidecar(made)
    return made


@pytest.fixture(scope="module")
def program(made: Made) -> Path:
    """Packaged; its Rust is the template's and the announcement."""
    (made.folder / "src-tauri" / "src" / "main.rs").write_text(MAIN)
    return made.package()


@pytest.fixture(scope="module")
def target(program: Path) -> Iterator[FaultTarget]:
    """What the cases are run on; it catches no signal, as most applications do not."""
    with application.display() as screen:
        desktop = application.desktop(screen)
        words = tuple(f"{key}={value}" for key, value in desktop.items())
        yield FaultTarget(
            id="application",
            hello=Program(
                artifact=program,
                folder=None,
                env=desktop,
                ready=Ready(pattern=f"^{BOTH_READY}$", stream="stderr"),
                ready_timeout_s=60.0,
                protocol=False,
                sweep=("env", *words, str(program), "--sweep"),
                dies_of_signals=True,
            ),
            probe=None,
            lacks=NOT_AN_OPTION,
            host=True,
        )


def test_no_case_of_life_and_death_leaves_anything(target: FaultTarget) -> None:
    """No process, and no file once it has been started again."""
    cases = [one for one in runner.select(()) if one.of_life_and_death]
    runs = list(runner.run(runner.jobs(cases, [target])))
    told = {run.case: run.result.detail if run.result else run.reason for run in runs}
    broken = {run.case: told[run.case] for run in runs if run.broken}
    assert broken == {}
    ran = {run.case: run.status for run in runs if run.status is not Status.NOT_RUN}
    assert {case: told[case] for case, status in ran.items() if status is not Status.PASS} == {}
    assert len(ran) >= 10, told
    assert {"sigterm_at_rest", "sigkill_at_rest", "sigkill_during_start"} <= set(ran)


def test_the_suite_sees_the_processes_of_both_sidecars(target: FaultTarget) -> None:
    """Otherwise it could not tell that one of them is left."""
    with Sandbox(
        target=target.id, hello=target.hello, probe=None, probe_problem="", seed=runner.SEED
    ) as sandbox:
        with sandbox.session() as session:
            assert session.until_ready()
            seen = session.processes().values()
            session.stop(process.KILL)
        tokens = {environment["SIDECAR_TOKEN"] for environment in seen}
    assert len(tokens) == 2
