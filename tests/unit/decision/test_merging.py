"""What other machines measured: each folder is checked, and refused by the name of the file.

The folders are written by the real recorder and have what the repository's own record has.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from decision.merging import keeping
from decision.merging.keeping import ADDED, REPLACED, UNCHANGED, Merged
from spike.core.errors import UsageError
from spike.core.workspace import PROJECT_VARIABLE, TOOL, platform_id
from spike.measure import platforms, results
from spike.project import sidecar
from spike.project.sidecar import Sidecar
from tests.support import machines
from tests.support.machines import Machine, hand_over

ARM = Machine()
WINE = Machine(
    platform="Windows", arch="x64", python="3.11.9", checkout="e" * 16, emulated="wine 8.0"
)
WINDOWS = replace(WINE, emulated="", checkout="d" * 16)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not machines.COMMITTED.is_dir(), reason="the repository has no record to make folders of"
    ),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the repository's own sidecar, and a folder of each machine."""
    root = tmp_path_factory.mktemp("merging").resolve()
    shutil.copytree(TOOL / "sidecar", root / "sidecar")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PROJECT_VARIABLE, str(root))
        hello = sidecar.load()
        hand_over(hello, root / "made" / "arm", ARM)
        hand_over(hello, root / "made" / "wine", WINE)
        hand_over(hello, root / "made" / "windows", WINDOWS)
    return root


@pytest.fixture
def hello(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """The sidecar of a copy, into which nothing was merged yet."""
    shutil.copytree(repository / "sidecar", tmp_path / "sidecar")
    shutil.copytree(repository / "made", tmp_path / "made")
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    return sidecar.load()


def made(hello: Sidecar, name: str) -> Path:
    return hello.workspace.root / "made" / name


def kept(hello: Sidecar, name: str) -> Path:
    return hello.on(name).workspace.results


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def merge(hello: Sidecar, *names: str) -> Merged:
    return keeping.merge([made(hello, name) for name in names], hello)


def rewritten(path: Path, change: Callable[[str], str]) -> None:
    """Change a result's text, compressed or not."""
    content = path.read_bytes()
    packed = content.startswith(b"\x1f\x8b")
    text = (gzip.decompress(content) if packed else content).decode()
    changed = change(text)
    assert changed != text
    path.write_bytes(gzip.compress(changed.encode()) if packed else changed.encode())


def test_folders_are_kept_side_by_side(hello: Sidecar) -> None:
    """As they were handed over, in one folder a platform and Python."""
    found = merge(hello, "arm", "wine")
    assert found.refused == ()
    assert {(taken.name, taken.what) for taken in found.taken} == {
        ("linux-arm64-3.12", ADDED),
        ("windows-x64-3.11", ADDED),
    }
    assert platforms.merged(hello) == ("linux-arm64-3.12", "windows-x64-3.11")
    assert contents(kept(hello, "linux-arm64-3.12")) == contents(made(hello, "arm"))
    assert set(results.files(kept(hello, "windows-x64-3.11"))) == {"reliability", "faults"}
    assert "linux-arm64-3.12: added, 4 results of 2026-12-01 in benchmarks/results/" in str(
        found.taken[0]
    )


def test_one_folder_may_hold_many(hello: Sidecar) -> None:
    """As a job downloads the artifacts of all the others; what lies beside results is none."""
    shutil.rmtree(made(hello, "windows"))
    aside = made(hello, "arm") / results.ELSEWHERE
    shutil.copytree(made(hello, "wine"), aside)
    rewritten(aside / "faults.json.gz", lambda text: text.replace("1", "2", 1))
    found = keeping.merge([hello.workspace.root / "made"], hello)
    assert [taken.name for taken in found.taken] == ["linux-arm64-3.12", "windows-x64-3.11"]
    assert not (kept(hello, "linux-arm64-3.12") / results.ELSEWHERE).exists()


def test_only_what_was_checked_is_kept(hello: Sidecar) -> None:
    """Neither other files nor journals that belong to no checklist come along."""
    (made(hello, "arm") / "notes.txt").write_text("x", encoding="utf-8")
    (made(hello, "wine") / results.EVIDENCE).mkdir()
    (made(hello, "wine") / results.EVIDENCE / "odd.json").write_text("{}", encoding="utf-8")
    assert merge(hello, "arm", "wine").refused == ()
    assert not (kept(hello, "linux-arm64-3.12") / "notes.txt").exists()
    assert not (kept(hello, "windows-x64-3.11") / results.EVIDENCE).exists()


def test_the_same_again_changes_nothing(hello: Sidecar) -> None:
    """No file is written anew."""
    merge(hello, "arm")
    before = {path: path.stat().st_mtime_ns for path in kept(hello, "linux-arm64-3.12").rglob("*")}
    (taken,) = merge(hello, "arm", "arm").taken
    assert taken.what == UNCHANGED
    assert before == {
        path: path.stat().st_mtime_ns for path in kept(hello, "linux-arm64-3.12").rglob("*")
    }


def test_a_newer_run_takes_the_place_of_the_whole_old_one(hello: Sidecar) -> None:
    """What the new one has not, is not left beside it: two runs never mix."""
    merge(hello, "arm")
    newer = replace(ARM, checkout="f" * 16, at="2027-01-01T00:00:00+00:00")
    hand_over(hello, made(hello, "newer"), newer, only=["reliability"])
    other = kept(hello, "linux-arm64-3.12") / "sidecars" / "other" / "size.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}", encoding="utf-8")
    (taken,) = merge(hello, "newer").taken
    assert taken.what == REPLACED
    assert set(results.files(kept(hello, "linux-arm64-3.12"))) == {"reliability"}
    assert not (kept(hello, "linux-arm64-3.12") / results.EVIDENCE).exists()
    assert other.read_text(encoding="utf-8") == "{}"  # those of another sidecar stay
    leftovers = [path.name for path in kept(hello, "x").parent.iterdir()]
    assert leftovers == ["linux-arm64-3.12"]


