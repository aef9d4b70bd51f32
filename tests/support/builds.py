"""A finished build of one variant, as far as the files beside it go."""

from __future__ import annotations

from pathlib import Path

from spike.build import buildinfo
from spike.packagers import VARIANTS
from spike.project import sidecar

VARIANT = VARIANTS["pyinstaller-onefile"]


def info(found: sidecar.Sidecar, artifact: Path) -> buildinfo.BuildInfo:
    return buildinfo.BuildInfo(
        argv=("pyinstaller",),
        env={},
        packager="pyinstaller",
        packager_version="6.22.3",
        python_version="3.11.7",
        platform="Linux",
        arch="x64",
        artifact=artifact.relative_to(found.workspace.root).as_posix(),
        size_bytes=7,
        cold_start_ms=None,
        first_launch="not_found",
        first_detail="it is not there",
        remarks=(),
        sidecar="demo",
        sidecar_version="1.0.0",
        variant=VARIANT.id,
        mode="onefile",
        target_triple="x86_64-unknown-linux-gnu",
        python_build="main",
        python_flavour="CPython",
        compiler="",
        elapsed_s=1.0,
        built_at="2026-01-01T00:00:00+00:00",
        fingerprint="0",
        source_sha256=found.source_sha256(),
        sha256=buildinfo.file_sha256(artifact),
        folder="",
        folder_bytes=0,
        folder_files=0,
        log="build.log",
    )
