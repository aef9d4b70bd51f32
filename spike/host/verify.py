"""The workflow of ``invoke verify``: every variant through the real host, row by row."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from spike.build import advice, buildinfo
from spike.build.buildinfo import Built
from spike.core import jsonfile, logged, requirements
from spike.core.errors import (
    BuildFailedError,
    MissingBuildError,
    MissingToolError,
    SpikeError,
    StaleArtifactError,
)
from spike.core.progress import progress
from spike.core.tables import table
from spike.core.workspace import display_path, project, publishable, target_triple
from spike.host import application, checklist, staging, window
from spike.host.application import Package, Run
from spike.host.checklist import Row
from spike.host.observed import STDERR_LINE, Observed
from spike.host.staging import Launching
from spike.launch import leftovers
from spike.launch.ready import Ready
from spike.measure import results, seal
from spike.packagers import Variant
from spike.project import sidecar as sidecars
from spike.project.settings import FREE_PORT
from spike.project.sidecar import Sidecar

NAME = results.CHECKLIST
"""Of a kept journal: there are a dozen a variant, and few are ever opened."""

FAULTY = Path(__file__).with_name("faulty")
FAULTY_BOOT = "BOOT sidecar=sidecar-faulty version=0.1.0 pid=1"
"""What it says first, in form: the process id is another one."""

UNPACKED_INTO = "Grüße aus dem Ordner"
"""The package is unpacked into a folder with spaces and letters beyond ASCII."""

TOKEN = "spike-Ωk"
"""An environment value that has to arrive unchanged; the sidecar shows it percent-encoded."""

SILENT_TIMEOUT_MS = 1500
MALFORMED_TIMEOUT_MS = 5000
"""Long enough for a onefile to unpack and to say its malformed lines before the limit."""

PORT_WORD = ("--port", "{free_port}")
"""Hands a free port over to the failing sidecar, which does not use it."""


class Hosted(Protocol):
    """What the checklist needs of a row of a comparison."""

    @property
    def built(self) -> Built | None:
        """The build behind it."""


def run(
    sidecar: Sidecar, targets: Sequence[Hosted], *, cycles: int, partial: bool = False
) -> results.Result:
    """Check every chosen variant.

    Args:
        sidecar: What is hosted.
        targets: Its variants.
        cycles: Launch cycles of row E3.
        partial: Whether these are chosen variants.

    Raises:
        SpikeError: A variant is not built, or a tool is missing.
    """
    built = [target.built for target in targets if target.built is not None]
    application.check_tools()
    leftovers.adopt_orphans()
    facts = {
        item.info.variant: {
            "kind": "variant",
            "sha256": item.info.sha256,
            "build": _as_json(item.info),
        }
        for item in built
    }
    faulty = {item.info.variant: faulty_build(item.variant, sidecar) for item in built}
    launcher = application.build_launcher() if any(item.folder for item in built) else None
    journals: dict[str, Observed] = {}
    with (
        results.recording(
            NAME,
            sidecar,
            targets=facts,
            settings={"cycles": cycles},
            partial=partial,
        ) as recorder,
        application.display() as screen,
        progress("verify", len(built)) as step,
    ):
        for item in built:
            observed = observe(item, faulty[item.info.variant], launcher, screen, cycles=cycles)
            journals[item.info.variant] = observed
            for row in checklist.judge(observed):
                recorder.add(item.info.variant, _sample(row))
            step(item.info.variant)
    # Not before the rows that they are the evidence of are the result.
    for variant, observed in journals.items():
        keep_journals(journals_of(recorder.path.parent / results.EVIDENCE, variant), observed)
    seal.seal_folder(recorder.path.parent / results.EVIDENCE)
    return recorder.result()


def observe(
    built: Built, faulty: Built, launcher: Path | None, screen: str, *, cycles: int
) -> Observed:
    """Package one variant with the host, run every scenario, and read the window."""
    sidecar = built.sidecar
    launching = Launching(
        args=(*sidecar.args, "--heartbeat", "0.05") if sidecar.is_hello else None,
        env={"SIDECAR_TOKEN": TOKEN} if sidecar.is_hello else {},
    )
    staged = staging.stage(built, launcher, launching)
    area = project() / "build" / "host" / sidecar.name / built.info.variant
    package = application.package(staged, area / UNPACKED_INTO)
    runs, reasons, shown = _run_all(package, sidecar, faulty, area, screen, cycles)
    packaged_as = f"usr/bin/{staged.name}"
    if built.folder is not None:
        inside = built.artifact.relative_to(built.folder).as_posix()
        packaged_as = f"usr/lib/{application.HOST}/{staged.name}.d/{inside}"
    program = package.root / packaged_as
    observed = Observed(
        variant=built.info.variant,
        name=staged.name,
        external_bin=staged.external_bin,
        staged_file=staged.file.name,
        suffix=".exe" if sys.platform == "win32" else "",
        triple=target_triple(),
        rust_triple=application.rust_triple(),
        contents=package.contents,
        packaged_as=packaged_as,
        packaged_sha256=buildinfo.file_sha256(program) if program.is_file() else "",
        artifact_sha256=built.info.sha256,
        unpacked_into=UNPACKED_INTO,
        args=tuple(staged.config["args"]),
        env={key: _escaped(value) for key, value in launching.env.items()}
        if sidecar.is_hello
        else sidecar.env,
        protocol=sidecar.is_hello,
        ready=_ready(sidecar),
        silent_timeout_ms=SILENT_TIMEOUT_MS,
        runs=runs,
        window=shown,
        reasons=reasons,
        alone=advice.judged(built),
    )
    shutil.rmtree(area, ignore_errors=True)
    return observed


def _ready(sidecar: Sidecar) -> Ready:
    ready = Ready.of(sidecar)
    return dataclasses.replace(ready, url=staging.address(ready.url))


def _run_all(
    package: Package, sidecar: Sidecar, faulty: Built, area: Path, screen: str, cycles: int
) -> tuple[dict[str, Run], dict[str, str], window.Shown | None]:
    """Every scenario; one that cannot be run says why."""

    def failing(fault: str, timeout_ms: int = MALFORMED_TIMEOUT_MS) -> Package:
        launching = failing_launch(sidecar, fault, timeout_ms)
        return application.with_sidecar(package, area / fault / UNPACKED_INTO, faulty, launching)

    def test(where: Package, scenario: str, **options: Any) -> Callable[[], Run]:
        return lambda: application.self_test(where, scenario, screen, **options)

    missing = application.with_sidecar(package, area / "missing" / UNPACKED_INTO, None, Launching())
    crash = failing("crash")
    own: Mapping[str, Callable[[], Run]] = {
        "cycles": test(package, "cycles", cycles=cycles, hold_ms=100),
        "ready": test(package, "ready", hold_ms=500, look=True),
        "restart": test(package, "restart"),
        "shutdown": test(package, "shutdown"),
    }
    failures: Mapping[str, Callable[[], Run]] = {
        "malformed": test(failing("malformed"), "failure"),
        "silent": test(failing("silent", SILENT_TIMEOUT_MS), "failure"),
        "missing": test(missing, "failure"),
        "crash": test(crash, "failure"),
        "twice": test(failing("twice"), "failure", hold_ms=3000),
    }
    # The sidecar runs once at a time: it may need a port, a file or a device to itself. The failing
    # one needs nothing, and runs beside it unless it would be asked for at the same address.
    beside = not sidecar.ready_url or FREE_PORT in sidecar.ready_url
    runs: dict[str, Run] = {}
    reasons: dict[str, str] = {}

    def in_turn(scenarios: Mapping[str, Callable[[], Run]]) -> None:
        for name, body in scenarios.items():
            try:
                runs[name] = body()
            except SpikeError as error:
                reasons[name] = str(error)

    with ThreadPoolExecutor(2 if beside else 1) as pool:
        pending = [pool.submit(in_turn, own), pool.submit(in_turn, failures)]
        seen = pool.submit(window.read_failure, crash, screen)
        for future in pending:
            future.result()
        shown = seen.result()
    return runs, reasons, shown


def failing_launch(sidecar: Sidecar, fault: str, timeout_ms: int) -> Launching:
    """How the failing sidecar is launched in the place of another one.

    It is waited for in the other's way, so that the other's way is what is tried; where its own
    words would be taken for the other's, or are what the run is about, in its own: the line READY.
    """
    args: tuple[str, ...] = ("--fault", fault)
    if sidecar.ready_url:
        if fault == "twice":
            return Launching(args=args, ready_timeout_ms=timeout_ms)
        args += PORT_WORD if FREE_PORT in sidecar.ready_url else ()
        return Launching(args=args, ready_timeout_ms=timeout_ms, ready_of=sidecar)
    words = [FAULTY_BOOT, STDERR_LINE]
    heard = any(
        _ready(sidecar).heard(stream, line) for stream in ("stdout", "stderr") for line in words
    )
    own_way = fault in ("malformed", "twice") or heard
    return Launching(args=args, ready_timeout_ms=timeout_ms, ready_of=None if own_way else sidecar)


def faulty_build(variant: Variant, beside: Sidecar) -> Built:
    """The failing sidecar, frozen by the packager under test; built when it is not there.

    Args:
        variant: How.
        beside: The sidecar in whose place it is launched: it has the Python that was asked for.

    Raises:
        BuildFailedError: Its build failed.
    """
    sidecar = sidecars.load(FAULTY, beside.python_asked)
    try:
        return buildinfo.find(variant, sidecar)
    except (MissingBuildError, StaleArtifactError):
        pass
    log = project() / "build" / "host" / f"faulty-{variant.id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    words = ["--mode", variant.mode.name, "--sidecar", str(FAULTY)]
    words += ["--python", sidecar.python_asked] if sidecar.python_asked else []
    done = logged.run(
        [sys.executable, "-m", "nox", "-s", f"build_{variant.packager.name}", "--", *words],
        log_path=log,
        cwd=project(),
        echo=False,
    )
    if not done.ok:
        raise BuildFailedError(
            f"The failing sidecar of the checklist could not be built with {variant.id}.",
            why="\n".join(done.output.splitlines()[-10:]),
            try_next=f"nox -s build_{variant.packager.name} -- {' '.join(words)}",
        )
    return buildinfo.find(variant, sidecar)


def journals_of(folder: Path, variant: str) -> Path:
    """The file with a variant's journals, by the name of their run.

    One for all of them: what they have in common is most of each.
    """
    return folder / f"{variant}.json.gz"


def keep_journals(file: Path, observed: Observed) -> None:
    """Keep the journals behind the rows, without paths of this machine.

    Raises:
        StorageError: They cannot be written.
    """
    documents = {
        name: {
            "journal": run_.journal,
            "exit_code": run_.exit_code,
            "log": run_.log.splitlines()[-100:],
            "processes_left": run_.processes_left,
            "files_left": run_.files_left,
            "processes_seen": _kept_sights(run_),
        }
        for name, run_ in observed.runs.items()
    }
    jsonfile.write(file, json.loads(publishable(json.dumps(documents))), compact=True)


def _kept_sights(run_: Run) -> list[dict[str, Any]]:
    """The processes that were seen, with the variables of the configuration alone."""
    config = run_.journal.get("config") or {}
    names = config.get("env", {})
    return [
        {
            "pid": sight.pid,
            "args": list(sight.args),
            "env": {name: sight.env[name] for name in names if name in sight.env},
        }
        for sight in run_.sights
    ]


def _sample(row: Row) -> dict[str, Any]:
    return {
        "row": row.id,
        "status": row.status,
        "evidence": publishable(row.evidence),
        "scenarios": list(row.scenarios),
    }


def _as_json(info: buildinfo.BuildInfo) -> dict[str, Any]:
    return dataclasses.asdict(info)


def _escaped(value: str) -> str:
    """A value as the hello sidecar's BOOT line shows it."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"%," else f"%{byte:02X}"
        for byte in value.encode()
    )


