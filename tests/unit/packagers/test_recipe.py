"""The commands that build, as whole snapshots."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spike.core import windows
from spike.core.errors import UnsuitableError, UsageError
from spike.core.workspace import TOOL
from spike.packagers import (
    DEFAULT_VARIANTS,
    PACKAGERS,
    VARIANTS,
    mode_named,
    packager_named,
    variant_named,
)
from spike.packagers import nuitka as nuitka_module
from spike.packagers.analysis import module_graph
from spike.packagers.recipe import OVERLAY, Recipe
from spike.project import sidecar

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
    from spike.core.workspace import TOOL as ROOT

    text = (ROOT / "docs" / "packaging-spike-plan.md").read_text(encoding="utf-8")
    words = " ".join(text.replace("\\\n", " ").split())
    for command in PLAN.values():
        assert command in words


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "pyinstaller-spec"])
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


def test_modules_that_a_program_looks_for_by_file_lie_beside_it(tmp_path: Path) -> None:
    """In an archive of cx_Freeze a search below ``__file__`` finds no module of a package."""
    (tmp_path / "addons").mkdir()
    service = sidecar.Sidecar(folder=tmp_path, name="service", version="1", collect=("grpc",))
    packager = PACKAGERS["cx_freeze"]
    assert "--no-compress" not in packager.recipe(service, "onedir").argv
    own = dataclasses.replace(service, collect=("addons",))
    assert "--no-compress" in packager.recipe(own, "onedir").argv


# The modes beyond the plan's, as they are run; what depends on the interpreter stands as "...".
EXTRA = {
    "nuitka-single": "python -m nuitka sidecar/main.py --standalone --assume-yes-for-downloads "
    "--output-dir=dist/nuitka-single --static-libpython=yes --user-plugin=start_up.py",
    "nuitka-lean": "CFLAGS=-fno-pie LDFLAGS='-no-pie -static' "
    "python -m nuitka sidecar/main.py --standalone --assume-yes-for-downloads "
    "--output-dir=dist/nuitka-lean --static-libpython=yes --user-plugin=start_up.py --lto=yes",
    "nuitka-standalone-lean": "CFLAGS=-fno-pie LDFLAGS=-no-pie "
    "python -m nuitka sidecar/main.py --standalone --assume-yes-for-downloads "
    "--output-dir=dist/nuitka-standalone-lean --static-libpython=yes --user-plugin=start_up.py",
    "nuitka-cached": "python -m nuitka sidecar/main.py --onefile --assume-yes-for-downloads "
    "--output-dir=dist/nuitka-cached "
    "--onefile-tempdir-spec={CACHE_DIR}/sidecar-hello/0.1.0-... --onefile-as-archive",
    "pyinstaller-onefile-lean": "PYTHONHASHSEED=0 PYINSTALLER_CONFIG_DIR=pyinstaller-cache "
    "PYINSTALLER_ZLIB_COMPRESSION_LEVEL=0 pyinstaller sidecar/main.py --onefile "
    "--distpath dist/pyinstaller-onefile-lean --name sidecar-hello --strip --exclude-module=...",
    "pyinstaller-onedir-lean": "PYTHONHASHSEED=0 PYINSTALLER_CONFIG_DIR=pyinstaller-cache "
    "PYINSTALLER_ZLIB_COMPRESSION_LEVEL=0 pyinstaller sidecar/main.py --onedir "
    "--distpath dist/pyinstaller-onedir-lean --name sidecar-hello --strip --exclude-module=...",
    "pyinstaller-onedir-fast": "PYTHONHASHSEED=0 PYINSTALLER_CONFIG_DIR=pyinstaller-cache "
    "PYTHONPATH=overlay:sidecar PYINSTALLER_ZLIB_COMPRESSION_LEVEL=0 pyinstaller sidecar/main.py "
    "--onedir --distpath dist/pyinstaller-onedir-fast --name sidecar-hello",
    "pyinstaller-onefile-fast": "PYTHONHASHSEED=0 PYINSTALLER_CONFIG_DIR=pyinstaller-cache "
    "PYTHONPATH=overlay:sidecar PYINSTALLER_ZLIB_COMPRESSION_LEVEL=0 pyinstaller sidecar/main.py "
    "--onefile --distpath dist/pyinstaller-onefile-fast --name sidecar-hello",
    "cx_freeze-onedir-fast": "PYTHONHASHSEED=0 cxfreeze build_exe "
    "--script sidecar/main.py --target-name sidecar-hello --build-exe dist/cx_freeze-onedir-fast "
    "--no-compress",
    "nuitka-onefile-fast": "PYTHONPATH=overlay python -m nuitka sidecar/main.py --onefile "
    "--assume-yes-for-downloads --output-dir=dist/nuitka-onefile-fast",
    "nuitka-standalone-fast": "PYTHONPATH=overlay python -m nuitka sidecar/main.py --standalone "
    "--assume-yes-for-downloads --output-dir=dist/nuitka-standalone-fast",
}
linux = pytest.mark.skipif(sys.platform != "linux", reason="these recipes are for Linux")


def recipe_of(name: str, **changes: object) -> Recipe:
    variant = VARIANTS[name]
    what = dataclasses.replace(sidecar.load(), **changes)  # type: ignore[arg-type]
    return variant.packager.recipe(what, variant.mode.name)


def test_a_build_without_mode_makes_the_plans_two_and_no_more() -> None:
    """The others are made when they are asked for."""
    expected = (
        *("nuitka-onefile", "nuitka-standalone"),
        *("pyinstaller-onefile", "pyinstaller-onedir", "cx_freeze-onedir"),
    )
    ours = {name.partition("-")[0] for name in expected}
    defaults = [name for name in DEFAULT_VARIANTS if name.partition("-")[0] in ours]
    assert defaults == list(expected)
    known = {*expected, *EXTRA, "pyinstaller-spec"}  # the last one is what its author says
    assert {name for name in VARIANTS if name.partition("-")[0] in ours} == known


@linux
@pytest.mark.parametrize("name", EXTRA)
def test_the_extra_modes_commands(name: str) -> None:
    """Whole snapshots, environment included."""
    recipe = recipe_of(name)
    digest = sidecar.load().source_sha256()[:12]
    words = [f"{key}={value}" for key, value in recipe.env.items()]
    for word in recipe.argv:
        short = word.replace(digest, "...")
        if short.startswith("--exclude-module="):
            short = "--exclude-module=..."
        if short not in words:
            words.append(short)
    assert words == shlex.split(EXTRA[name])


FAST = (
    *("cpython-folder", "cx_freeze-onedir", "pyinstaller-onedir", "pyinstaller-onefile"),
    *("nuitka-onefile", "nuitka-standalone"),
)


@linux
@pytest.mark.parametrize("name", FAST)
def test_a_fast_mode_is_the_plain_one_with_rewritten_libraries_in_front(name: str) -> None:
    """By the mode or by the sidecar's key; without either nothing is rewritten."""
    plain, fast = recipe_of(name), recipe_of(f"{name}-fast")
    asked = recipe_of(name, fast_start=True)
    assert (plain.overlay, fast.overlay, asked.overlay) == (None, OVERLAY, OVERLAY)
    assert asked.output == plain.output
    assert [word for word in asked.argv if word != "--no-compress"] == list(plain.argv)
    places = (fast.output.as_posix(), plain.output.as_posix())
    assert [word.replace(*places) for word in fast.argv] == list(asked.argv)
    if "PYTHONPATH" in fast.env:
        assert fast.env["PYTHONPATH"].split(os.pathsep)[0] == "overlay"


