"""What a program writes is seen while it is there."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from benchmarks import footprint
from spike.launch import leftovers
from spike.measure import pagecache


def test_disk_is_watched_at_its_peak(tmp_path: Path) -> None:
    """A file that is gone at the end was still counted while it was there."""
    with footprint.DiskWatch(tmp_path) as disk:
        (tmp_path / "unpacked").write_bytes(b"x" * 100_000)
        disk.look()
        (tmp_path / "unpacked").unlink()
    assert disk.peak_bytes >= 100_000
    assert len(disk.files) == 1


def test_files_that_go_while_they_are_counted_do_no_harm(tmp_path: Path) -> None:
    """A program tidies up at any moment: what is there is counted, nothing is raised."""
    over = threading.Event()

    def unpack_and_tidy() -> None:
        while not over.is_set():
            for name in "abcdefgh":
                (tmp_path / name / "inner").mkdir(parents=True)
                (tmp_path / name / "inner" / "file").touch()
            for name in "abcdefgh":
                shutil.rmtree(tmp_path / name)

    program = threading.Thread(target=unpack_and_tidy)
    program.start()
    watch = footprint.DiskWatch(tmp_path)
    looks, until = 0, time.monotonic() + 30
    try:
        while looks < 300 or (not watch.files and time.monotonic() < until):
            looks += 1
            watch.look()
            leftovers.files_in(tmp_path)
            pagecache.regular_files([tmp_path])
    finally:
        over.set()
        program.join()
    assert watch.files