@pytest.mark.parametrize("stopped", ["before", "between", "after"])
def test_a_run_that_was_stopped_loses_nothing(hello: Sidecar, stopped: str) -> None:
    """Whatever it was stopped between, the next one ends it."""
    merge(hello, "arm")
    place = kept(hello, "linux-arm64-3.12")
    (place / "sidecars").mkdir()
    (place / "sidecars" / "mine").write_text("x", encoding="utf-8")
    old = place.with_name(f".{place.name}.replaced")
    new = place.with_name(f".{place.name}.merging")
    shutil.copytree(made(hello, "arm"), new)
    if stopped != "before":
        place.replace(old)
    if stopped == "after":
        new.replace(place)
    newer = replace(ARM, at="2027-01-01T00:00:00+00:00")
    hand_over(hello, made(hello, "newer"), newer)
    assert merge(hello, "newer").refused == ()
    assert contents(place) == {**contents(made(hello, "newer")), "sidecars/mine": b"x"}
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_withdrawing_leaves_nothing_of_a_platform(hello: Sidecar) -> None:
    """The others stay, and a name that is not there is answered with those that are."""
    merge(hello, "arm", "wine")
    keeping.withdraw("linux-arm64-3.12", hello)
    assert platforms.merged(hello) == ("windows-x64-3.11",)
    assert not kept(hello, "linux-arm64-3.12").exists()
    with pytest.raises(UsageError, match=r"Merged in are: windows-x64-3\.11") as caught:
        keeping.withdraw("linux-arm64-3.12", hello)
    assert caught.value.try_next == "invoke merge --withdraw windows-x64-3.11"
    for name in ("../../sidecar", "", "windows-x64-3.11/..", platform_id()):
        with pytest.raises(UsageError):
            keeping.withdraw(name, hello)
    assert (hello.folder / "main.py").exists()


