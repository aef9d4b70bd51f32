"""The next version of a package, made from it: a raised version, and sidecars with other bytes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from spike.core import process
from spike.core.errors import BuildFailedError, MissingToolError
from spike.installed import package as packages
from spike.installed.package import Package

ELF_PADDING = 15
"""Last byte of ``e_ident``, which the kernel and a program itself do not look at (elf(5), EI_PAD).

Nothing can be appended: Nuitka's and PyInstaller's one file find their content from the end.
"""


def mark(path: Path) -> None:
    """Make a program another file that does the same."""
    content = bytearray(path.read_bytes())
    if content[:4] == b"\x7fELF":
        content[ELF_PADDING] ^= 1
    else:
        content += b"\n"
    # Beside it and moved: the program of a link elsewhere stays as it is.
    fresh = path.with_name(path.name + ".marked")
    fresh.write_bytes(content)
    shutil.copymode(path, fresh)
    fresh.replace(path)


def raised_control(control: str) -> str:
    """A .deb's control file with a later version.

    Raises:
        ValueError: It names no version.
    """
    changed, count = re.subn(
        r"^(Version:\s*)(\S+)[ \t]*$", r"\1\2+next1", control, count=1, flags=re.M | re.I
    )
    if not count:
        raise ValueError("the control file names no version")
    return changed


def next_version(package: Package, folder: Path) -> Path:
    """Make the next version of a package.

    Args:
        package: What is raised; its unpacked files become those of the next version.
        folder: Where the new one is put.

    Raises:
        BuildFailedError: The packing failed.
        MissingToolError: rpmbuild is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / "work"
    packages.unpack(package.file, package.kind, work)
    for path in package.sidecars or (package.main,):
        mark(work / "tree" / path)
    if package.kind == "deb":
        return _deb(work, folder / "next.deb")
    return _rpm(package, work, folder)


def _deb(work: Path, target: Path) -> Path:
    control = work / "DEBIAN" / "control"
    control.write_text(raised_control(control.read_text("utf-8")), encoding="utf-8")
    # What is checked at the installation is what is in it.
    (work / "DEBIAN" / "md5sums").unlink(missing_ok=True)
    (work / "DEBIAN").rename(work / "tree" / "DEBIAN")
    _pack(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(work / "tree"), str(target)])
    return target


SPEC_TAGS = ("Summary", "License", "Group", "URL", "Vendor")
_SCRIPTS = {"prein": "pre", "postin": "post", "preun": "preun", "postun": "postun"}


def spec(
    tags: dict[str, str], requires: list[str], scripts: dict[str, str], files: list[str]
) -> str:
    """A spec file that packs files which are there already, with a later release.

    Args:
        tags: ``Name``, ``Version``, ``Release``, ``Arch`` and those of :data:`SPEC_TAGS`.
        requires: What the package requires.
        scripts: Bodies of the scriptlets, by rpm's names of their tags.
        files: Its files, from the root.
    """
    lines = [
        # What is packed stays as it is: no stripping, no search for requirements, no build ids.
        "%global __os_install_post %{nil}",
        "%global _build_id_links none",
        "%global debug_package %{nil}",
        "AutoReqProv: no",
        *(f"{tag}: {tags[tag]}" for tag in ("Name", "Version")),
        f"Release: {tags['Release']}.next1",
        *(f"{tag}: {value}" for tag in SPEC_TAGS if (value := tags.get(tag, "(none)")) != "(none)"),
        *(f"Requires: {each}" for each in requires),
        "%description",
        "The next version, made for a proof.",
    ]
    for tag, section in _SCRIPTS.items():
        if scripts.get(tag, "(none)") != "(none)":
            lines += [f"%{section}", scripts[tag]]
    lines += ["%files", *('"/' + path.replace("%", "%%") + '"' for path in files)]
    return "\n".join(lines) + "\n"


def _rpm(package: Package, work: Path, folder: Path) -> Path:
    def ask(query: str) -> str:
        return _pack(["rpm", "-qp", *query.split(" ", 1), str(package.file)])

    names = ("Name", "Version", "Release", "Arch", *SPEC_TAGS)
    tags = {tag: ask(f"--qf %{{{tag.upper()}}}") for tag in names}
    scripts = {tag: ask(f"--qf %{{{tag.upper()}}}") for tag in _SCRIPTS}
    requires = [line for line in ask("--requires").splitlines() if not line.startswith("rpmlib(")]
    written = work / "next.spec"
    written.write_text(spec(tags, requires, scripts, list(package.files)), encoding="utf-8")
    _pack(
        [
            *("rpmbuild", "-bb", "--quiet", "--target", tags["Arch"]),
            *("--define", f"_topdir {work / 'top'}", "--define", f"_rpmdir {folder}"),
            *("--define", "_rpmfilename next.rpm", "--buildroot", str(work / "tree")),
            str(written),
        ]
    )
    return folder / "next.rpm"


def _pack(argv: list[str]) -> str:
    try:
        done = process.capture(argv, timeout_s=600.0)
    except MissingToolError:
        raise MissingToolError(
            f"{argv[0]} is not installed, which makes the next version to upgrade to.",
            try_next="(as root) apt-get install -y rpm; or give the next version with --next FILE",
        ) from None
    if not done.ok:
        raise BuildFailedError(
            "The next version to upgrade to could not be made.",
            why=(done.errors or done.output).strip()[-800:] + ".",
            try_next="give it with --next FILE",
        )
    return done.output
