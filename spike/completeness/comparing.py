"""What a sidecar and its dependencies have, against what shipped of it: all gaps of a build.

Standard library only, as the first launch is.
"""

from __future__ import annotations

import importlib.metadata
import re
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from spike.completeness import missing, parts, standard, used
from spike.completeness.missing import Gap
from spike.completeness.used import Notes, Used
from spike.packagers.recipe import Shipped
from spike.project import imports, sidecarlock
from spike.project.sidecar import Sidecar
from spike.project.specifiers import normal_name


def gaps(
    sidecar: Sidecar,
    shipped: Shipped,
    provided: Mapping[str, str],
    notes: Notes,
    of_sources: Used,
    *,
    came_up: bool,
) -> list[Gap]:
    """What the script has used, or may use, and did not ship.

    Args:
        sidecar: What was built.
        shipped: What the packager has put in.
        provided: Top-level module to distribution, of what the sidecar's lock pins.
        notes: What the plain script has used.
        of_sources: That, as far as it lies in the sidecar's folder.
        came_up: Whether the plain script was ready: a traceback loads modules, too.
    """
    own = parts.own_parts(
        [path.as_posix() for path in sidecarlock.own_files(sidecar)],
        entry=sidecar.entry,
        not_data=(*sidecar.smoke, sidecar.entry_file),
        roots=imports.import_roots(sidecar),
        shipped=shipped.modules,
    )
    names = {normal_name(each) for each in provided.values()}
    found = {normal_name(each.name): each for each in importlib.metadata.distributions()}
    installed = {name: found[name] for name in sorted(names & set(found))}
    own_code = (sidecar.folder / path for path in own.modules.values())
    code = {*notes.modules, *map(str, own_code), str(sidecar.folder / sidecar.entry_file)}
    sought = used.named(code, {group for each in installed.values() for group in _groups(each)})
    dependencies = {
        name: parts.distribution_parts(
            (path.as_posix() for path in each.files or ()), has_plugins=bool(_groups(each) & sought)
        )
        for name, each in installed.items()
    }
    found_gaps = missing.own_gaps(
        parts.without(own, sidecar.exclude),
        parts.without_dependencies(shipped, dependencies.values()),
        of_sources,
    )
    texts = imports.dotted_texts(sidecar)
    named = {
        normal_name(re.split(r"[^A-Za-z0-9._-]", text.strip(), maxsplit=1)[0])
        for text in sidecar.dependencies
    }
    sites = [notes.below(Path(sysconfig.get_path(kind))) for kind in ("purelib", "platlib")]
    theirs = Used(
        modules=sites[0].modules | sites[1].modules,
        files=sites[0].files | sites[1].files,
        folders=sites[0].folders | sites[1].folders,
    )
    for name, installed_parts in dependencies.items():
        has = parts.without(installed_parts, sidecar.exclude)
        found_gaps += missing.distribution_gaps(name, has, shipped, theirs, direct=name in named)
        found_gaps += missing.named_gaps(texts, has, shipped, found_gaps)
    needs_modules = any(gap.certain and gap.key in missing.MODULES for gap in found_gaps)
    coming = notes.modules if needs_modules else ()
    if came_up:
        found_gaps += standard.gaps(notes, standard.bare(), shipped, sidecar.exclude, coming)
    return missing.one_way(found_gaps)


def _groups(distribution: importlib.metadata.Distribution) -> set[str]:
    """What kinds of plugins a distribution offers; commands are none."""
    groups = {point.group for point in distribution.entry_points}
    return groups - {"console_scripts", "gui_scripts"}
