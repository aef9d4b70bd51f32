"""Size: what each variant puts on a disk and into a package, from the files themselves.

Tauri ships a sidecar inside its packages. What it adds to a download is measured by making a .deb
of it alone, with the compression that Debian's own packages have.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.targets import Target
from benchmarks.wording import counted, ends, variants_in
from spike.build import buildinfo
from spike.core import process
from spike.core.progress import progress
from spike.core.tables import megabytes, table
from spike.core.workspace import project
from spike.measure import results
from spike.measure.compare import Metric
from spike.project.sidecar import Sidecar

NAME = "size"
COMPARED = (
    Metric(field="shipped_bytes", tolerance=0.0),
    Metric(field="package_bytes", tolerance=0.001),
)

DEB_COMPRESSION = "xz"
"""dpkg-deb's default on Debian (deb(5)); Ubuntu's is zstd, whose packages come out larger."""
OURS = buildinfo.OWN_FILES
"""What a build leaves beside an artifact for us; it does not ship."""


def measure(target: Target) -> dict[str, Any]:
    """Count one target's files.

    Returns:
        ``artifact_bytes`` of the program itself; ``shipped_bytes`` and ``shipped_files`` of
        everything that has to ship with it; ``package_bytes``: all of it as a package, made by
        ``package_by`` (dpkg-deb, or Python's lzma where that is not there).
    """
    return {**count(target), **package(target)}


def package(target: Target) -> dict[str, Any]:
    """Pack what ships as a .deb would."""
    root = Path(target.argv[0]).parent
    if target.built is not None:
        root = target.built.folder or target.built.artifact.parent
    if target.kind == "baseline" and not target.argv[0].startswith(str(project())):
        return {"package_bytes": None, "package_by": ""}  # the interpreter is not ours to ship
    files = [
        path
        for path in ([Path(target.argv[0])] if _alone(target) else sorted(root.rglob("*")))
        if path.name not in OURS and (path.is_symlink() or path.is_file())
    ]
    with tempfile.TemporaryDirectory(prefix="spike-package-") as name:
        tree = Path(name) / "tree"
        for path in files:
            packed = tree / "usr" / "lib" / "sidecar" / path.relative_to(root)
            packed.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, packed, follow_symlinks=False)
        result = Path(name) / "sidecar.deb"
        if shutil.which("dpkg-deb"):
            (tree / "DEBIAN").mkdir()
            (tree / "DEBIAN" / "control").write_text(_CONTROL, encoding="ascii")
            done = process.capture(
                [
                    *("dpkg-deb", "--root-owner-group", f"-Z{DEB_COMPRESSION}"),
                    *("--build", str(tree), str(result)),
                ],
                timeout_s=600.0,
            )
            if done.ok:
                return {
                    "package_bytes": result.stat().st_size,
                    "package_by": f"dpkg-deb -Z{DEB_COMPRESSION}",
                }
        with tarfile.open(result, "w:xz", preset=6) as archive:
            archive.add(tree / "usr", "usr")
        return {"package_bytes": result.stat().st_size, "package_by": "tar and lzma, preset 6"}


_CONTROL = """\
Package: sidecar
Version: 1.0
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: the files of one variant, packed to be weighed
"""


def _alone(target: Target) -> bool:
    return target.built is None or target.built.folder is None


def count(target: Target) -> dict[str, Any]:
    """Count one target's files and their bytes."""
    built = target.built
    if built is None or built.folder is None:
        return {
            "artifact_bytes": target.size_bytes,
            "shipped_bytes": target.size_bytes,
            "shipped_files": 1,
        }
    files = [
        path
        for path in built.folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name not in OURS
    ]
    return {
        "artifact_bytes": built.artifact.stat().st_size,
        "shipped_bytes": sum(path.stat().st_size for path in files),
        "shipped_files": len(files),
    }


def run(sidecar: Sidecar, targets: Sequence[Target], *, partial: bool = False) -> results.Result:
    """Measure every target.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    with (
        results.recording(
            NAME,
            sidecar,
            targets={target.id: target.as_json() for target in targets},
            settings={},
            partial=partial,
        ) as recorder,
        progress("size", len(targets)) as step,
        # Nothing is timed here, so the packing may use every CPU.
        ThreadPoolExecutor(max_workers=os.cpu_count()) as workers,
    ):
        for target, facts in zip(targets, workers.map(measure, targets), strict=True):
            recorder.add(target.id, facts)
            step(target.id)
    return recorder.result()


def summary(result: results.Result) -> str:
    """The sizes in one sentence."""
    rows = {name: result.of(name)[-1] for name in variants_in(result)}
    shipped = {name: float(sample["shipped_bytes"]) for name, sample in rows.items()}
    packed = {name: sample.get("package_bytes") for name, sample in rows.items()}
    return (
        f"What ships of a variant has {ends(shipped, megabytes)}, as a .deb "
        f"{ends(packed, megabytes)}; {counted(len(rows), 'variant')} were weighed."
    )


def render(result: results.Result) -> str:
    """The size table."""
    return table(
        ["variant", "program", "ships in all", "files", "as a .deb (xz)"],
        [
            [
                sample["target"],
                megabytes(sample["artifact_bytes"]),
                megabytes(sample["shipped_bytes"]),
                str(sample["shipped_files"]),
                megabytes(sample.get("package_bytes")),
            ]
            for sample in result.samples
        ],
        numeric=1,
    )