def unavailable() -> str:
    """Why the host cannot be built or shown here; empty when it can."""
    try:
        application.check_tools()
    except MissingToolError as error:
        return str(error)
    return ""


def missed(result: results.Result) -> list[str]:
    """Every row that is not a pass, with its evidence."""
    return [
        f"{sample['target']} {sample['row']} {sample['status']}: {sample['evidence']}"
        for sample in failed(result)
    ]


def summary(result: results.Result) -> str:
    """How many rows pass, in one sentence."""
    passed = len(result.samples) - len(failed(result))
    wrong = ", ".join(f"{item['target']} {item['row']} {item['status']}" for item in failed(result))
    return (
        f"{passed} of {len(result.samples)} rows pass: {len(requirements.CHECKLIST)} rows of the "
        f"plan's checklist on {len(result.targets)} variants in the real Tauri host"
        + (f"; not: {wrong}" if wrong else "")
        + "."
    )


def render(result: results.Result, *, evidence: Path | None = None) -> str:
    """The checklist, a column a variant.

    Args:
        result: A run of the checklist.
        evidence: Folder of the journals, as links name it; None for no links.
    """
    variants = list(result.targets)
    found = {(sample["row"], sample["target"]): sample["status"] for sample in result.samples}

    def head(variant: str) -> str:
        if evidence is None or not any(sample["scenarios"] for sample in result.of(variant)):
            return variant
        return f"[{variant}]({journals_of(evidence, variant).as_posix()})"

    return table(
        ["row", "check", *map(head, variants)],
        [
            [row, text, *(found.get((row, name), checklist.NOT_RUN) for name in variants)]
            for row, text in requirements.CHECKLIST.items()
        ],
    )