Harm = Callable[[Path], object]


def document(path: Path, **changes: Any) -> Harm:
    """A result with other fields, sealed anew or not: as text."""

    def change(folder: Path) -> None:
        def edit(text: str) -> str:
            return json.dumps({**json.loads(text), **changes})

        rewritten(folder / path, edit)

    return change


def text(name: str, old: str, new: str) -> Harm:
    """One place of a result's text changed."""
    return lambda folder: rewritten(folder / name, lambda found: found.replace(old, new, 1))


def linked(folder: Path) -> None:
    (folder / "size.json").unlink(missing_ok=True)
    (folder / "size.json").symlink_to("/etc/hostname")


RELIABILITY = "reliability.json.gz"

REFUSALS: Mapping[str, tuple[Harm, str, str, str]] = {
    "a digit of a time": (
        text(RELIABILITY, '"boot_ms":3', '"boot_ms":4'),
        RELIABILITY,
        "was changed after it was written: the samples of",
        "fetch the folder again",
    ),
    "a failure that is forgotten": (
        text(RELIABILITY, '"failure":null', '"failure":"crash"'),
        RELIABILITY,
        "give failed 1, and its summary says 0",
        "fetch the folder again",
    ),
    "a digit of the machine": (
        text(RELIABILITY, '"memory_bytes":16', '"memory_bytes":32'),
        RELIABILITY,
        "machine, settings or targets",
        "fetch the folder again",
    ),
    "a digit of a journal": (
        text("evidence/nuitka-onefile.json.gz", "0", "1"),
        "evidence/nuitka-onefile.json.gz",
        "was changed after it was written",
        "fetch the folder again",
    ),
    "a journal that is missing": (
        lambda folder: (folder / "evidence/nuitka-onefile.json.gz").unlink(),
        "evidence/nuitka-onefile.json.gz",
        "is missing",
        "fetch the folder again",
    ),
    "journals that are missing": (
        lambda folder: shutil.rmtree(folder / "evidence"),
        "evidence",
        "the checklist's rows are nothing without it",
        "fetch the folder again",
    ),
    "half a file": (
        lambda folder: (folder / RELIABILITY).write_bytes(
            (folder / RELIABILITY).read_bytes()[:3000]
        ),
        RELIABILITY,
        "is damaged",
        "invoke bench on its machine",
    ),
    "an empty file": (
        lambda folder: (folder / RELIABILITY).write_bytes(b""),
        RELIABILITY,
        "is damaged",
        "invoke bench on its machine",
    ),
    "no object": (
        lambda folder: (folder / RELIABILITY).write_bytes(b"[1]"),
        RELIABILITY,
        "has schema None",
        "invoke bench on its machine",
    ),
    "an interrupted run": (
        document(Path(RELIABILITY), complete=False),
        RELIABILITY,
        "is half-written",
        "invoke bench on its machine",
    ),
    "an interrupted run beside a whole one": (
        lambda folder: (folder / "size.incomplete.json").write_text("{", encoding="utf-8"),
        "size.incomplete.json",
        "is half-written",
        "invoke size on its machine",
    ),
    "a file that was being written": (
        lambda folder: (folder / "size.json.ab12.partial").write_text("{", encoding="utf-8"),
        "size.json.ab12.partial",
        "is half-written",
        "invoke size on its machine",
    ),
    "a newer schema": (
        text(RELIABILITY, '"schema":2', '"schema":3'),
        RELIABILITY,
        "has schema 3; this version reads schema 2. It was written by a newer version",
        "update packaging-spike",
    ),
    "an older schema": (
        text(RELIABILITY, '"schema":2', '"schema":1'),
        RELIABILITY,
        "has schema 1",
        "invoke bench on its machine",
    ),
    "an earlier version without seals": (
        lambda folder: rewritten(
            folder / RELIABILITY,
            lambda found: json.dumps({k: v for k, v in json.loads(found).items() if k != "seal"}),
        ),
        RELIABILITY,
        "has no seal: it was written by an earlier version",
        "invoke bench on its machine",
    ),
    "another sidecar": (
        document(Path(RELIABILITY), sidecar="other"),
        RELIABILITY,
        "is about another sidecar: other, not sidecar-hello",
        "--sidecar DIR",
    ),
    "another version of it": (
        document(Path(RELIABILITY), sidecar_version="9.9.9"),
        RELIABILITY,
        "is about sidecar-hello 9.9.9",
        "invoke spike on its machine, from this commit",
    ),
    "a benchmark of a newer version": (
        lambda folder: rewritten(
            (folder / RELIABILITY).rename(folder / "telepathy.json.gz"),
            lambda found: found.replace('"reliability"', '"telepathy"', 1),
        ),
        "telepathy.json.gz",
        "is of a benchmark that this version does not have",
        "update packaging-spike",
    ),
    "a file under another name": (
        lambda folder: (folder / RELIABILITY).rename(folder / "soak.json.gz"),
        "soak.json.gz",
        "has another name than its run, 'reliability'",
        "fetch the folder again",
    ),
    "fields of another kind": (
        document(Path(RELIABILITY), targets=[], samples=[]),
        RELIABILITY,
        "is damaged: targets is list",
        "fetch the folder again",
    ),
    "a field of nobody": (
        document(Path(RELIABILITY), colour="blue"),
        RELIABILITY,
        "is damaged",
        "invoke bench on its machine",
    ),
    "samples of nobody": (
        document(Path(RELIABILITY), samples=[{"target": "nobody"}]),
        RELIABILITY,
        "is damaged",
        "invoke bench on its machine",
    ),
    "samples that are none": (
        document(Path(RELIABILITY), samples=[3]),
        RELIABILITY,
        "is damaged",
        "invoke bench on its machine",
    ),
    "a link to another file": (
        linked,
        "size.json",
        "is a link, and not a file of its own",
        "fetch the folder again",
    ),
}
"""What is done to a good folder: the harm, the file that is named, what is said, what is next."""


