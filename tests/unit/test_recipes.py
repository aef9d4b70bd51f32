"""The commands that build, as whole snapshots."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from spike import sidecar
from spike.errors import UsageError
from spike.packagers import PACKAGERS, VARIANTS, mode_named, packager_named, variant_named

# The plan's two commands, copied from docs/packaging-spike-plan.md; order of the options aside.
PLAN = {
    "nuitka-onefile": "python -m nuitka sidecar/main.py --onefile --assume-yes-for-downloads "
    "--output-dir=dist/nuitka",
    "pyinstaller-onefile": "pyinstaller sidecar/main.py --onefile --distpath dist/pyinstaller "
    "--name sidecar-hello",
}


@pytest.mark.parametrize("name", PLAN)
def test_the_onefile_commands_are_the_plans_word_for_word(name: str) -> None:
    """For the hello sidecar nothing is added, left out or put elsewhere."""
    variant = VARIANTS[name]
    recipe = variant.packager.recipe(sidecar.load(), variant.mode.name)
    assert list(recipe.argv) == shlex.split(PLAN[name])


def test_the_plans_document_has_these_commands() -> None:
    """The snapshot above is the document's text, so neither can drift."""
    from spike.workspace import ROOT

    text = (ROOT / "docs" / "packaging-spike-plan.md").read_text(encoding="utf-8")
    words = " ".join(text.replace("\\\n", " ").split())
    for command in PLAN.values():
        assert command in words


@pytest.mark.parametrize("name", VARIANTS)
def test_every_recipe_publishes_what_it_names(name: str) -> None:
    """Artifact and folder lie in the published folder, which is the variant's own."""
    variant = VARIANTS[name]
    recipe = variant.packager.recipe(sidecar.load(), variant.mode.name)
    assert recipe.artifact.is_relative_to(recipe.output)
    assert recipe.folder is None or recipe.artifact.is_relative_to(recipe.folder)
    assert variant.folder(sidecar.load()).parts[-2:] == recipe.output.parts


def test_no_two_variants_share_a_folder() -> None:
    """PyInstaller would otherwise put the onedir folder where the onefile program is."""
    folders = [variant.folder(sidecar.load()) for variant in VARIANTS.values()]
    assert len(set(folders)) == len(folders)


def test_unknown_names_list_the_known_ones() -> None:
    """A typing mistake is answered with what there is."""
    with pytest.raises(UsageError, match="nuitka"):
        packager_named("nutika")
    with pytest.raises(UsageError, match="onefile"):
        mode_named(PACKAGERS["nuitka"], "single-file")
    with pytest.raises(UsageError, match="pyinstaller-onedir"):
        variant_named("pyinstaller")


SERVICE_OPTIONS = {
    "pyinstaller-onedir": "--hidden-import=plug_in --collect-all=grpc --copy-metadata=keyring "
    "--add-data sidecar/words.txt:. --add-data sidecar/data:data",
    "nuitka-standalone": "--include-module=plug_in --include-package=grpc "
    "--include-package-data=grpc --include-distribution-metadata=keyring "
    "--include-data-files=sidecar/words.txt=words.txt --include-data-dir=sidecar/data=data",
    "cx_freeze-onedir": "--includes plug_in --packages grpc --no-compress",
}


@pytest.mark.parametrize("name", SERVICE_OPTIONS)
def test_every_packager_is_told_what_the_sidecar_asks_for(name: str, tmp_path: Path) -> None:
    """hidden_imports, collect, metadata and data reach every command line."""
    (tmp_path / "data").mkdir()
    (tmp_path / "words.txt").write_text("")
    service = sidecar.Sidecar(
        folder=tmp_path,
        name="service",
        version="1",
        hidden_imports=("plug_in",),
        collect=("grpc",),
        metadata=("keyring",),
        data=("words.txt", "data"),
    )
    variant = VARIANTS[name]
    recipe = variant.packager.recipe(service, variant.mode.name)
    assert SERVICE_OPTIONS[name] in " ".join(recipe.argv)
    if name.startswith("cx_freeze"):
        (settings,) = recipe.files.values()
        assert '["sidecar/words.txt", "lib/words.txt"]' in settings
        assert '["sidecar/data", "lib/data"]' in settings
        assert "keyring.dist-info" in settings