def render_report(result: results.Result) -> str:
    """The checklist with a link from each variant to its journals, and what each row rests on."""
    place = result.path and result.path.parent / results.EVIDENCE
    journals = Path(display_path(place)) if place else None
    return "\n\n".join(
        [
            render(result, evidence=journals),
            *(render_evidence(result, name) for name in result.targets),
        ]
    )


def render_evidence(result: results.Result, variant: str) -> str:
    """What the rows of one variant rest on, as a folded list.

    Rows that differ from the first variant's in figures alone are counted: the journals have them.
    """
    first = next(iter(result.targets))
    known = {sample["row"]: _words(sample) for sample in result.of(first)}
    rows = result.of(variant)
    shown = [item for item in rows if variant == first or _words(item) != known.get(item["row"])]
    lines = [
        f"- **{sample['row']}** {sample['status']}: {_plain(sample['evidence'])}"
        for sample in shown
    ]
    if same := len(rows) - len(shown):
        lines.append(f"- {same} of {len(rows)} rows as for {first}, but for figures.")
    summary = f"<details><summary>What the rows of {variant} rest on</summary>"
    return "\n".join([summary, "", *lines, "", "</details>"])


def _words(sample: Mapping[str, Any]) -> tuple[str, str]:
    """Verdict and evidence of a row, without figures, ids and the variant's name."""
    text = re.sub(r"[0-9a-f]*\d[0-9a-f.]*", "#", sample["evidence"].replace(sample["target"], "*"))
    return sample["status"], text


def _plain(text: str) -> str:
    """Text of a program as Markdown that shows it unchanged."""
    return "".join("\\" + char if char in "\\`*_<>[]|" else char for char in text)


def failed(result: results.Result) -> Sequence[Mapping[str, Any]]:
    """The samples that are not a pass."""
    return [sample for sample in result.samples if sample["status"] != checklist.PASS]