@pytest.mark.parametrize("case", REFUSALS)
def test_a_folder_that_is_not_right_is_refused_by_name(hello: Sidecar, case: str) -> None:
    """Nothing is lost: what was merged before stays, and so does the folder."""
    merge(hello, "arm")
    before = contents(kept(hello, "linux-arm64-3.12"))
    harm, name, said, following = REFUSALS[case]
    harm(made(hello, "arm"))
    handed = contents(made(hello, "arm"))
    found = merge(hello, "arm", "wine")
    assert [taken.name for taken in found.taken] == ["windows-x64-3.11"]  # the others are taken
    (refused,) = found.refused
    assert refused.path == made(hello, "arm") / name
    told = str(refused)
    assert f"made/arm/{name} " in told
    assert said in told
    assert following in told.rpartition("Try: ")[2]
    assert "invoke merge" in told.rpartition("Try: ")[2]
    assert contents(kept(hello, "linux-arm64-3.12")) == before
    assert contents(made(hello, "arm")) == handed


def other_locks(build: dict[str, Any]) -> dict[str, Any]:
    return {**build, "locks": {f"{build['packager']}.txt": "0" * 64}}


def right_locks(build: dict[str, Any]) -> dict[str, Any]:
    from spike.build.buildinfo import file_sha256

    name = f"{build['packager']}.txt"
    return {**build, "locks": {name: file_sha256(TOOL / "locks" / name)}}


