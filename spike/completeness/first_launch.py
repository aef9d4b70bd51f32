"""The first launch of a build, beside the plain script: does it come up, and does it have it all?

Both run from throw-away copies, with homes and folders of their own. READY alone does not say that
nothing is missing: so what both write is compared (and, where asked for, what their pages answer),
and what the script has at hand is compared with what shipped (:mod:`spike.completeness.missing`).

Standard library only: it runs in the packager's environment, which has the dependencies as well.
"""

from __future__ import annotations

import math
import re
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from spike.completeness import comparing, crawl, missing, outputs, suspects, used
from spike.completeness.crawl import Page
from spike.completeness.missing import Gap
from spike.completeness.outcome import Outcome
from spike.completeness.used import Notes, Used
from spike.launch import judgement, leftovers, places, restarts
from spike.launch.causes import Diagnosis, SidecarFacts
from spike.launch.diagnosis import diagnose
from spike.launch.facts import facts
from spike.launch.places import Place
from spike.launch.running import Running
from spike.launch.spec import Failure, Launch, LaunchSpec
from spike.packagers.recipe import Shipped
from spike.project import copies, imports
from spike.project.sidecar import Sidecar

NOTED_PATIENCE = 3.0
"""So many times longer than the program the plain script may take to be ready."""

SHOWN_LINES = 3
"""So many different lines of each side are shown."""

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
        remarks: What is worth saying, each a sentence or two.
        gaps: See :class:`spike.completeness.outcome.Outcome`; likewise the others.
        findings: See there.
        differences: See there.
        pages: See there.
    """

    program: Launch
    plain: Launch
    gaps: tuple[Gap, ...]
    remarks: tuple[str, ...]
    differences: tuple[str, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    pages: int = 0

    def outcome(self) -> Outcome:
        """What is kept of it beside the build."""
        return Outcome(
            # An end that is the script's own is nothing that it could be made equal in.
            program_ok=self.program.ok
            or (self.program.came_up and self.program.failure is self.plain.failure),
            program_detail=self.program.detail,
            plain_ok=self.plain.came_up,
            plain_detail=self.plain.detail,
            gaps=self.gaps,
            findings=self.findings,
            differences=self.differences,
            pages=self.pages,
        )


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One launch with what it wrote, its own folders named alike on both sides."""

    launch: Launch
    stdout: tuple[str, ...]
    stderr: tuple[str, ...]
    pages: dict[str, Page] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The program, the plain script, that once more, and what there is to know of them."""

    program: _Run
    plain: _Run
    again: _Run
    known: SidecarFacts
    used: Used


def run(
    sidecar: Sidecar,
    *,
    variant: str,
    artifact: Path,
    folder: Path | None,
    shipped: Shipped,
    provided: Mapping[str, str],
    walk: bool = False,
) -> FirstLaunch:
    """Launch what was built, then the plain script, and compare.

    Args:
        sidecar: What was built.
        variant: The variant's id.
        artifact: The program.
        folder: The folder that ships with it; None for one file.
        shipped: What the packager has put in.
        provided: Top-level module to distribution, of what the sidecar's lock pins.
        walk: Whether to compare the pages of a service as well.

    Raises:
        StorageError: There is no room for the copies.
    """
    seen = _launched(sidecar, artifact, folder, provided, walk=walk)
    program, plain, known = seen.program, seen.plain, seen.known
    found = judgement.finding(program.launch, variant=variant, known=known)
    judged = judgement.explained(program.launch, variant=variant, known=known)
    judged = _beside_plain(sidecar, judged, program, plain)
    gaps = comparing.gaps(
        sidecar, shipped, provided, plain.notes, seen.used, came_up=plain.launch.came_up
    )
    # A onefile's own folder is gone when it ends: there the script shows where it writes.
    remarks = [
        *judgement.remarks(
            program=judged.wrote_program or plain.launch.wrote_program,
            cwd=judged.wrote_cwd or plain.launch.wrote_cwd,
        )
    ]
    lists: Mapping[str, Sequence[str]] = {
        key: getattr(sidecar, key) for key in ("hidden_imports", "data", "metadata", "collect")
    }
    if found and found.key in lists:
        # The same line as the gaps tell: two for one key would contradict each other.
        closing = _closing(found, gaps)
        lists = missing.needed([*gaps, closing], lists)
        line = f"in [tool.sidecar] set {missing.setting(closing.key, lists[closing.key])}"
        judged = replace(judged, detail=judged.detail.replace(found.fix, line))
    remarks += missing.lines(gaps, lists)
    differences: list[str] = []
    findings = [found]
    # What it did not live to say cannot be missed, but what did not ship can.
    if judged.came_up and plain.launch.came_up:
        differences, told, found = _compared(seen, gaps, variant=variant)
        findings.append(found)
        remarks += told
        if not sidecar.smoke and not program.pages and any(not gap.certain for gap in gaps):
            remarks.append(
                "Nothing was asked of the program after READY, so that it was not seen whether it "
                "needs what did not ship: a smoke command would ask"
            )
    is_amiss = bool(differences) or not judged.came_up
    why = suspects.start_again(plain.notes, sidecar) if is_amiss and not shipped.has_python else ""
    said = judged.again or any(restarts.FREEZE_SUPPORT in text for text in differences)
    if why and not said:
        if judged.came_up:
            differences.append(why)
            remarks.append(why)
        else:
            judged = replace(judged, detail=f"{judged.detail}. Besides, {why}")
    is_amiss = bool(differences) or not judged.ok or any(gap.certain for gap in gaps)
    if is_amiss:
        remarks += suspects.remarks(sidecar, seen.used)
    return FirstLaunch(
        program=judged,
        plain=plain.launch,
        gaps=tuple(gaps),
        remarks=tuple(remarks),
        differences=tuple(differences),
        findings=tuple((each.key, each.value) for each in findings if each and each.key),
        pages=sum(page.status > 0 for page in program.pages.values()),
    )


def _launched(
    sidecar: Sidecar,
    artifact: Path,
    folder: Path | None,
    provided: Mapping[str, str],
    *,
    walk: bool,
) -> _Seen:
    """Launch the program, and the plain script with notes of what it uses; see :func:`run`."""
    leftovers.adopt_orphans()
    sources, own_script, startable = copies.startable(sidecar)
    base = sidecar.workspace.build / "places"
    with places.copied(
        base,
        artifact,
        folder=folder,
        sources=sidecar.folder,
        files=sidecar.source_files() if sidecar.smoke else (),
    ) as (place, copy):
        inside = place.program if folder else copy.parent
        known = facts(
            sidecar, program_folder=inside, provided=provided, is_folder=folder is not None
        )
        with places.copied(base, own_script, folder=None, sources=sources, files=startable) as (
            script_place,
            script,
        ):
            program = _program(sidecar, place, copy, walk=walk)
            plain = _plain(sidecar, script_place, script, walk=walk)
            again = plain
            if program.launch.came_up and plain.launch.came_up:
                again = _plain(sidecar, script_place, script, walk=walk)
            used_of_sources = plain.notes.below(script_place.sources)
            if plain.launch.came_up:  # a traceback reads texts, too
                theirs = plain.notes.below(Path(sysconfig.get_path("purelib"))).texts
                known = replace(
                    known,
                    texts=tuple(sorted(used_of_sources.texts)),
                    texts_of=tuple(sorted({path.partition("/")[0] for path in theirs})),
                )
    return _Seen(program=program, plain=plain, again=again, known=known, used=used_of_sources)


def _compared(
    seen: _Seen, gaps: Sequence[Gap], *, variant: str
) -> tuple[list[str], list[str], Diagnosis | None]:
    """In what a program differs that came up as its script did.

    Returns:
        The differences; what is to be said, which leaves out what a gap says; and the mistake that
        is recognised in them.
    """
    plain, program = seen.plain, seen.program
    said, found = _on_stderr(plain, seen.again, program, variant=variant, known=seen.known)
    others = _otherwise(plain, seen.again, program)
    remarks = []
    ended = _end(program)
    if ended == _end(plain) and any("Exception in thread" in line for line in program.stderr):
        told = _LOOKS_IN_CWD if _IN_CWD.search(ended) else "A thread ends in both with {}"
        remarks.append(told.format(ended))
    differences = [*said, *others]
    return differences, [*remarks, *(others if _is_closed(found, gaps) else differences)], found


def _program(sidecar: Sidecar, place: Place, copy: Path, *, walk: bool) -> _Run:
    spec = judgement.spec_of(sidecar, [str(copy)], place=place)
    return _run(sidecar, spec, place, walk=walk)


def _plain(sidecar: Sidecar, place: Place, script: Path, *, walk: bool) -> _Run:
    """Launch the script, with notes of what it uses."""
    path = imports.module_path(sidecar, place.sources).get("PYTHONPATH", "")
    with used.notebook(path) as (env, file):
        spec = judgement.spec_of(sidecar, [sys.executable, str(script)], place=place, env=env)
        # The notes cost time, and nothing is asked of the script but what it uses.
        spec = replace(spec, ready_timeout_s=spec.ready_timeout_s * NOTED_PATIENCE)
        seen = _run(sidecar, spec, place, walk=walk)
        notes = used.read(file)
    if not seen.launch.ok:
        last = judgement.last_words(seen.launch)
        seen = replace(seen, launch=replace(seen.launch, detail=f"{seen.launch.detail}; {last}"))
    return replace(seen, notes=notes)


def _run(sidecar: Sidecar, spec: LaunchSpec, place: Place, *, walk: bool) -> _Run:
    pages: dict[str, Page] = {}
    look = _walker(sidecar, pages) if walk else None
    launch = judgement.judge(spec, place=place, at_ready=look)
    return _Run(
        launch=launch,
        stdout=_alike(launch.stdout_tail, place, spec),
        stderr=_alike(launch.stderr_tail, place, spec),
        pages=pages,
    )


def _walker(sidecar: Sidecar, pages: dict[str, Page]) -> Callable[[Running], None]:
    """What asks a ready service for its pages, while its own output is read on."""

    def look(running: Running) -> None:
        if not (address := _address(sidecar, running.fields())):
            return
        walking = threading.Thread(
            target=lambda: pages.update(crawl.walk(address)), name="walk", daemon=True
        )
        walking.start()
        while walking.is_alive() and not running.exited:
            running.pump(lambda: running.exited or not walking.is_alive(), 0.02)
        walking.join(crawl.ANSWER_TIMEOUT_S)

    return look


def _address(sidecar: Sidecar, fields: Mapping[str, object]) -> str:
    """Where a running service answers; empty when nothing has said it."""
    for known in (sidecar.health, sidecar.ready_url, "http://127.0.0.1:{port}/"):
        try:
            if known:
                return known.format_map(fields)
        except (LookupError, ValueError):
            continue
    return ""


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
        told.append(re.sub(r"<program>[/\\](_internal|lib/app|lib)(?=[/\\]|\b)", "<program>", text))
    return tuple(told)


_LOOKS_IN_CWD = (
    "The plain script looks in its working folder as well, and that is its host's, not its own "
    "({}). Fix: a path that begins at Path(__file__).parent"
)


def _beside_plain(sidecar: Sidecar, judged: Launch, program: _Run, plain: _Run) -> Launch:
    """A failed launch that says when the plain script fails as well: then no packager did it."""
    came_ms = plain.launch.ready_ms or 0.0
    if judged.failure is Failure.READY_TIMEOUT and came_ms > 500 * sidecar.ready_timeout_s:
        return replace(
            judged,
            detail=f"{judged.detail}. The plain script takes {came_ms / 1e3:.1f} s as well. "
            f"Fix: in [tool.sidecar] set ready_timeout_s = {math.ceil(came_ms / 500)}",
        )
    if judged.ok or plain.launch.ok or (plain.launch.came_up and not judged.came_up):
        return judged
    theirs, ours = _end(plain), _end(program)
    if _IN_CWD.search(theirs):
        if " Fix: " in judged.detail:
            return judged  # the program's own output has said it
        told = _LOOKS_IN_CWD.format(theirs)
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


def _on_stderr(
    plain: _Run, again: _Run, program: _Run, *, variant: str, known: SidecarFacts
) -> tuple[list[str], Diagnosis | None]:
    """What only the program says of trouble on stderr, and the mistake that is recognised in it."""
    _, only_program = outputs.differing(plain.stderr, again.stderr, program.stderr)
    # A library's words are not an exception's, but they name the same thing.
    text = "\n".join(
        f"{line}\nModuleNotFoundError: {match[0]}" if (match := _missing(line)) else line
        for line in only_program
    )
    found = diagnose(stderr=text, variant=variant, facts=known)
    if found is not None:
        return [f"only the program says so on stderr: {found}"], found
    if not any(_TROUBLE.search(line) for line in only_program):
        return [], None
    troubles = _shown(_troubles(only_program))
    remedy = f": {restarts.FREEZE_SUPPORT}" if _OF_A_CHILD.search(troubles) else ""
    return [f"only the program writes to stderr: {troubles}{remedy}"], None


def _otherwise(plain: _Run, again: _Run, program: _Run) -> list[str]:
    """What both have written to stdout and answered, as far as it differs."""
    told = []
    only_plain, only_program = outputs.differing(plain.stdout, again.stdout, program.stdout)
    if only_plain or only_program:
        told.append(
            f"the plain script writes {_shown(only_plain)} where the program writes "
            f"{_shown(only_program)}"
        )
    if pages := crawl.differences(plain.pages, again.pages, program.pages):
        told.append(crawl.shown(pages))
    return told


def _closing(found: Diagnosis, gaps: Sequence[Gap]) -> Gap:
    """The gap that closes what a failure asks for; one of its own where none is told."""
    told = (gap for gap in gaps if gap.key and gap.certain and _is_closed(found, [gap]))
    own = Gap(key=found.key, values=(found.value,), what=found.message, certain=True)
    return next(told, own)


def _is_closed(found: Diagnosis | None, gaps: Sequence[Gap]) -> bool:
    """Whether a gap that is told says the same as a finding, of a whole or of a part of it."""

    def in_it(part: str, whole: str) -> bool:
        return part == whole or part.startswith((f"{whole}.", f"{whole}/"))

    closed = {value for gap in gaps for value in gap.values}
    return found is not None and any(
        in_it(each, found.value) or in_it(found.value, each) for each in closed
    )


def _troubles(lines: Sequence[str]) -> Sequence[str]:
    """What ends the last traceback, where there is one; else the lines that speak of trouble."""
    exceptions = [line for line in lines if re.match(r"[A-Za-z_][\w.]*(Error|Exception)\b", line)]
    return exceptions[-1:] or [line for line in lines if _TROUBLE.search(line)]


def _missing(line: str) -> re.Match[str] | None:
    return re.search(r"No module named '[\w.]+'", line)


def _shown(lines: Sequence[str]) -> str:
    return " / ".join(repr(line[:200]) for line in lines[:SHOWN_LINES]) or "nothing"