@pytest.mark.parametrize(("mode", "first"), [("onedir", []), ("onedir-fast", ["overlay"])])
def test_cx_freeze_never_imports_the_programs_modules_for_its_own(
    mode: str, first: list[str]
) -> None:
    """It is told where they lie; on PYTHONPATH a project's ``packaging/`` would replace its own."""
    recipe = recipe_of(f"cx_freeze-{mode}")
    assert "PYTHONPATH" not in recipe.env
    settings = tomllib.loads(recipe.files[Path("pyproject.toml")])["tool"]["cxfreeze"]["build_exe"]
    own = [*first, "sidecar"]
    assert settings["path"][: len(own)] == own
    assert set(settings["path"][len(own) :]) <= set(sys.path)
    assert str(TOOL) not in settings["path"]


@linux
def test_modes_that_cannot_take_rewritten_libraries_are_as_they_were() -> None:
    """Whatever the sidecar asks for; the build says so."""
    known = {name for name in VARIANTS if name in FAST or name.endswith("-fast")}
    known |= {"pyinstaller-spec"}  # needs a file of the author's
    known |= {"nuitka-cached"}  # onefile, unpacked elsewhere
    for name in VARIANTS.keys() - known:
        assert recipe_of(name, fast_start=True).overlay is None, name


@linux
def test_glibc_is_linked_in_only_where_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """There has to be an archive of it, and the program must not look up hosts."""
    monkeypatch.setattr(nuitka_module, "_has_static_libc", lambda: False)
    assert recipe_of("nuitka-lean").env["LDFLAGS"] == "-no-pie"
    monkeypatch.setattr(nuitka_module, "_has_static_libc", lambda: True)
    assert recipe_of("nuitka-lean").env["LDFLAGS"] == "-no-pie -static"
    monkeypatch.setattr(module_graph, "of", with_socket(module_graph.of))
    assert recipe_of("nuitka-lean").env["LDFLAGS"] == "-no-pie"


