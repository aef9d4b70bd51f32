"""Build one packager's variants of a sidecar. Run by the Nox sessions, in the packager's Python.

Each build works in a scratch folder with a copy of the sidecar, so the plan's commands run word
for word, an edit during the build cannot get into half of it, and a killed or failed build leaves
nothing that looks finished: the artifact is moved into ``dist/`` at the end, and its
``build.json`` is written last.

Standard library only: the packager's environment holds the packager alone.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from spike.build import buildinfo, compiling, rewriting, timings, toolchain
from spike.build.failure import FAILURE_NAME, StepFailedError
from spike.build.timings import Compilation, Estimate
from spike.completeness import first_launch, outcome
from spike.completeness.first_launch import FirstLaunch
from spike.core import filelock, jsonfile, logged, process, windows, workspace
from spike.core.errors import BusyError, FirstLaunchError, SpikeError, StorageError, reason
from spike.packagers import Variant, mode_named, modes_alone, packager_named
from spike.packagers.recipe import STAGED, Recipe, Workload, prepare, working_folder
from spike.project import imports, sidecarlock
from spike.project.sidecar import Sidecar, load


def main(arguments: list[str]) -> int:
    """Command line of the Nox sessions: ``python -m spike.build PACKAGER [options]``."""
    os.environ.pop("PYTHONPATH", None)  # it let us be found; the packager must not find us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="nox -s build_<packager> --", allow_abbrev=False)
    parser.add_argument("packager", help=argparse.SUPPRESS)
    parser.add_argument(
        "--mode",
        action="append",
        default=[],
        metavar="NAME",
        help="build this mode only (repeatable)",
    )
    parser.add_argument(
        "--sidecar", default=str(workspace.project() / workspace.HELLO), metavar="DIR"
    )
    parser.add_argument("--force", action="store_true", help="build even when nothing has changed")
    parser.add_argument(
        "--draft",
        action="store_true",
        help="draft an entry of the issue log when the build fails; done unasked for the "
        "project's own sidecar",
    )
    parser.add_argument("--lock", default="", help=argparse.SUPPRESS)
    parser.add_argument(
        "--python",
        metavar="3.X",
        help="package this Python; the session has found it and runs here in it",
    )
    # Its name, where it is not the sidecar's own: that build lies apart.
    parser.add_argument("--apart", default="", help=argparse.SUPPRESS)
    # What invoke fit tries: more in some lists of [tool.sidecar]. Pages are compared then, too.
    parser.add_argument("--trial", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    packager = packager_named(options.packager)
    sidecar = replace(
        load(options.sidecar),
        python_name=options.apart,
        python_asked=options.python if options.apart else "",
    )
    tried = options.trial is not None
    if tried:
        sidecar = sidecar.with_more(options.trial)
    modes = [mode_named(packager, name) for name in options.mode] or modes_alone(packager)
    lock = Path(options.lock) if options.lock else None
    infos = [
        build(
            Variant(packager=packager, mode=mode),
            sidecar,
            lock=lock,
            force=options.force,
            # What is only tried may fail; that is nobody's problem.
            draft=False if tried else options.draft or None,
            walk=tried,
        )
        for mode in modes
    ]
    if failed := [info for info in infos if info.first_launch != buildinfo.READY]:
        names = " and ".join(f"{info.variant} ({info.first_launch})" for info in failed)
        raise FirstLaunchError(
            f"The first launch failed of what was built: {names}.",
            why="Its cause stands above; the artifact is kept, and build.json says so.",
            try_next="change what the cause names and build again",
        )
    return 0


def build(
    variant: Variant,
    sidecar: Sidecar,
    *,
    lock: Path | None = None,
    force: bool = False,
    draft: bool | None = None,
    walk: bool = False,
) -> buildinfo.BuildInfo:
    """Build one variant unless an unchanged build is there already.

    Args:
        variant: What to build.
        sidecar: What to build it from.
        lock: The hashed requirements of this environment; part of the fingerprint.
        force: Build in any case.
        draft: Whether a failure is drafted for the issue log; None for that of the project's own
            sidecar alone.
        walk: Whether the first launch compares the pages of a service with the plain script's.

    Raises:
        MissingToolError: A tool or the packager itself is not there.
        BuildFailedError: A step failed; the message shows which, and the end of the log.
        StorageError: ``dist`` or ``build`` cannot be written.
        BusyError: Another build of the same variant is running.
    """
    imports.check_python(sidecar)
    found_imports = imports.scan(sidecar)
    recipe = variant.packager.recipe(sidecar, variant.mode.name)
    locks = lock_sums(lock, sidecar)
    print_fingerprint = fingerprint(variant, sidecar, recipe, locks)
    target = variant.folder(sidecar)
    if not force:
        unchanged = up_to_date(target, print_fingerprint, sidecar, variant)
        if unchanged is not None:
            _say(f"{variant.id}: up to date ({unchanged.artifact}); --force builds it again")
            if unchanged.first_launch != buildinfo.READY:
                _say(f"{variant.id}: its first launch failed: {unchanged.first_detail}")
            for remark in unchanged.remarks:
                _say(f"{variant.id}: {remark}")
            return unchanged
    toolchain.check_tools(variant.packager)
    provided = imports.provided_modules(sidecar)
    for warning in imports.check(sidecar, found_imports, provided):
        _say(f"warning: {warning}")
    scratch = sidecar.workspace.build / variant.id
    with _exclusive(scratch, variant):
        try:
            return _build(
                variant,
                sidecar,
                recipe,
                print_fingerprint,
                scratch,
                target,
                provided,
                locks=locks,
                walk=walk,
            )
        except StepFailedError as error:
            command = process.shown(recipe.argv, recipe.env)
            version = toolchain.installed_version(variant.packager)
            raise error.told(
                variant, sidecar, scratch, command=command, version=version, draft=draft
            ) from None
        except OSError as error:
            raise StorageError(
                f"{variant.id} could not be built: {reason(error)}.",
                why="Nothing was published.",
                try_next="check the free space and the rights of dist/ and build/",
            ) from None


def _build(
    variant: Variant,
    sidecar: Sidecar,
    recipe: Recipe,
    inputs: str,
    scratch: Path,
    target: Path,
    provided: Mapping[str, str],
    *,
    locks: Mapping[str, str],
    walk: bool,
) -> buildinfo.BuildInfo:
    root = sidecar.workspace.root
    # Both are tried before minutes are spent: dist/ may be read-only where build/ is not.
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(target.parent, os.W_OK):
        raise StorageError(
            f"{target.parent} is not writable.", try_next=f"chmod u+w {target.parent}"
        )
    work = working_folder(sidecar, variant.id)
    if work.exists():
        shutil.rmtree(work)
    prepare(recipe, sidecar, work)
    rewritten = rewriting.fill(sidecar, variant.id, recipe, work, _say)
    log = scratch / buildinfo.LOG_NAME
    compiled = recipe.compiled() if recipe.compiled is not None else None
    if compiled:
        expected = _expected(variant, sidecar, compiled)
        if text := compiling.announcement(compiled, expected):
            _say(f"{variant.id}: {text}")
    with (
        compiling.watched(work / recipe.output, lambda text: _say(f"{variant.id}: {text}"))
        if compiled
        else contextlib.nullcontext()
    ):
        done = logged.run(
            recipe.argv,
            log_path=log,
            env=recipe.env,
            cwd=work,
            path_prefix=str(Path(sys.executable).parent),
            echo=bool(os.environ.get("CI")) or sys.stdout.isatty(),
        )
    step = f"{variant.packager.name} itself"
    if not done.ok:
        raise StepFailedError(step, done)
    artifact = work / recipe.artifact
    if not artifact.is_file():
        raise StepFailedError(f"looking for {recipe.artifact}", done)
    if compiled:
        _remember(variant, sidecar, compiled, done.elapsed_s, log)
    shipped = recipe.shipped(work, recipe)
    for leftover in recipe.discard:
        shutil.rmtree(work / leftover, ignore_errors=True)
    shutil.copy2(log, work / recipe.output / buildinfo.LOG_NAME)
    jsonfile.write(work / recipe.output / buildinfo.PROVIDED_NAME, dict(provided))
    with _out_of_sight(work / STAGED):
        first = first_launch.run(
            sidecar,
            variant=variant.id,
            artifact=artifact,
            folder=work / recipe.folder if recipe.folder else None,
            shipped=shipped,
            provided=provided,
            walk=walk,
        )
    outcome.write(work / recipe.output, first.outcome())
    if first.program.ok and windows.emulator():
        _say(f"{variant.id}: first launch to {sidecar.ready}; under Wine its time is not measured")
    elif first.program.ok:
        _say(f"{variant.id}: first launch {first.program.ready_ms:.1f} ms to {sidecar.ready}")
    else:
        _say(f"{variant.id}: built, but its first launch failed: {first.program.detail}")
    for remark in first.remarks:
        _say(f"{variant.id}: {remark}")
    first = replace(first, remarks=(*rewritten, *first.remarks))
    info = dataclasses.replace(
        _describe(variant, sidecar, recipe, inputs, work, done.elapsed_s, first), locks=locks
    )
    if target.exists():
        shutil.rmtree(target)
    (work / recipe.output).replace(target)
    shutil.rmtree(work, ignore_errors=True)
    (scratch / FAILURE_NAME).unlink(missing_ok=True)
    buildinfo.save(target / buildinfo.FILE_NAME, info)
    figures = f", {info.shipped_bytes / 1e6:.1f} MB, built in {info.elapsed_s:.0f} s"
    _say(f"{variant.id}: {info.artifact}{'' if windows.emulator() else figures}")
    assert target.is_relative_to(root)
    return info


@contextlib.contextmanager
def _out_of_sight(sources: Path) -> Iterator[None]:
    """Have the sources that were packaged lie elsewhere meanwhile, as they do at a user's.

    A program that looks for them there (``inspect.getsource``) would find them here alone.
    """
    aside = sources.with_name(f"{sources.name}-packaged")
    sources.rename(aside)
    try:
        yield
    finally:
        aside.rename(sources)


def _expected(variant: Variant, sidecar: Sidecar, work: Workload) -> Estimate | None:
    """How long a compilation may take, by what this machine or another one needed before."""
    return timings.estimate(
        work,
        sidecar=sidecar.name,
        variant=variant.id,
        own=timings.load(sidecar.workspace.root),
        others=timings.reference(),
        processors=os.cpu_count() or 1,
    )


def _remember(
    variant: Variant, sidecar: Sidecar, work: Workload, elapsed_s: float, log: Path
) -> None:
    """Keep how long a compilation took; under Wine a time says nothing of this machine."""
    if windows.emulator():
        return
    done = Compilation(
        sidecar=sidecar.name,
        variant=variant.id,
        modules=work.modules,
        source_bytes=work.source_bytes,
        processors=os.cpu_count() or 1,
        elapsed_s=round(elapsed_s, 1),
        fresh=timings.is_fresh(log.read_text(encoding="utf-8", errors="replace")),
        built_at=_now(),
    )
    timings.remember(sidecar.workspace.root, done)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _describe(
    variant: Variant,
    sidecar: Sidecar,
    recipe: Recipe,
    inputs: str,
    work: Path,
    elapsed_s: float,
    launched: FirstLaunch,
) -> buildinfo.BuildInfo:
    artifact = work / recipe.artifact
    first = launched.program
    ready_ms = None if windows.emulator() else first.ready_ms
    # What we keep beside an artifact is not part of what ships.
    folder_files = (
        [
            path
            for path in (work / recipe.folder).rglob("*")
            if path.is_file() and not path.is_symlink() and path.name not in buildinfo.OWN_FILES
        ]
        if recipe.folder
        else []
    )
    return buildinfo.BuildInfo(
        argv=recipe.argv,
        env=dict(recipe.env),
        packager=variant.packager.name,
        packager_version=toolchain.installed_version(variant.packager),
        python_version=platform.python_version(),
        platform=workspace.system_name(),
        arch=workspace.arch_name(),
        artifact=recipe.artifact.as_posix(),
        size_bytes=artifact.stat().st_size,
        cold_start_ms=None if ready_ms is None else round(ready_ms, 3),
        first_launch=buildinfo.READY if first.failure is None else first.failure.value,
        first_detail=first.detail,
        remarks=launched.remarks,
        sidecar=sidecar.name,
        sidecar_version=sidecar.version,
        variant=variant.id,
        mode=variant.mode.name,
        target_triple=workspace.target_triple(),
        python_build=" ".join(platform.python_build()) + "; " + platform.python_compiler(),
        python_flavour=toolchain.python_flavour(),
        compiler=toolchain.compiler_version(variant.packager),
        elapsed_s=round(elapsed_s, 2),
        built_at=_now(),
        fingerprint=inputs,
        source_sha256=sidecar.source_sha256(variant.packager.name),
        sha256=buildinfo.file_sha256(artifact),
        folder=recipe.folder.as_posix() if recipe.folder else "",
        folder_bytes=sum(path.stat().st_size for path in folder_files),
        folder_files=len(folder_files),
        log=(recipe.output / buildinfo.LOG_NAME).as_posix(),
    )


def up_to_date(
    target: Path, inputs: str, sidecar: Sidecar, variant: Variant
) -> buildinfo.BuildInfo | None:
    """The build that is there, when it came from the same inputs and is still whole."""
    try:
        info = buildinfo.read(target / buildinfo.FILE_NAME, remedy="")
    except (FileNotFoundError, SpikeError):
        return None  # missing or damaged: it is built again, which is the remedy
    if info.fingerprint != inputs:
        return None
    if buildinfo.artifact_problem(sidecar.workspace.root / info.artifact, info):
        return None
    return info


def lock_sums(lock: Path | None, sidecar: Sidecar) -> dict[str, str]:
    """SHA-256 of what an environment is installed from, by file name.

    Args:
        lock: The packager's hashed requirements; None for an environment without.
        sidecar: Whose own lock counts as well, where it has dependencies.
    """
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in (lock, sidecarlock.check(sidecar))
        if each
    }


def fingerprint(
    variant: Variant, sidecar: Sidecar, recipe: Recipe, locks: Mapping[str, str]
) -> str:
    """SHA-256 over everything that decides what comes out of a build."""
    facts = {
        "variant": variant.id,
        "argv": recipe.argv,
        "env": dict(recipe.env),
        "files": {path.as_posix(): text for path, text in recipe.files.items()},
        "sources": sidecar.source_sha256(variant.packager.name),
        "name": sidecar.name,
        "locks": list(locks.values()),
        **rewriting.facts(sidecar, recipe),
        "packager": toolchain.installed_version(variant.packager),
        "python": sys.version,
        "base": sys.base_prefix,
        "platform": platform.platform(),
        # A change of this tool's own recipe code shows in argv and env.
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def _exclusive(scratch: Path, variant: Variant) -> Iterator[None]:
    """One build of a variant at a time; the system releases the lock of a killed one."""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        handle = os.open(scratch / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(
            f"{scratch} cannot be written: {error.strerror}.",
            try_next=f"check the rights of {scratch.parent}",
        ) from None
    try:
        try:
            filelock.lock(handle)
        except BlockingIOError:
            raise BusyError(
                f"Another build of {variant.id} is running in this checkout.",
                try_next="wait for it to end",
            ) from None
        yield
    finally:
        os.close(handle)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this module is a command line