MADE: Mapping[str, tuple[Machine, Callable[[dict[str, Any]], Mapping[str, Any]], str]] = {
    "of today's locks": (ARM, right_locks, ""),
    "of other locks": (ARM, other_locks, "built from another nuitka.txt than this checkout has"),
    "of a packager's other version": (
        ARM,
        lambda build: {**build, "packager_version": "0.0.1"},
        "built by nuitka 0.0.1, and its lock here has",
    ),
    "of a packager that is not known": (
        ARM,
        lambda build: {**build, "packager": "zipapp"},
        "a packager that this version does not have: zipapp",
    ),
    "of other sources": (
        ARM,
        lambda build: {**build, "source_sha256": "0" * 64},
        "of other sources than sidecar/ has here",
    ),
    "of two Pythons": (
        ARM,
        lambda build: (
            {**build, "python_version": "3.13.0"} if build["packager"] == "nuitka" else build
        ),
        "is of no platform that can be named: Linux arm64, Python 3.12.4, 3.13.0",
    ),
    "of another architecture": (
        ARM,
        lambda build: {**build, "arch": "x64"},
        "of Linux x64 on Linux arm64",
    ),
    "of a system without a name": (
        replace(ARM, platform="../../etc"),
        dict,
        "is of no platform that can be named",
    ),
}


@pytest.mark.parametrize("case", MADE)
def test_what_was_measured_of_other_things_is_refused(hello: Sidecar, case: str) -> None:
    """Sealed as it should be, and of other programs than those that are decided on."""
    machine, build, said = MADE[case]
    hand_over(hello, made(hello, "case"), machine, build=build)
    found = merge(hello, "case")
    if not said:
        assert found.refused == ()
        return
    (refused,) = found.refused
    assert said in str(refused)
    assert "made/case" in str(refused)
    assert str(refused).endswith("then invoke merge made/case")
    assert platforms.merged(hello) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"checkout": "9" * 16},
            "may not stand beside checklist.json.gz: one was measured in another checkout",
        ),
        ({"emulated": "wine 8.0", "checkout": ARM.checkout}, "can measure no such thing"),
    ],
)
def test_results_of_two_machines_in_one_folder_are_refused(
    hello: Sidecar, changes: dict[str, Any], said: str
) -> None:
    """A folder is one machine and one checkout: its figures stand in the same tables."""
    hand_over(hello, made(hello, "two"), replace(ARM, **changes), only=["reliability"])
    if "emulated" in changes:
        size = made(hello, "two") / "size.json.gz"
        shutil.copy(made(hello, "arm") / size.name, size)
        rewritten(size, lambda found: found.replace('"arch":', '"emulated":"wine 8.0","arch":', 1))
        harmed = "two"
    else:
        shutil.copy(made(hello, "two") / RELIABILITY, made(hello, "arm") / RELIABILITY)
        harmed = "arm"
    (refused,) = merge(hello, harmed).refused
    assert said in str(refused)
    assert merge(hello, "wine").refused == ()


def test_two_folders_of_one_platform_are_both_refused(hello: Sidecar) -> None:
    """Nobody said which one stands for it; a copy of the same is no second one."""
    shutil.copytree(made(hello, "arm"), made(hello, "copy"))
    assert merge(hello, "arm", "copy").refused == ()
    hand_over(hello, made(hello, "other"), replace(ARM, checkout="f" * 16))
    found = merge(hello, "arm", "other", "wine")
    assert [refusal.path.name for refusal in found.refused] == ["arm", "other"]
    assert "invoke merge made/arm, or invoke merge made/other" in str(found.refused[0])
    assert [taken.name for taken in found.taken] == ["windows-x64-3.11"]


def test_what_is_there_is_not_replaced_by_less(hello: Sidecar) -> None:
    """An older run, or one under Wine: the platform has to be withdrawn first."""
    merge(hello, "windows")
    (refused,) = merge(hello, "wine").refused
    assert "was measured under wine 8.0, and benchmarks/results/windows-x64-3.11 on the" in str(
        refused
    )
    older = replace(WINDOWS, at="2026-11-30T10:00:00+00:00")
    hand_over(hello, made(hello, "older"), older)
    (refused,) = merge(hello, "older").refused
    assert "is older than benchmarks/results/windows-x64-3.11" in str(refused)
    assert "Try: invoke merge --withdraw windows-x64-3.11, then invoke merge made/older" in str(
        refused
    )
    keeping.withdraw("windows-x64-3.11", hello)
    assert [taken.what for taken in merge(hello, "wine").taken] == [ADDED]
    older_real = [taken.what for taken in merge(hello, "older").taken]
    assert older_real == [REPLACED]  # a real Windows takes the place of Wine at any date


