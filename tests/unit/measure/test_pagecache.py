"""Page cache: a file is called cold only when it is proved to be."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from spike.measure import pagecache, provenance

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mincore and fadvise are Linux's")


def test_pages_are_counted_and_evicted(tmp_path: Path) -> None:
    """A file just written is in memory; after the eviction not one page of it is."""
    path = tmp_path / "data"
    path.write_bytes(b"x" * (10 * mmap.PAGESIZE + 1))
    before = pagecache.residency([path])
    assert (before.files, before.pages, before.resident) == (1, 11, 11)
    assert before.warm
    pagecache.evict([path])
    after = pagecache.residency([path])
    if provenance.filesystem(tmp_path) in ("tmpfs", "ramfs"):
        assert not after.cold  # there is no disk behind it, and the state says so
        return
    assert after.cold
    pagecache.warm([path])
    assert pagecache.residency([path]).warm


def test_a_mapped_page_stays_and_is_reported(tmp_path: Path) -> None:
    """What a running process has mapped cannot be evicted, and the state says which file it is."""
    path = tmp_path / "library"
    path.write_bytes(b"x" * (4 * mmap.PAGESIZE))
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[0] == ord("x")
        pagecache.evict([path])
        found = pagecache.residency([path])
        assert not found.cold
        assert found.staying == (path,)


def test_nothing_is_not_cold() -> None:
    """No pages prove nothing: an empty list of files is neither cold nor warm."""
    found = pagecache.residency([])
    assert not found.cold
    assert not found.warm


def test_empty_files_and_links_are_counted_once(tmp_path: Path) -> None:
    """A link adds no pages, and an empty file has none."""
    (tmp_path / "empty").touch()
    (tmp_path / "data").write_bytes(b"x")
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "dangling").symlink_to("nothing")
    files = pagecache.regular_files([tmp_path])
    assert [path.name for path in files] == ["data", "empty"]
    assert pagecache.residency(files).pages == 1
