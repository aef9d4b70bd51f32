"""Generated documents: one changed digit anywhere is caught, and the record stays one page.

This is what holds the committed record, its reports, the README and the example's record to the
committed results: whoever changes one without the other fails here.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from commands import listing
from decision import evidence
from decision.prose import front
from decision.record import documents, page
from decision.record.documents import Documents
from spike.core import generated, workspace
from spike.core.errors import CorruptFileError
from spike.core.workspace import TOOL, platform_id
from spike.project import sidecar

pytestmark = pytest.mark.slow

COPIED = (
    *("benchmarks/results", "benchmarks/report", "docs", "issues", "sidecar", "examples/fastapi"),
    "snapshots",
    *("README.md", "decision-record.md"),
)
FASTAPI = Path("examples", "fastapi")
RECORD = "decision-record.md"

_BLOCK = re.compile(r"<!-- begin generated: .*?-->\n(.*?)<!-- end generated: ", flags=re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of what is committed, and what the evidence in it says.

    Attributes:
        root: Its folder.
        hello: The documents of the hello sidecar.
        fastapi: Those of the example.
    """

    root: Path
    hello: Documents
    fastapi: Documents


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """The copy, without artifacts, so that only committed files are asked."""
    if not (TOOL / "benchmarks" / "report" / platform_id()).is_dir():
        pytest.skip(f"the repository has no record of {platform_id()}")
    root = tmp_path_factory.mktemp("committed").resolve()
    for name in COPIED:
        source, target = TOOL / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("partial", "elsewhere"))
        else:
            shutil.copy2(source, target)
    listed = listing.document()  # here, where the project is the tool: another lists less
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(workspace.PROJECT_VARIABLE, str(root))
        yield Copy(
            root=root,
            hello=documents.gathered(sidecar.load(), extra={root.joinpath(*listing.PLACE): listed}),
            fastapi=documents.gathered(
                sidecar.load(root / FASTAPI), output=str(root / FASTAPI / RECORD)
            ),
        )


def digits(path: Path) -> list[int]:
    """Where a generated file's digits are: all but those of the comments that guard them."""
    text = path.read_text(encoding="utf-8")
    if path.name in (RECORD, "README.md"):
        spans = [match.span(1) for match in _BLOCK.finditer(text)]
    else:
        spans = [(text.index("-->"), len(text))]
    return [place for low, high in spans for place in range(low, high) if text[place].isdigit()]


def changed(path: Path, place: int) -> str:
    """The file's text with one digit changed."""
    text = path.read_text(encoding="utf-8")
    other = str((int(text[place]) + 1) % 10)
    return text[:place] + other + text[place + 1 :]


def test_the_committed_documents_are_what_the_committed_results_say(copy: Copy) -> None:
    """Written anew by `invoke adr`, and with --sidecar and --output for the example."""
    assert copy.hello.check() == []
    assert copy.fastapi.check() == []


