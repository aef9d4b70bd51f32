"""A record over many platforms: a row each, one decision, and no time beside another machine's."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from decision import evidence, locks
from decision.merging import keeping
from decision.platforms import home, rows
from decision.record import documents, page, reports
from decision.record.documents import Documents
from spike.core import generated, jsonfile, workspace
from spike.core.tables import milliseconds
from spike.core.workspace import PROJECT_VARIABLE, TOOL, platform_id
from spike.measure import identity, platforms, results
from spike.project import sidecar
from spike.project.sidecar import Sidecar
from tests.support import machines
from tests.support.machines import Machine, hand_over

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not machines.COMMITTED.is_dir(), reason="the repository has no record to make folders of"
    ),
]

SYSTEMS = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}
HERE = Machine(
    platform=SYSTEMS[platform_id().split("-")[0]],
    arch=platform_id().split("-")[1],
    python="3.11.7",
    checkout="1" * 16,
)
ARM = Machine(factor=0.3137)
MAC = Machine(platform="macOS", python="3.13.1", checkout="5" * 16, factor=0.171)
WINE = Machine(
    platform="Windows", arch="x64", python="3.12.9", checkout="e" * 16, emulated="wine 8.0"
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with results of its own, its record, and folders of three other machines."""
    root = tmp_path_factory.mktemp("platforms").resolve()
    for name in ("sidecar", "issues"):
        shutil.copytree(TOOL / name, root / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PROJECT_VARIABLE, str(root))
        hello = sidecar.load()
        for machine in (HERE, ARM, MAC, WINE):
            hand_over(hello, root / "made" / machine.name, machine)
        shutil.move(root / "made" / HERE.name, hello.workspace.results)
        written(hello).write()
    return root


