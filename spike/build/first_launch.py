"""The first launch of a build, beside the plain script: does it come up, and does it have it all?

Both run from throw-away copies, with homes and folders of their own. READY alone does not say that
nothing is missing: so what both write is compared, and what the script has at hand is compared
with what shipped (:mod:`spike.build.completeness`).

Standard library only: it runs in the packager's environment, which has the dependencies as well.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spike.build import advice, completeness
from spike.build.completeness import Gap
from spike.launch import judgement, leftovers, places, restarts
from spike.launch.diagnosis import SidecarFacts, diagnose
from spike.launch.places import Place
from spike.launch.spec import Failure, Launch, LaunchSpec
from spike.packagers.recipe import Shipped
from spike.project import imports
from spike.project.sidecar import Sidecar
from spike.project.specifiers import normal_name

SHOWN_LINES = 3
"""So many different lines of each side are shown."""

_HAS_SHELL = sys.platform != "win32"
_LEFT = (Failure.LEFT_PROCESSES, Failure.LEFT_FILES)
_UNPACKED = re.compile(r"<tmp>[/\\](?:_MEI\w+|onefile_\w+)")
_OF_A_CHILD = re.compile(r"Can't get attribute .* on <module '__main__")
"""What a child of multiprocessing says that has imported the main script too early."""
_IN_CWD = re.compile(r"<cwd>[/\\]|No such file or directory: ['\"](?![/<]|[A-Za-z]:)")
"""An exception that names a file in the working folder, or relative to it."""
_TROUBLE = re.compile(r"\b(error|warning|exception|traceback|no module|not found)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class FirstLaunch:
    """What the first launch has shown.

    Attributes:
        program: The launch of what was built.
        plain: The launch of the plain script.
        gaps: What the script has and the program has not.
        remarks: What is worth saying, each a sentence or two.
    """

    program: Launch
    plain: Launch
    gaps: tuple[Gap, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One launch with all that it wrote, its own folders named alike on both sides."""

    launch: Launch
    stdout: tuple[str, ...]
    stderr: tuple[str, ...]
    loaded: frozenset[str] = frozenset()


def run(
    sidecar: Sidecar,
    *,
    variant: str,
    artifact: Path,
    folder: Path | None,
    shipped: Shipped,
    provided: Mapping[str, str],
) -> FirstLaunch:
    """Launch what was built, then the plain script, and compare.

    Args:
        sidecar: What was built.
        variant: The variant's id.
        artifact: The program.
        folder: The folder that ships with it; None for one file.
        shipped: What the packager has put in.
        provided: Top-level module to distribution, of what the sidecar's lock pins.

    Raises:
        StorageError: There is no room for the copies.
    """
    leftovers.adopt_orphans()
    sources, own_script = sidecar.startable()
    files = sidecar.source_files()
    base = sidecar.workspace.build / "places"
    with places.copied(
        base,
        artifact,
        folder=folder,
        sources=sidecar.folder,
        files=files if sidecar.smoke else (),
    ) as (place, copy):
        inside = place.program if folder else copy.parent
        known = advice.facts(
            sidecar, program_folder=inside, provided=provided, is_folder=folder is not None
        )
        program = _program(sidecar, place, copy)
        with places.copied(
            base,
            own_script,
            folder=None,
            sources=sources,
            files=[*files, *([Path(sidecar.entry)] if sidecar.module else [])],
        ) as (script_place, script):
            plain = _plain(sidecar, script_place, script)
            again = _plain(sidecar, script_place, script) if plain.launch.ok else plain
    judged = judgement.explained(program.launch, variant=variant, known=known)
    judged = _beside_plain(judged, program, plain)
    if not (judged.ok and plain.launch.ok):
        # What it did not live to say cannot be missed, but what did not ship can.
        again = plain
    gaps = _gaps(sidecar, shipped, plain.loaded, provided)
    # A onefile's own folder is gone when it ends: there the script shows where it writes.
    remarks = [
        *judgement.remarks(
            program=judged.wrote_program or plain.launch.wrote_program,
            cwd=judged.wrote_cwd or plain.launch.wrote_cwd,
        )
    ]
    present = {
        key: getattr(sidecar, key) for key in ("hidden_imports", "data", "metadata", "collect")
    }
    remarks += completeness.lines(gaps, present)
    if judged.ok and plain.launch.ok:
        remarks += _differences(plain, again, program, variant=variant, known=known, gaps=gaps)
        if not sidecar.smoke and any(not gap.certain for gap in gaps):
            remarks.append(
                "Nothing was asked of the program after READY, so that it was not seen whether it "
                "needs what did not ship: a smoke command would ask"
            )
    return FirstLaunch(program=judged, plain=plain.launch, gaps=tuple(gaps), remarks=tuple(remarks))


def _program(sidecar: Sidecar, place: Place, copy: Path) -> _Run:
    spec = judgement.spec_of(sidecar, [str(copy)], place=place)
    launch = judgement.judge(spec, place=place)
    return _Run(
        launch=launch,
        stdout=_alike(launch.stdout_tail, place, spec),
        stderr=_alike(launch.stderr_tail, place, spec),
    )