def test_one_changed_digit_in_any_generated_file_is_caught(copy: Copy) -> None:
    """In a table, a sentence, a link, a picture or the list of commands: the file is named."""
    files = 0
    for found, root in ((copy.hello, copy.root), (copy.fastapi, copy.root)):
        folder = found.facts.evidence.sidecar.workspace.reports
        pictures = list(folder.glob("*.svg"))
        assert len(pictures) == 3
        for path in [*found.blocks, *found.whole, *pictures]:
            good = path.read_text(encoding="utf-8")
            places = digits(path)
            if not places:
                continue
            files += 1
            for place in {places[0], places[len(places) // 2], places[-1]}:
                path.write_text(changed(path, place), encoding="utf-8")
                complaints = found.check()
                path.write_text(good, encoding="utf-8")
                assert complaints, f"{path} at {place}"
                name = path.relative_to(root).as_posix()
                assert all(complaint.startswith(name) for complaint in complaints), complaints
    assert files > 40
    assert copy.hello.check() == []


def test_a_deleted_and_an_extra_report_are_caught(copy: Copy) -> None:
    """What is missing and what no command makes; our own is removed, other people's is not."""
    folder = copy.hello.facts.evidence.sidecar.workspace.reports
    text = (folder / "size.md").read_text(encoding="utf-8")
    (folder / "size.md").unlink()
    (folder / "weight.md").write_text(text, encoding="utf-8")
    (folder / "notes.txt").write_text("by hand", encoding="utf-8")
    place = folder.relative_to(copy.root).as_posix()
    assert copy.hello.check() == [
        f"{place}/size.md: the generated document is missing",
        f"{place}/notes.txt: no command makes this file",
        f"{place}/weight.md: no command makes this file",
    ]
    written = copy.hello.write()
    assert documents.told(written).splitlines()[:2] == [
        f"{place}/size.md: written",
        f"{place}/weight.md: removed",
    ]
    assert copy.hello.check() == [f"{place}/notes.txt: no command makes this file"]
    (folder / "notes.txt").unlink()
    assert documents.told(copy.hello.write()).endswith("unchanged")


def test_an_edit_by_hand_and_a_stale_report_are_told_apart(copy: Copy) -> None:
    """The checksum in the first line knows who wrote it."""
    path = copy.hello.facts.path("size")
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("MB", "GB"), encoding="utf-8")
    (edited,) = copy.hello.check()
    assert "was edited by hand" in edited
    assert re.search(r"^-.*GB", edited, flags=re.MULTILINE)
    path.write_text(generated.document("# other\n", "invoke adr"), encoding="utf-8")
    (stale,) = copy.hello.check()
    assert "is stale" in stale
    path.write_text(good, encoding="utf-8")


@pytest.mark.parametrize("which", ["hello", "fastapi"])
def test_a_record_is_one_page(copy: Copy, which: str) -> None:
    """Committed, and generated from nothing but its template."""
    found: Documents = getattr(copy, which)
    text = found.record.read_text(encoding="utf-8")
    found.record.unlink()
    assert found.write()[found.record]
    for page_ in (text, found.record.read_text(encoding="utf-8")):
        assert len(page_.splitlines()) <= page.MAX_LINES
        assert len(page_.encode()) <= page.MAX_BYTES
        fields = front(page_)
        assert all(fields.get(name) for name in documents.FRONT_FIELDS)
    found.record.write_text(text + "\n" * page.MAX_LINES, encoding="utf-8")
    (complaint,) = found.check()
    assert "a record is one page" in complaint
    found.record.write_text(text, encoding="utf-8")


def test_one_answer_stands_in_record_readme_and_reports(copy: Copy) -> None:
    """The sentence is the same everywhere, and the prose may not name another variant."""
    sentence = copy.hello.facts.answer.sentence
    for path in (copy.hello.record, copy.root / "README.md"):
        assert sentence in path.read_text(encoding="utf-8")
    for stem in ("index", "recommendation"):
        assert sentence in copy.hello.whole[copy.hello.facts.path(stem)]
    answer = copy.hello.facts.answer
    text = copy.hello.record.read_text(encoding="utf-8")
    assert 'Chosen option: "Nuitka"' in text
    named = text.replace('"Nuitka"', f'"Nuitka, shipped as {answer.variant}"', 1)
    copy.hello.record.write_text(named, encoding="utf-8")
    assert copy.hello.check() == []
    other = text.replace('"Nuitka"', '"Nuitka, shipped as nuitka-onefile"', 1)
    copy.hello.record.write_text(other, encoding="utf-8")
    assert copy.hello.check() == [
        f"{RECORD}: the outcome names nuitka-onefile, and the answer is {answer.variant}"
    ]
    copy.hello.record.write_text(text.replace("status: ", "state: ", 1), encoding="utf-8")
    assert copy.hello.check() == [f"{RECORD}: the front matter lacks status"]
    copy.hello.record.write_text(text, encoding="utf-8")


def test_the_example_of_a_service_ships_as_a_folder(copy: Copy) -> None:
    """Onefile leaves files and processes behind, and starts later: no expert would ship it."""
    answer = copy.fastapi.facts.answer
    chosen = answer.standings[0]
    assert answer.variant == chosen.variant
    assert chosen.folder
    assert chosen.faults is not None
    assert chosen.faults.whose == "the tool's own"


def test_a_record_that_does_not_exist_is_named(copy: Copy, tmp_path: Path) -> None:
    """With the command that makes it."""
    found = replace(copy.hello, record=tmp_path / RECORD, blocks={tmp_path / RECORD: {}})
    with pytest.raises(CorruptFileError, match="cannot be read") as raised:
        found.check()
    assert raised.value.try_next == "invoke adr"


def test_links_work_from_wherever_a_document_lies(tmp_path: Path) -> None:
    """Texts name files from the project's root; a document elsewhere reaches them too."""
    text = "![a](results/bench.json) [b](https://example.org/x) [c](#top) [d](results/gone.json)"
    assert documents.rebased(text, tmp_path, tmp_path) == text
    assert documents.rebased(text, tmp_path, tmp_path / "examples" / "one") == text.replace(
        "(results/", "(../../results/"
    )


def test_links_by_reference_name_each_file_once() -> None:
    """That keeps a record with long paths on one page."""
    blocks = {"a": "[one](far/away/size.md), [two](far/away/size.md)\n", "b": "nothing\n"}
    assert documents.by_reference(blocks) == {
        "a": "[one][size], [two][size]\n",
        "b": "nothing\n",
        "links": "[size]: far/away/size.md\n",
    }


def test_one_changed_journal_of_the_checklist_is_caught(copy: Copy) -> None:
    """Its rows rest on what the host wrote down, so that counts as evidence as well."""
    folder = copy.root / "benchmarks" / "results" / platform_id() / "evidence"
    journal = next(folder.glob("*.json.gz"))
    good = journal.read_bytes()
    journal.write_bytes(gzip.compress(gzip.decompress(good).replace(b"1", b"2", 1)))
    problems = evidence.gather(copy.hello.facts.evidence.sidecar).problems
    journal.write_bytes(good)
    assert any(f"{journal.name} was changed" in problem for problem in problems), problems
    assert not evidence.gather(copy.hello.facts.evidence.sidecar).problems