def test_the_records_own_platform_is_replaced_where_it_is(hello: Sidecar) -> None:
    """A folder without a Python in its name stands for its Python; what was there is kept."""
    system, arch = platform_id().split("-")
    names = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}
    here = Machine(platform=names[system], arch=arch, python="3.11.7", checkout="1" * 16)
    shutil.move(hand_over(hello, made(hello, "here"), here), hello.workspace.results)
    newer = replace(here, checkout="2" * 16, at="2027-01-01T00:00:00+00:00")
    hand_over(hello, made(hello, "newer"), newer, only=["reliability"])
    (taken,) = merge(hello, "newer").taken
    assert taken.folder == hello.workspace.results
    assert "what was there is kept in benchmarks/results/" in taken.note
    assert platforms.merged(hello) == ()
    assert set(results.files(hello.workspace.results)) == {"reliability"}
    aside = hello.workspace.results / results.ELSEWHERE
    assert set(results.files(aside)) == set(machines.FEW)
    assert (aside / results.EVIDENCE).is_dir()
    other = replace(here, python="3.13.0", checkout="3" * 16)
    hand_over(hello, made(hello, "other"), other, only=["reliability"])
    (taken,) = merge(hello, "other").taken
    assert taken.folder == kept(hello, f"{platform_id()}-3.13")


def test_what_is_no_folder_of_results_is_said(hello: Sidecar) -> None:
    """With what a folder of results is, and a command; a job that failed stops no other."""
    (hello.workspace.root / "made" / "empty").mkdir()
    found = merge(hello, "nowhere", "empty", "arm")
    assert [refusal.path.name for refusal in found.refused] == ["nowhere", "empty"]
    assert "made/nowhere is no folder. invoke merge takes" in str(found.refused[0])
    assert "made/empty has no results of sidecar-hello in it." in str(found.refused[1])
    for refusal in found.refused:
        assert "invoke merge" in refusal.try_next
    assert platforms.merged(hello) == ("linux-arm64-3.12",)


def test_another_sidecars_results_lie_below_it(hello: Sidecar) -> None:
    """In the same folders as its own, and the project's own are left alone."""
    folder = hello.workspace.root / "other"
    shutil.copytree(hello.folder, folder)
    settings = (folder / "pyproject.toml").read_text(encoding="utf-8")
    named = settings.replace('name = "sidecar-hello"', 'name = "other"')
    (folder / "pyproject.toml").write_text(named, encoding="utf-8")
    other = sidecar.load(folder)
    hand_over(other, made(hello, "whole") / "sidecars" / "other", ARM)
    shutil.copytree(made(hello, "arm"), made(hello, "whole"), dirs_exist_ok=True)
    assert keeping.merge([made(hello, "whole")], hello).refused == ()
    assert keeping.merge([made(hello, "whole")], other).refused == ()
    assert platforms.merged(other) == platforms.merged(hello) == ("linux-arm64-3.12",)
    keeping.withdraw("linux-arm64-3.12", hello)
    assert platforms.merged(other) == ("linux-arm64-3.12",)
    reports = other.on("linux-arm64-3.12").workspace.reports
    reports.mkdir()
    (reports / "index.md").write_text("x", encoding="utf-8")
    (refused,) = keeping.merge([made(hello, "arm")], other).refused
    assert "is about another sidecar: sidecar-hello, not other" in str(refused)
    keeping.withdraw("linux-arm64-3.12", other)
    assert not (hello.workspace.root / "benchmarks" / "results" / "linux-arm64-3.12").exists()
