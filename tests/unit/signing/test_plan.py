"""Which files are signed, in which order, with what; real files of all three formats."""

from __future__ import annotations

import gzip
import json
import plistlib
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

from spike.core.errors import MissingBuildError
from spike.signing import binaries, plan
from spike.signing.binaries import Binary, Format, Kind

RECORDED = Path(__file__).with_name("recorded")
FILE_TYPE = 12
"""Place of the file type in a Mach-O header (mach-o/loader.h); 2 is a program, 6 a library."""


def macos(name: str = "arm64", *, file_type: int | None = None) -> bytes:
    """A file as macOS has it, or the same with another type in its header."""
    data = bytearray(gzip.decompress((RECORDED / f"{name}.so.gz").read_bytes()))
    if file_type is not None:
        data[FILE_TYPE] = file_type
    return bytes(data)


def windows(name: str) -> bytes:
    """A program for Windows that a tool of this environment brings along."""
    (path,) = [each for each in metadata.files("distlib") or () if each.name == name]
    return Path(str(path.locate())).read_bytes()


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder build for macOS, with a link, a class of Java and a text among it."""
    folder = fill(
        tmp_path / "Jörg's app",
        {
            "main": macos(file_type=2),
            "_internal/lib/deep/a b.so": macos(),
            "_internal/$HOME.dylib": macos(file_type=6),
            "_internal/universal.so": macos("universal"),
            "_internal/Some.class": b"\xca\xfe\xba\xbe\0\0\0\x34nothing",
            "_internal/words.txt": b"MZ is how this text begins",
        },
    )
    (folder / "_internal" / "link.so").symlink_to("universal.so")
    return folder


def test_libraries_come_before_programs_and_the_inner_before_the_outer(application: Path) -> None:
    """A signature seals what it covers; links and what only looks like a program are left out."""
    found = plan.of(application)
    assert [step.binary.path for step in found.steps] == [
        "_internal/lib/deep/a b.so",
        "_internal/$HOME.dylib",
        "_internal/universal.so",
        "main",
    ]
    assert found.steps[2].binary.processors == ("X86_64", "ARM64")
    assert [step.binary.signed for step in found.steps] == [True, True, False, True]
    assert [step.entitlements for step in found.steps] == [(), (), (), (plan.WRITES_CODE,)]
    assert any("tauri build" in note for note in found.notes)


def test_the_script_signs_each_file_whatever_its_name(application: Path, tmp_path: Path) -> None:
    """It runs here against a codesign that writes down what it was asked."""
    written = plan.write(plan.of(application), tmp_path / "out")
    assert [path.name for path in written] == ["plan.json", "program.plist", "sign.sh"]
    asked = tmp_path / "asked"
    tools = fill(tmp_path / "bin", {"codesign": b'#!/bin/sh\nprintf "%s\\n" "$*" >> "$ASKED"\n'})
    (tools / "codesign").chmod(0o755)
    env = {"PATH": f"{tools}:/usr/bin:/bin", "ASKED": str(asked), "APPLE_SIGNING_IDENTITY": "Me"}
    subprocess.run([written[2], application], env=env, check=True)
    lines = asked.read_text(encoding="utf-8").splitlines()
    signed = [line for line in lines if "--sign Me" in line]
    assert [line.rsplit(f"{application}/")[1] for line in signed] == [
        "_internal/lib/deep/a b.so",
        "_internal/$HOME.dylib",
        "_internal/universal.so",
        "main",
    ]
    assert f"--entitlements {tmp_path}/out/program.plist" in signed[-1]
    assert sum("--verify --strict" in line for line in lines) == 4
    assert plistlib.loads(written[1].read_bytes()) == {plan.WRITES_CODE: True}
    without = subprocess.run([written[2], application], env=env | {"APPLE_SIGNING_IDENTITY": ""})
    assert without.returncode != 0


def test_one_file_of_macos_needs_what_it_unpacks_signed_at_its_build(tmp_path: Path) -> None:
    """And may load it only with the entitlement for libraries of others."""
    program = fill(tmp_path, {"sidecar": macos(file_type=2)}) / "sidecar"
    found = plan.of(program, packager="pyinstaller")
    assert found.steps[0].entitlements == (plan.WRITES_CODE, plan.FOREIGN_LIBRARIES)
    assert any("--codesign-identity" in note for note in found.notes)
    assert 'sign --entitlements "$HERE"/one-file.plist "$PLACE"\n' in plan.codesign_script(
        found.steps, is_alone=True
    )


def test_windows_leaves_what_its_maker_has_signed(tmp_path: Path) -> None:
    """A PE with a certificate table has a signature; the rest goes through signtool."""
    folder = fill(
        tmp_path / "app", {"w64.exe": windows("w64.exe"), "in ner/t64.exe": windows("t64.exe")}
    )
    found = plan.of(folder)
    assert [step.binary.path for step in found.steps] == ["in ner/t64.exe", "w64.exe"]
    assert {step.binary.format for step in found.steps} == {Format.PE}
    script = plan.signtool_script(found.steps, is_alone=False)
    assert script.endswith(
        "Sign (Join-Path $Place 'in ner\\t64.exe')\nSign (Join-Path $Place 'w64.exe')\n"
    )
    theirs = Binary(
        path="python311.dll",
        format=Format.PE,
        kind=Kind.LIBRARY,
        processors=("AMD64",),
        signed=True,
    )
    assert not plan._is_to_sign(theirs)


def test_linux_has_nothing_to_sign_but_its_package(tmp_path: Path) -> None:
    """All are listed all the same: a program, and an extension module."""
    folder = tmp_path / "app"
    folder.mkdir()
    shutil.copy(sys.executable, folder / "python")
    extension = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_s*.so"))
    shutil.copy(extension, folder)
    found = plan.of(folder)
    assert found.steps == ()
    assert [(each.path, each.kind) for each in found.left] == [
        (extension.name, Kind.LIBRARY),
        ("python", Kind.PROGRAM),
    ]
    assert "sign the package" in plan.render(found)
    (only,) = plan.write(found, tmp_path / "out")
    assert json.loads(only.read_text(encoding="utf-8"))["artifact"] == "app"


@pytest.mark.parametrize("data", [b"MZ", b"\x7fELF" + bytes(100), b"\xcf\xfa\xed\xfe\0", b""])
def test_half_a_file_is_no_program(tmp_path: Path, data: bytes) -> None:
    """A magic number alone does not make one, and nothing falls over."""
    folder = fill(tmp_path / "app", {"half": data})
    with pytest.raises(MissingBuildError, match="No executable file"):
        plan.of(folder)


def test_a_damaged_archive_is_no_archive() -> None:
    """Lengths that point out of the file are not followed."""
    cookie = binaries._ARCHIVE_COOKIE.pack(binaries._ARCHIVE_MAGIC, 1 << 30, 5, 1 << 20, 311, b"")
    assert list(binaries.archived(b"x" * 100 + cookie)) == []


def test_a_missing_artifact_is_said(tmp_path: Path) -> None:
    """With the command to try."""
    with pytest.raises(MissingBuildError, match="There is no"):
        plan.of(tmp_path / "nothing")