def _plain(sidecar: Sidecar, place: Place, script: Path) -> _Run:
    """Launch the script with a list of what it imports, which Python writes to stderr."""
    with tempfile.TemporaryDirectory(prefix="spike-plain-") as name:
        errors = Path(name) / "stderr"
        # A launch keeps the end of a stream; here all of it is wanted. The shell is gone by exec.
        shell = ("/bin/sh", "-c", 'exec "$@" 2> "$0"', str(errors)) if _HAS_SHELL else ()
        listed = sidecar.ready_stream == "stdout"  # otherwise stderr is what is waited for
        command = [*shell, sys.executable, "-q", "-v"] if listed else [sys.executable]
        argv = [*command, str(script)]
        spec = judgement.spec_of(
            sidecar, argv, place=place, env=imports.module_path(sidecar, place.sources)
        )
        if listed and not _HAS_SHELL:
            spec = replace(spec, stderr_file=errors)
        launch = judgement.judge(spec, place=place)
        try:
            said = errors.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            said = list(launch.stderr_tail)
    loaded, rest = completeness.loaded_modules(said)
    launch = replace(launch, stderr_tail=rest[-20:])
    if not launch.ok:
        launch = replace(launch, detail=f"{launch.detail}; {judgement.last_words(launch)}")
    return _Run(
        launch=launch,
        stdout=_alike(launch.stdout_tail, place, spec),
        stderr=_alike(rest, place, spec),
        loaded=loaded,
    )


def _alike(lines: Sequence[str], place: Place, spec: LaunchSpec) -> tuple[str, ...]:
    """Lines with the places of this launch named in one way."""
    names = [
        (str(spec.cwd), "<cwd>"),
        (str(place.program), "<program>"),
        (str(place.home), "<home>"),
    ]
    told = []
    for line in lines:
        text = line
        for path, name in names:
            text = text.replace(path, name)
        text = re.sub(re.escape(tempfile.gettempdir()) + r"[/\\]spike-launch-\w+", "<tmp>", text)
        text = _UNPACKED.sub("<program>", text)
        told.append(re.sub(r"<program>[/\\](_internal|lib)(?=[/\\]|\b)", "<program>", text))
    return tuple(told)


def _beside_plain(judged: Launch, program: _Run, plain: _Run) -> Launch:
    """A failed launch that says when the plain script fails as well: then no packager did it."""
    if judged.ok or plain.launch.ok:
        return judged
    theirs, ours = _end(plain), _end(program)
    if _IN_CWD.search(theirs):
        if " Fix: " in judged.detail:
            return judged  # the program's own output has said it
        told = (
            "The plain script looks in its working folder as well, and that is its host's, not its "
            f"own ({theirs}). Fix: a path that begins at Path(__file__).parent"
        )
    elif plain.launch.failure is not judged.failure or theirs != ours:
        told = f"The plain script fails as well: {plain.launch.detail}"
    elif judged.failure in _LEFT:
        told = "No fault of the packager: the plain script leaves the same behind"
    else:
        told = "No fault of the packager: the plain script fails in the same way"
    return replace(judged, detail=f"{judged.detail}. {told}")


def _end(run: _Run) -> str:
    """The exception that a program ended with; empty when it wrote none."""
    ends = [line for line in run.stderr if re.match(r"[A-Za-z_][\w.]*(Error|Exception)\b", line)]
    return ends[-1] if ends else ""


def _gaps(
    sidecar: Sidecar, shipped: Shipped, loaded: frozenset[str], provided: Mapping[str, str]
) -> list[Gap]:
    own = completeness.own_parts(
        [path.as_posix() for path in sidecar.source_files()],
        entry=sidecar.entry,
        not_data=(*sidecar.smoke, sidecar.entry_file),
        roots=imports.import_roots(sidecar),
    )
    gaps = completeness.own_gaps(own, shipped, loaded)
    named = {
        normal_name(re.split(r"[^A-Za-z0-9._-]", text.strip(), maxsplit=1)[0])
        for text in sidecar.dependencies
    }
    for name in sorted({normal_name(each) for each in provided.values()}):
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        has = completeness.distribution_parts(path.as_posix() for path in files)
        gaps += completeness.distribution_gaps(name, has, shipped, loaded, direct=name in named)
    return gaps


def _differences(
    plain: _Run,
    again: _Run,
    program: _Run,
    *,
    variant: str,
    known: SidecarFacts,
    gaps: Sequence[Gap],
) -> list[str]:
    """What both have written, as far as it differs."""
    told = []
    closed = {value for gap in gaps for value in gap.values}
    only_plain, only_program = completeness.differing(plain.stderr, again.stderr, program.stderr)
    # A library's words are not an exception's, but they name the same thing.
    text = "\n".join(
        f"{line}\nModuleNotFoundError: {match[0]}" if (match := _missing(line)) else line
        for line in only_program
    )
    found = diagnose(stderr=text, variant=variant, facts=known)
    below = found is not None and any(f"{each}.".startswith(f"{found.value}.") for each in closed)
    if found is not None and not below:
        told.append(f"only the program says so on stderr: {found}")
    elif found is None and any(_TROUBLE.search(line) for line in only_program):
        troubles = _shown(_troubles(only_program))
        remedy = f": {restarts.FREEZE_SUPPORT}" if _OF_A_CHILD.search(troubles) else ""
        told.append(f"only the program writes to stderr: {troubles}{remedy}")
    only_plain, only_program = completeness.differing(plain.stdout, again.stdout, program.stdout)
    if only_plain or only_program:
        told.append(
            f"the plain script writes {_shown(only_plain)} where the program writes "
            f"{_shown(only_program)}"
        )
    return told


def _troubles(lines: Sequence[str]) -> Sequence[str]:
    """What ends the last traceback, where there is one; else the lines that speak of trouble."""
    exceptions = [line for line in lines if re.match(r"[A-Za-z_][\w.]*(Error|Exception)\b", line)]
    return exceptions[-1:] or [line for line in lines if _TROUBLE.search(line)]


def _missing(line: str) -> re.Match[str] | None:
    return re.search(r"No module named '[\w.]+'", line)


def _shown(lines: Sequence[str]) -> str:
    return " / ".join(repr(line[:200]) for line in lines[:SHOWN_LINES]) or "nothing"