@linux
def test_only_gcc_is_asked_to_optimise_at_link_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """For clang it takes a linker plugin that may not be there."""
    monkeypatch.setenv("CC", "/usr/bin/clang-14")
    assert "--lto=yes" not in recipe_of("nuitka-lean").argv
    monkeypatch.setenv("CC", "/usr/bin/gcc-12")
    assert "--lto=yes" in recipe_of("nuitka-lean").argv


def test_under_wine_nuitka_is_told_of_the_compiler_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever it compiles, and without a word in a sidecar's settings, which results name."""
    monkeypatch.setattr(windows, "emulator", lambda: "wine 8.0")
    for name in ("nuitka-onefile", "nuitka-standalone"):
        assert "--mingw64" in recipe_of(name).argv
    monkeypatch.setattr(windows, "emulator", lambda: "")
    assert "--mingw64" not in recipe_of("nuitka-onefile").argv


def with_socket(follow: Callable[..., module_graph.Reach]) -> Callable[..., module_graph.Reach]:
    """What a program reaches, and the built-in module that Debian's Python has for sockets."""

    def followed(*arguments: Any, **named: Any) -> module_graph.Reach:
        found = follow(*arguments, **named)
        module = dataclasses.replace(found.modules["sys"], name="_socket")
        return dataclasses.replace(found, modules={**found.modules, "_socket": module})

    return followed


def test_every_mode_beyond_the_plans_states_its_price() -> None:
    """Nothing is faster for nothing."""
    for name in EXTRA:
        assert VARIANTS[name].mode.price.endswith("."), name


@linux
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there typing reaches inspect")
def test_the_lean_program_gets_what_the_program_reaches() -> None:
    """The plugin's settings: no inspect, no subprocess; ready-made modules are not shipped."""
    settings = json.loads(recipe_of("nuitka-lean").files[Path("start_up.json")])
    assert settings["lazy_inspect"]
    assert settings["single"]
    assert set(settings["frozen"]) <= set(nuitka_module.FROZEN)
    assert "enum" in settings["reached"]
    assert not {"inspect", "subprocess"} & set(settings["reached"])
    single = json.loads(recipe_of("nuitka-single").files[Path("start_up.json")])
    assert not single["lazy_inspect"]
    assert "inspect" in single["reached"]


