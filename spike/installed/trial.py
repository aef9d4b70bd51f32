"""A proof from outside: packages are read, the root's part is started, its answer taken in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from spike.core import jsonfile, process
from spike.core.errors import SpikeError, UsageError
from spike.core.workspace import tool_environment
from spike.installed import inside, nsis, packing, root
from spike.installed import package as packages
from spike.installed.package import Package
from spike.installed.request import Request, Terms, Version
from spike.installed.rows import Finding, Report, Row, Verdict
from spike.launch.places import remove_tree


def run(
    file: Path, then: Path | None, terms: Terms, hook: Path | None, say: Callable[[str], None]
) -> Report:
    """Prove a package.

    Args:
        file: The package.
        then: The next version; None to make it from the package.
        terms: How it is judged.
        hook: Where to keep the NSIS hook; None not to.
        say: Told what is being done.

    Raises:
        UsageError: A file is no package that can be proved.
        MissingToolError: A tool is missing, or namespaces are not allowed.
        SpikeError: The root cannot be made.
    """
    packages.kind_of(file)
    as_root = root.privileged()
    root.check(as_root=as_root, network=terms.network)
    with _scratch() as scratch:
        first = packages.read(file, scratch / "first")
        if then is None:
            say("making the next version of it")
        second_file = then or packing.next_version(first, scratch / "made")
        second = packages.read(second_file, scratch / "second")
        _same_application(first, second)
        asked = _request(first, second, terms, scratch, as_root=as_root)
        answer = _ask(asked, scratch)
        findings = tuple(Finding(**_finding(each)) for each in answer["findings"])
        return Report(
            package=file.name,
            name=first.name,
            version=first.version,
            next_version=second.version,
            next_made=then is None,
            root=answer["root"],
            main=first.main,
            sidecars=first.sidecars,
            data_folders=tuple(answer["data_folders"]),
            findings=(*findings, *_elsewhere(first, scratch, hook)),
        )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="spike-installed-"))
    try:
        yield folder
    finally:
        remove_tree(folder)


def _same_application(first: Package, second: Package) -> None:
    if first.name != second.name or first.kind != second.kind:
        raise UsageError(
            f"{second.file.name} is no next version of {first.file.name}.",
            why=f"It is {second.name} ({second.kind}), and not {first.name} ({first.kind}).",
            try_next="leave out --next: the next version is made from the package",
        )
    if first.version == second.version:
        raise UsageError(
            f"{second.file.name} is no next version: both are {first.version}.",
            try_next="raise version in tauri.conf.json, or leave out --next",
        )


def _request(
    first: Package, second: Package, terms: Terms, scratch: Path, *, as_root: bool
) -> Request:
    """The request, with both package files where the root finds them."""
    shelf = scratch / "packages"
    shelf.mkdir()
    versions = []
    for package, name in ((first, f"first.{first.kind}"), (second, f"next.{second.kind}")):
        shutil.copyfile(package.file, shelf / name)
        versions.append(
            Version(
                file=name,
                version=package.version,
                files=package.files,
                hashes=package.hashes,
                command=package.entry.command,
                main=package.main,
                sidecars=package.sidecars,
            )
        )
    base = scratch / "base"
    base.mkdir()
    import dataclasses

    return Request(
        base=str(base),
        packages=str(shelf),
        privileged=as_root,
        kind=first.kind,
        name=first.name,
        first=versions[0],
        then=versions[1],
        now=versions[0],
        terms=dataclasses.replace(terms, health=terms.health or first.health),
    )


def _ask(asked: Request, scratch: Path) -> dict[str, Any]:
    """Start the part inside and wait for its answer.

    Raises:
        SpikeError: There is none, or it says what went wrong.
    """
    place = scratch / "request.json"
    place.write_text(json.dumps(asked.as_json()), encoding="utf-8")
    words = root.command(as_root=asked.privileged, network=asked.terms.network)
    child = process.spawn(
        [*words, sys.executable, "-m", "spike.installed.inside", str(place)],
        env={**os.environ, **tool_environment(), "PATH": root.tools()},
        stdin=subprocess.DEVNULL,
        stdout=2,  # what it says is no part of a report
        stderr=2,
    )
    try:
        code = child.wait()
    except BaseException:
        # unshare takes the whole process namespace with it.
        process.end_group(child)
        raise
    try:
        answer = jsonfile.read(place.with_name(inside.ANSWER), schema=inside.SCHEMA, remedy="")
    except FileNotFoundError:
        raise SpikeError(
            f"The proof ended without an answer, with exit code {code}.",
            why="What it said stands above.",
            try_next="run the command again; with --timeout where this machine is slow",
        ) from None
    error = answer["error"]
    if error:
        raise SpikeError(error["what"], why=error["why"], try_next=error["try_next"])
    return answer


def _finding(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "row": Row(document["row"]),
        "verdict": Verdict(document["verdict"]),
        "detail": document["detail"],
        "left": tuple(document["left"]),
        "log": tuple(document["log"]),
    }


def _elsewhere(first: Package, scratch: Path, hook: Path | None) -> tuple[Finding, ...]:
    """The rows that need tools which are not had here, and the one that can be checked."""
    return (
        Finding(
            row=Row.APPIMAGE,
            verdict=Verdict.NOT_RUN,
            detail="the tools that make one come from no package registry",
        ),
        nsis.prove(first, scratch / "nsis", hook),
        Finding(row=Row.NSIS, verdict=Verdict.NOT_RUN, detail="needs Windows"),
    )
