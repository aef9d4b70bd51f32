"""Frozen findings: dated, checksummed, never rewritten."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from decision import snapshot
from spike.build.buildinfo import file_sha256
from spike.core.errors import StorageError


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Two files to freeze."""
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    (tmp_path / "b.md").write_text("# b", encoding="utf-8")
    return {"results/a.json.gz": tmp_path / "a.json", "issues/b.md": tmp_path / "b.md"}


def test_a_frozen_folder_proves_itself(tmp_path: Path, sources: dict[str, Path]) -> None:
    """SHA256SUMS is in the format of sha256sum, and every file is as its source was."""
    folder = snapshot.freeze(tmp_path / "frozen", sources)
    assert (folder / "issues" / "b.md").read_text(encoding="utf-8") == "# b"
    assert gzip.decompress((folder / "results" / "a.json.gz").read_bytes()) == b"{}"
    lines = (folder / snapshot.SUMS).read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"{file_sha256(sources['issues/b.md'])}  issues/b.md"
    assert snapshot.problem(folder, file_sha256(folder / snapshot.SUMS)) == ""


def test_a_second_freeze_leaves_the_first_alone(tmp_path: Path, sources: dict[str, Path]) -> None:
    """Also within one second, and although the sources have changed since."""
    first = snapshot.freeze(tmp_path / "frozen", sources)
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    sources["issues/b.md"].write_text("# changed", encoding="utf-8")
    second = snapshot.freeze(tmp_path / "frozen", sources)
    assert second != first
    assert {path: path.read_bytes() for path in first.rglob("*") if path.is_file()} == before
    assert (second / "issues" / "b.md").read_text(encoding="utf-8") == "# changed"


def test_every_way_of_rewriting_is_seen(tmp_path: Path, sources: dict[str, Path]) -> None:
    """A file changed, taken away or added, and new sums over it."""
    folder = snapshot.freeze(tmp_path / "frozen", sources)
    sums = file_sha256(folder / snapshot.SUMS)
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)

    def spoil(name: str, text: str | None) -> str:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        path = folder / name
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text, encoding="utf-8")
        return snapshot.problem(folder, sums)

    assert "was changed" in spoil("issues/b.md", "# c")
    assert "is gone" in spoil("issues/b.md", None)
    assert "was added" in spoil("issues/c.md", "new")
    assert "not the one" in spoil(snapshot.SUMS, "")
    shutil.rmtree(folder)
    assert "gone" in snapshot.problem(folder, sums)


def test_what_cannot_be_frozen_leaves_nothing(tmp_path: Path, sources: dict[str, Path]) -> None:
    """A source that is not there is an error, and no half-frozen folder stays."""
    with pytest.raises(StorageError):
        snapshot.freeze(tmp_path / "frozen", {**sources, "x": tmp_path / "absent"})
    assert not list((tmp_path / "frozen").iterdir())