@pytest.fixture
def hello(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """The sidecar of a copy of it."""
    shutil.copytree(measured, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    return sidecar.load()


def written(hello: Sidecar) -> Documents:
    """The documents, as `invoke adr` works them out."""
    return documents.gathered(hello)


def merge(hello: Sidecar, *names: str) -> None:
    folders = [hello.workspace.root / "made" / name for name in names]
    assert keeping.merge(folders, hello).refused == ()


def texts(root: Path) -> dict[str, bytes]:
    """The record and every report."""
    found = [root / "decision-record.md", *(root / "benchmarks" / "report").rglob("*")]
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in found if path.is_file()
    }


def section(hello: Sidecar) -> str:
    """The section of the platforms in the record."""
    record = hello.workspace.record.read_text(encoding="utf-8")
    found = re.search(r"^## Platforms\n(.*?)^## ", record, flags=re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def complaints(found: Documents) -> list[str]:
    """What the check says, but for what a record says of people."""
    return [text for text in found.check() if "the outcome" not in text]


def test_a_record_of_one_platform_is_as_it_ever_was(hello: Sidecar) -> None:
    """Merging, writing, withdrawing and writing again leaves every byte as it was."""
    before = texts(hello.workspace.root)
    assert "Platforms" not in before["decision-record.md"].decode()
    merge(hello, ARM.name, WINE.name)
    written(hello).write()
    assert texts(hello.workspace.root) != before
    for name in platforms.merged(hello):
        keeping.withdraw(name, hello)
    found = written(hello)
    said = "\n".join(complaints(found))
    assert "decision-record.md: there is nothing to show in the generated block 'platforms'" in said
    assert f"{ARM.name}/startup.md: no command makes this file" in said
    found.write()
    assert texts(hello.workspace.root) == before
    assert complaints(written(hello)) == []


def test_a_second_python_of_a_version_has_a_row_of_its_own(hello: Sidecar) -> None:
    """What was measured here with --python lies beside the own results, and goes like the rest."""
    name = f"{platform_id()}-3.11-debian"
    hand_over(hello, hello.on(name).workspace.results, replace(HERE, python="3.11.2"))
    written(hello).write()
    assert complaints(written(hello)) == []
    rows = [line.split(" ")[1] for line in section(hello).splitlines() if line.startswith("| ")]
    assert rows[2:] == [HERE.name, name]
    keeping.withdraw(name, hello)
    assert platforms.merged(hello) == ()


def test_a_system_is_never_run_until_a_run_of_it_is_merged(hello: Sidecar) -> None:
    """By the names of the rows; one that is only played stays without a run."""
    found = written(hello)
    own = found.facts.platform
    assert rows.never_run(own) == "Windows itself: never run; macOS: never run"
    assert "macOS: never run." in "".join(found.blocks[hello.workspace.record].values())
    merge(hello, MAC.name, WINE.name)
    found = written(hello)
    said = rows.never_run(own, found.facts.platforms.rows)
    assert said == "Windows itself: never run"
    assert "macOS: never" not in "".join(found.blocks[hello.workspace.record].values())


def test_each_platform_has_a_row_and_its_own_reports(hello: Sidecar) -> None:
    """Answer, ratio, size, counts and date; who is emulated has no figure of a machine."""
    merge(hello, ARM.name, MAC.name, WINE.name)
    found = written(hello)
    said = complaints(found)
    assert any("the generated block 'platforms' is missing" in text for text in said)
    found.write()
    assert complaints(written(hello)) == []
    text = section(hello)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split(" ")[1] for row in rows[2:]] == [
        HERE.name,
        ARM.name,
        MAC.name,
        WINE.name,
    ]
    cells = [cell.strip() for cell in rows[3].split("|")[1:-1]]
    assert re.fullmatch(r"`[a-z_]+-[a-z-]+`", cells[1])
    assert re.fullmatch(r"\d+\.\d\d", cells[2])
    assert re.fullmatch(r"\d+\.\d MB", cells[3])
    assert cells[4] == "0 of 20"
    assert cells[5] == "17 of 17"
    assert re.match(r"\d+ of \d+", cells[6])
    assert cells[7] == "2026-12-01"
    assert "by what works | under Wine: not measured | - | 0 of 20 | not run |" in rows[5]
    assert "**Ship `" in text
    record = hello.workspace.record.read_text(encoding="utf-8")
    assert f"That is the answer on {platform_id()}; over all 4 platforms: Ship `" in record
    root = hello.workspace.root
    for machine in (ARM, MAC, WINE):
        page = root / "benchmarks" / "report" / machine.name / "index.md"
        assert f"# sidecar-hello on {machine.name}" in page.read_text(encoding="utf-8")
    # A ranking is by times, and one without any said that nothing could ship.
    reports = {machine: root / "benchmarks" / "report" / machine.name for machine in (MAC, WINE)}
    assert (reports[MAC] / "recommendation.md").is_file()
    assert not (reports[WINE] / "recommendation.md").exists()
    index = (reports[WINE] / "index.md").read_text(encoding="utf-8")
    assert "Seen under wine 8.0" in index
    assert "can ship" not in index
    assert "invoke recommend" not in index
    assert not (reports[WINE] / "issues.md").exists()
    latency = (reports[WINE] / "startup.md").read_text(encoding="utf-8")
    assert "READY was not measured under Wine, in 20 launches of each of" in latency
    summary = root / "benchmarks" / "report" / platform_id() / "platforms.md"
    assert "wine 8.0" in summary.read_text(encoding="utf-8")
    assert f"(../{ARM.name}/index.md)" in summary.read_text(encoding="utf-8")


def test_no_time_of_another_machine_is_in_the_record(hello: Sidecar) -> None:
    """Its milliseconds are in its own reports alone, and there they are."""
    merge(hello, ARM.name, MAC.name)
    found = written(hello)
    found.write()
    assert not re.search(r"\d ms\b", section(hello))
    summary = hello.workspace.reports / "platforms.md"
    pages = hello.workspace.record.read_text("utf-8") + summary.read_text("utf-8")
    for other in found.others:
        times = {milliseconds(item.ready_ms) for item in other.answer.standings}
        own = {milliseconds(item.ready_ms) for item in found.facts.answer.standings}
        assert times - own
        for time in times - own:
            assert f" {time} " not in pages
        folder = other.evidence.sidecar.workspace.reports
        assert any(time in (folder / "startup.md").read_text("utf-8") for time in times)


def test_ratios_are_each_of_one_machine(hello: Sidecar) -> None:
    """A machine that is three times as quick has the same ratio: its plain Python is, too."""
    merge(hello, ARM.name)
    first, second = written(hello).facts.platforms.rows
    assert first.cells[2] == second.cells[2]
    assert first.standing is not None
    assert second.standing is not None
    assert second.standing.ready_ms == pytest.approx(
        (first.standing.ready_ms or 0) * ARM.factor, rel=0.01
    )


def test_a_dozen_platforms_fit_on_the_page(hello: Sidecar, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows take their lines from sentences that the index has as well."""
    merge(hello, ARM.name)
    many = written(hello).facts.platforms
    row = replace(many.rows[1], name="windows-arm64-3.14")
    decision = replace(
        many.decision or pytest.fail("no decision"),
        reasons=("A long reason for each of them. ",) * 12,
    )
    monkeypatch.setenv(PROJECT_VARIABLE, str(TOOL))
    committed = (TOOL / "decision-record.md").read_text(encoding="utf-8")
    facts = reports.known(evidence.gather(sidecar.load()))
    for count in range(2, 13):
        over = replace(facts, platforms=replace(many, rows=(row,) * count, decision=decision))
        blocks = documents.by_reference(
            {part.name: part.text(over) for part in page.there(page.RECORD, over)}
        )
        text = generated.rewrite(page.fitted(committed, blocks), blocks, "invoke adr")
        assert text.count("| windows-arm64-3.14 |") == count
        assert len(text.splitlines()) <= page.MAX_LINES, count
        assert len(text.encode()) <= page.MAX_BYTES, count


def test_what_is_changed_after_it_was_merged_is_named(hello: Sidecar) -> None:
    """By the file's name and with what to do, and the record is not what it says any more."""
    merge(hello, ARM.name)
    path = results.files(hello.on(ARM.name).workspace.results)["size"]
    text = jsonfile.text(path, remedy="")
    path.unlink()
    changed = re.sub(r'"package_bytes":(\d)', r'"package_bytes":7\1', text, count=1)
    path.with_name("size.json").write_text(changed, encoding="utf-8")
    (problem,) = evidence.gather(hello.on(ARM.name)).problems
    assert problem.startswith("size was changed after it was written")
    assert "or invoke merge --withdraw linux-arm64-3.12" in problem


def test_sources_changed_since_a_platform_was_measured_are_named(hello: Sidecar) -> None:
    """The record is then about programs that nobody ships, whoever built them."""
    merge(hello, ARM.name)
    with (hello.folder / "main.py").open("a", encoding="utf-8") as stream:
        stream.write("# a change\n")
    (problem,) = evidence.gather(hello.on(ARM.name)).problems
    assert "built and measured on linux-arm64-3.12; run invoke spike there and" in problem


def test_locks_changed_since_a_platform_was_measured_are_named(
    hello: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the packager is another packager, as merging says of the same folder."""
    merge(hello, ARM.name)
    shutil.copytree(TOOL / "locks", tmp_path / "locks")
    (tmp_path / "locks" / "nuitka.txt").write_text("nuitka==0.0.1\n", encoding="utf-8")
    monkeypatch.setattr(locks, "TOOL", tmp_path)
    (problem,) = evidence.gather(hello.on(ARM.name)).problems
    assert problem.startswith("nuitka-onefile, nuitka-"), "the other packagers' have not changed"
    assert "another nuitka.txt than this checkout has; run invoke spike there and" in problem


def test_what_was_merged_is_never_this_checkouts_own(hello: Sidecar) -> None:
    """Not even when it was measured here: it is no more up to date than any other's."""
    here = identity.checkout(hello.workspace.root)
    hand_over(hello, hello.workspace.root / "made" / "mine", replace(MAC, checkout=here))
    merge(hello, "mine")
    known = evidence.gather(hello.on(MAC.name))
    assert not known.own
    assert known.artifacts == {}
    assert not evidence.gather(hello).left_out


def test_a_record_is_about_the_platform_that_it_names(
    hello: Sidecar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another system the same record is what the same committed results say."""
    merge(hello, ARM.name)
    written(hello).write()
    record = hello.workspace.record
    assert f"platform: {platform_id()}\n" in record.read_text(encoding="utf-8")
    for module in (workspace, home):
        monkeypatch.setattr(module, "platform_id", lambda: "plan9-x64")
    assert home.at_home(hello).workspace.platform_name in record.read_text(encoding="utf-8")
    assert complaints(written(hello)) == []
    # What is measured there meanwhile is said, and changes no record until it is merged.
    plan9 = replace(MAC, platform="Windows", checkout="9" * 16)
    made = hand_over(hello, hello.workspace.root / "made" / "plan9", plan9)
    shutil.move(made, hello.on("plan9-x64").workspace.results)
    assert complaints(written(hello)) == []
    assert home.left_out(home.at_home(hello)) == (
        f"Not shown: benchmarks/results/plan9-x64, since the record is about {platform_id()}; "
        "invoke merge benchmarks/results/plan9-x64 takes it in."
    )
    merge_of = keeping.merge([hello.on("plan9-x64").workspace.results], hello)
    assert [taken.name for taken in merge_of.taken] == ["windows-arm64-3.13"]
    assert home.left_out(home.at_home(hello)) == ""
    keeping.withdraw("windows-arm64-3.13", hello)
    shutil.rmtree(hello.on("plan9-x64").workspace.results)
    # Who names a platform without results gets one that has some.
    text = record.read_text(encoding="utf-8")
    for named in ("macos-x64", "../../etc", "linux"):
        record.write_text(re.sub(r"platform: .*", f"platform: {named}", text, count=1), "utf-8")
        assert home.at_home(hello).platform == ARM.name
    keeping.withdraw(ARM.name, hello)
    assert home.at_home(hello).platform == ""


def test_a_project_that_only_ci_measures_has_a_record(hello: Sidecar) -> None:
    """Nobody ran anything here: the page is about one of the platforms that were merged."""
    shutil.rmtree(hello.workspace.results)
    shutil.rmtree(hello.workspace.reports)
    hello.workspace.record.unlink()
    merge(hello, MAC.name, ARM.name)
    found = written(hello)
    found.write()
    own = found.facts.platform
    assert own in (MAC.name, ARM.name)
    assert f"platform: {own}\n" in hello.workspace.record.read_text(encoding="utf-8")
    assert complaints(written(hello)) == []
    assert len(found.facts.platforms.rows) == 2


def test_a_platform_is_shown_once(hello: Sidecar) -> None:
    """Own results stand for their platform; what was merged of the same one is left out."""
    merge(hello, ARM.name)
    shutil.copytree(hello.workspace.root / "made" / ARM.name, hello.on(HERE.name).workspace.results)
    own = home.at_home(hello)
    assert home.others(own) == (ARM.name,)
    assert home.left_out(own) == (
        f"Not shown: benchmarks/results/{HERE.name}, since benchmarks/results/{platform_id()} is "
        f"of the same platform; invoke merge --withdraw {HERE.name} takes it away."
    )
    keeping.withdraw(HERE.name, hello)
    assert home.left_out(own) == ""


def test_reports_of_a_platform_lead_to_its_own_files(hello: Sidecar) -> None:
    """Raw file and neighbours are in its own folders."""
    merge(hello, ARM.name)
    own = reports.known(evidence.gather(hello.on(ARM.name)))
    made = reports.render_all(own)
    startup = made[own.path("startup")]
    assert f"benchmarks/results/{ARM.name}/reliability.json.gz" in startup
    assert f"Of sidecar-hello on {ARM.name}; " in startup