@linux
@pytest.mark.parametrize("mode", ["single", "lean"])
def test_what_cannot_be_one_file_is_refused_by_name(tmp_path: Path, mode: str) -> None:
    """A module in a file of its own, or a data file: the message names it and another mode."""
    (tmp_path / "main.py").write_text("import ctypes\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n')
    packager = PACKAGERS["nuitka"]
    with pytest.raises(UnsuitableError, match=r"needs the module '_ctypes'.*imported by ctypes"):
        packager.recipe(sidecar.load(tmp_path), mode)
    assert packager.recipe(sidecar.load(tmp_path), "standalone-lean").folder is not None
    with pytest.raises(UnsuitableError, match=r"ships 'pyproject.toml'.*--mode standalone"):
        recipe_of(f"nuitka-{mode}", data=("pyproject.toml",))


@linux
def test_a_module_that_only_the_user_knows_of_is_followed() -> None:
    """hidden_imports counts as reached, with everything that it imports."""
    found = json.loads(
        recipe_of("nuitka-lean", hidden_imports=("json",)).files[Path("start_up.json")]
    )
    assert {"json", "json.decoder"} <= set(found["reached"])


@linux
@pytest.mark.parametrize(
    ("version", "mode", "message"),
    [
        ((3, 14), "lean", r"is for Python 3\.11 to 3\.13.*--mode single"),
        ((3, 14), "standalone-lean", r"is for Python 3\.11 to 3\.13.*--mode standalone"),
        ((3, 15), "lean", r"is for Python 3\.11 to 3\.13.*--mode single"),
    ],
)
def test_a_python_that_the_plugin_does_not_know_is_refused(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], mode: str, message: str
) -> None:
    """Before anything is built."""
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(UnsuitableError, match=message):
        recipe_of(f"nuitka-{mode}")


def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot work it says so."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UnsuitableError, match="is for Linux"):
        recipe_of("nuitka-single")
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("pyinstaller-onefile-lean", "nuitka-single", "nuitka-lean"):
        with pytest.raises(UnsuitableError, match="Not on Windows: "):
            recipe_of(name)


@linux
def test_a_python_without_a_static_library_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message has the command that installs it."""
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: str(tmp_path))
    with pytest.raises(UnsuitableError, match=r"libpython3\.\d+-dev"):
        recipe_of("nuitka-lean")


AS_ON_MACOS = """
import json, sys, sysconfig
import spike.build.refusals  # brings the standard library in, as it is here
sysconfig.get_config_vars()
for name in [name for name in sys.modules if name.partition(".")[0] == "spike"]:
    del sys.modules[name]
sys.platform = "darwin"
from spike.build import refusals
from spike.packagers import VARIANTS
from spike.project import sidecar

hello = sidecar.load()
refused = refusals.here(hello)
recipes = {
    name: variant.packager.recipe(hello, variant.mode.name)
    for name, variant in VARIANTS.items()
    if name not in refused and variant.mode.name != "spec"
}
print(json.dumps({
    "refused": refused,
    "built": {name: [recipe.argv, str(recipe.artifact)] for name, recipe in recipes.items()},
}))
"""


@pytest.mark.slow
def test_on_macos_the_plans_commands_are_the_same_and_what_is_for_linux_is_refused() -> None:
    """No suffix but Nuitka's own."""
    done = subprocess.run(
        [sys.executable, "-c", AS_ON_MACOS], cwd=TOOL, capture_output=True, check=True
    )
    said = json.loads(done.stdout)
    linux_alone = {
        *(f"nuitka-{mode}" for mode in ("single", "lean", "standalone-lean")),
        *("cpython-folder", "cpython-folder-fast"),
    }
    assert set(said["refused"]) == linux_alone
    assert all(" for Linux." in why for why in said["refused"].values())
    for name, command in PLAN.items():
        assert said["built"][name][0] == shlex.split(command)
    places = {name: place for name, (_, place) in said["built"].items()}
    assert places["nuitka-standalone"] == "dist/nuitka-standalone/main.dist/main.bin"
    assert places["pyinstaller-onedir"] == "dist/pyinstaller-onedir/sidecar-hello/sidecar-hello"
