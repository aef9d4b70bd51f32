"""Frozen findings: dated, checksummed, never rewritten."""

from __future__ import annotations

import gzip
import subprocess
import tarfile
from pathlib import Path

import pytest

from decision import snapshot
from spike.build.buildinfo import file_sha256
from spike.core.errors import StorageError


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Files to freeze: a result, one that is damaged, and an entry of the issue log."""
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"{}"))
    (tmp_path / "broken.json.gz").write_bytes(gzip.compress(b"[1, 2, 3]")[:-9])
    (tmp_path / "b.md").write_text("# b", encoding="utf-8")
    return {
        "results/a.json.gz": tmp_path / "a.json.gz",
        "results/broken.json.gz": tmp_path / "broken.json.gz",
        "issues/b.md": tmp_path / "b.md",
    }


def test_a_snapshot_proves_itself(tmp_path: Path, sources: dict[str, Path]) -> None:
    """Its contents without this tool, and the archive as a whole."""
    archive = snapshot.freeze(tmp_path / "frozen", sources)
    assert snapshot.problem(archive, file_sha256(archive)) == ""
    there = tmp_path / "there"
    with tarfile.open(archive) as opened:
        opened.extractall(there, filter="data")
    assert (there / "issues/b.md").read_text(encoding="utf-8") == "# b"
    assert (there / "results/a.json").read_text(encoding="utf-8") == "{}"
    damaged = sources["results/broken.json.gz"].read_bytes()
    assert (there / "results/broken.json.gz").read_bytes() == damaged

    def check() -> int:
        argv = ["sha256sum", "--check", "--strict", "--quiet", snapshot.SUMS]
        return subprocess.run(argv, cwd=there, check=False, capture_output=True).returncode

    assert check() == 0
    (there / "issues/b.md").write_text("# c", encoding="utf-8")
    assert check() != 0


def test_a_second_freeze_leaves_the_first_alone(tmp_path: Path, sources: dict[str, Path]) -> None:
    """Also within one second, and although the sources have changed since."""
    first = snapshot.freeze(tmp_path / "frozen", sources)
    before = first.read_bytes()
    sources["issues/b.md"].write_text("# changed", encoding="utf-8")
    second = snapshot.freeze(tmp_path / "frozen", sources)
    assert second != first
    assert first.read_bytes() == before
    assert second.read_bytes() != before


def test_every_way_of_rewriting_is_seen(tmp_path: Path, sources: dict[str, Path]) -> None:
    """One byte, another archive in its place, a folder, and nothing."""
    archive = snapshot.freeze(tmp_path / "frozen", sources)
    sha256 = file_sha256(archive)
    kept = archive.read_bytes()
    other = snapshot.freeze(tmp_path / "other", {"issues/b.md": sources["issues/b.md"]})
    for content in (kept[:-1], kept[:-1] + b"x", other.read_bytes(), b""):
        archive.unlink()
        archive.write_bytes(content)
        assert "was changed" in snapshot.problem(archive, sha256)
    archive.unlink()
    assert "is gone" in snapshot.problem(archive, sha256)
    archive.mkdir()
    assert "is gone" in snapshot.problem(archive, sha256)


def test_what_cannot_be_frozen_leaves_nothing(tmp_path: Path, sources: dict[str, Path]) -> None:
    """A source that cannot be read, or a place that cannot be written."""
    with pytest.raises(StorageError):
        snapshot.freeze(tmp_path / "frozen", {**sources, "x": tmp_path / "absent"})
    assert not list((tmp_path / "frozen").glob("*"))
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="frozen"):
        snapshot.freeze(tmp_path / "full", sources)
