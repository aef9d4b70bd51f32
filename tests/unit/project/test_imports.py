"""What a program imports is known before anything is packaged, and what is mine is mine."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from spike.core.errors import SidecarError
from spike.core.workspace import display_path
from spike.project import imports
from spike.project.guards import Need
from spike.project.sidecar import Sidecar


def written(folder: Path, files: dict[str, str], **settings: object) -> Sidecar:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    values: dict[str, object] = {"dependencies": ("httpx>=0.28",), **settings}
    return Sidecar(folder=folder, name="demo", version="1", **values)  # type: ignore[arg-type]


def warned(sidecar: Sidecar, **provided: str) -> tuple[str, ...]:
    return imports.check(sidecar, imports.scan(sidecar), provided)


def test_files_beside_the_entry_are_followed(tmp_path: Path) -> None:
    """Modules, packages, submodules and relative imports of the sidecar are read, once each."""
    sidecar = written(
        tmp_path,
        {
            "main.py": "import store\nfrom web import routes\n",
            "store.py": "import main\nimport sqlalchemy.orm\n",
            "web/__init__.py": "",
            "web/routes.py": "from . import forms\nfrom .forms import Form\nimport httpx\n",
            "web/forms.py": "import pydantic\nclass Form: pass\n",
            "unreached.py": "import never\nthis is no Python\n",
        },
    )
    scan = imports.scan(sidecar)
    assert {(item.module, item.file, item.line) for item in scan.imports} == {
        ("sqlalchemy.orm", "store.py", 2),
        ("httpx", "web/routes.py", 3),
        ("pydantic", "web/forms.py", 1),
    }
    assert scan.files == {
        "main.py",
        "store.py",
        *(f"web/{x}.py" for x in ("__init__", "routes", "forms")),
    }
    assert scan.roots == (".",)


REQUIRED = [
    "import gone",
    "import gone.sub as x",
    "from gone import x",
    "class A:\n    import gone",
    "if True:\n    import gone",
    "try:\n    import gone\nfinally:\n    pass",
    "try:\n    pass\nfinally:\n    import gone",
]
DOUBTFUL = [
    "def late():\n    import gone",
    "def late():\n    if x:\n        import gone",
    "async def late():\n    import gone",
    "if x:\n    import gone",
    "if not x:\n    pass\nelse:\n    import gone",
    "for x in y:\n    import gone",
    "while x:\n    import gone",
    "with x():\n    import gone",
    "match x:\n    case 1:\n        import gone",
    "try:\n    import gone\nexcept OSError:\n    pass",
    "try:\n    import gone\nexcept ImportError:\n    raise SystemExit('install gone')",
    "try:\n    import gone\nexcept ImportError:\n    sys.exit('install gone')",
    "if x:\n    sys.exit()\nimport gone",
    "if __name__ == '__main__':\n    import gone",
    f"if sys.platform == {sys.platform!r}:\n    import gone",
    f"if sys.platform != {sys.platform!r}:\n    raise ImportError\nimport gone",
]
OPTIONAL = [
    "try:\n    import gone\nexcept ImportError:\n    gone = None",
    "try:\n    import gone\nexcept (OSError, ModuleNotFoundError):\n    pass",
    "try:\n    import gone\nexcept builtins.ImportError as error:\n    print(error)",
    "try:\n    import gone\nexcept Exception:\n    pass",
    "QUIET = (ImportError, OSError)\ntry:\n    import gone\nexcept QUIET:\n    pass",
    "try:\n    import gone\nexcept:\n    pass",
    "try:\n    import json5\nexcept ImportError:\n    import gone",
    "try:\n    import json5\nexcept ImportError:\n    pass\nelse:\n    import gone",
    "try:\n    import gone\nexcept* ImportError:\n    pass",
    "with contextlib.suppress(ImportError):\n    import gone",
    "with suppress(ModuleNotFoundError, OSError):\n    import gone",
    "with suppress(Exception):\n    import gone",
    "def late():\n    with suppress(ImportError):\n        import gone",
    "if sys.platform == 'nope':\n    import gone",
    "if sys.platform.startswith('nope'):\n    import gone",
    "if os.name == 'nope':\n    import gone",
    "if platform.system() == 'Nope':\n    import gone",
    "if sys.version_info < (3, 11):\n    import gone",
    "match sys.platform:\n    case 'nope':\n        import gone",
    "match platform.system():\n    case 'Nope':\n        import gone",
    "if TYPE_CHECKING:\n    import gone",
    "if typing.TYPE_CHECKING:\n    import gone",
    "if importlib.util.find_spec('gone'):\n    import gone",
    "if find_spec('gone') is not None:\n    import gone",
    "HAS = find_spec('gone') is not None\nif HAS:\n    import gone",
    "WINDOWS = sys.platform == 'nope'\ndef late():\n    if WINDOWS:\n        import gone",
    "def windows():\n    return os.name == 'nope'\nif windows():\n    import gone",
    "try:\n    import x5\n    HAS = 1\nexcept ImportError:\n    HAS = 0\nif HAS:\n    import gone",
    "if sys.platform != 'nope':\n    raise ImportError\nimport gone",
    "if getattr(sys, 'frozen', False):\n    import gone",
    "if False:\n    import gone",
]


@pytest.mark.parametrize(
    ("source", "need"),
    [
        *((source, Need.REQUIRED) for source in REQUIRED),
        *((source, Need.DOUBTFUL) for source in DOUBTFUL),
        *((source, Need.OPTIONAL) for source in OPTIONAL),
    ],
)
def test_only_imports_that_surely_run_are_demanded(tmp_path: Path, source: str, need: Need) -> None:
    """A guarded import is the program's own business, one in doubt a warning, the rest an error."""
    sidecar = written(tmp_path, {"main.py": source})
    found = imports.scan(sidecar)
    assert {item.need for item in found.imports if item.top == "gone"} == {need}
    if need is Need.REQUIRED:
        with pytest.raises(SidecarError, match=r"main\.py:\d imports 'gone") as caught:
            imports.check(sidecar, found, {})
        assert '"gone"' not in caught.value.try_next, "a module's name is no distribution's name"
        assert "dependencies = [" not in caught.value.try_next
    else:
        warnings = [text for text in warned(sidecar) if "'gone'" in text]
        assert len(warnings) == (need is Need.DOUBTFUL)
    imports.check(sidecar, found, {"gone": "gone"})


def test_a_file_that_is_reached_by_an_optional_import_is_optional(tmp_path: Path) -> None:
    """windows_helper: what it imports is needed no more than it is itself, syntax included."""
    sidecar = written(
        tmp_path,
        {
            "main.py": "import sys, one\nif sys.platform == 'nope':\n    import helper\n",
            "helper.py": "import win32gone\nimport deeper\n",
            "deeper.py": "this is no Python",
            "one.py": "import two\n",
            "two.py": "",
        },
    )
    assert warned(sidecar) == ()
    (tmp_path / "two.py").write_text("import helper\n")
    with pytest.raises(SidecarError, match=r"deeper\.py:1 is not valid Python"):
        imports.scan(sidecar)


def test_what_only_another_platform_needs_counts_as_provided(tmp_path: Path) -> None:
    """pywin32 is not here and has other module names: no verdict, but a warning."""
    never = "pywin32; sys_platform == 'nope'"
    sidecar = written(tmp_path, {"main.py": "import win32gone\n"}, dependencies=(never,))
    assert "pywin32 is for other platforms" in warned(sidecar)[0]
    sidecar = written(tmp_path, {"main.py": "import pywin32\n"}, dependencies=(never,))
    assert warned(sidecar) == ()


def test_the_standard_library_of_every_platform_is_there(tmp_path: Path) -> None:
    """Windows has winreg and msvcrt, which are no dependencies."""
    sidecar = written(tmp_path, {"main.py": "import winreg, msvcrt, fcntl, __main__\n"})
    assert warned(sidecar) == ()


@pytest.mark.parametrize(
    ("files", "roots", "expected"),
    [
        ({"main.py": "from company import core", "company/core.py": ""}, (), (".",)),
        ({"main.py": "import a.b.c", "a/b/c.py": ""}, (), (".",)),
        ({"main.py": "import fast", f"fast{EXTENSION_SUFFIXES[0]}": ""}, (), (".",)),
        ({"app/main.py": "import helper", "app/helper.py": ""}, (), ("app",)),
        ({"app/main.py": "from app import helper", "app/helper.py": ""}, (), ("app", ".")),
        ({"main.py": "import pkg.x", "src/pkg/x.py": ""}, ("src",), (".", "src")),
        ({"main.py": "import pkg", "src/other/__init__.py": "", "pkg.py": ""}, ("src",), (".",)),
        (
            {
                "main.py": """
                    import sys
                    from pathlib import Path
                    sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor"))
                    import tinymath
                    """,
                "vendor/tinymath.py": "import deeper",
                "vendor/deeper.py": "",
            },
            (),
            (".", "vendor"),
        ),
        (
            {
                "main.py": "import setup_paths, tinymath",
                "setup_paths.py": """
                    import sys, os
                    sys.path.append(os.path.join(os.path.dirname(__file__), "lib"))
                    """,
                "lib/tinymath.py": "",
            },
            (),
            (".", "lib"),
        ),
        (
            {
                "bin/main.py": """
                    import sys, pathlib
                    ROOT = pathlib.Path(__file__).resolve().parents[1]
                    sys.path[:0] = [str(ROOT / "lib")]
                    from mine import thing
                    """,
                "lib/mine/thing.py": "from . import other",
                "lib/mine/other.py": "",
            },
            (),
            ("bin", "lib"),
        ),
    ],
)
def test_what_lies_on_an_import_root_is_mine(
    tmp_path: Path, files: dict[str, str], roots: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """The script's folder, the packages' folders, and whatever the program puts on the path."""
    entry = next(iter(files))
    sidecar = written(tmp_path, files, entry=entry, package_roots=roots)
    found = imports.scan(sidecar)
    assert [item for item in found.imports if item.top not in sys.stdlib_module_names] == []
    assert found.roots == expected
    assert imports.import_roots(sidecar) == expected


def test_a_folder_without_code_is_no_package(tmp_path: Path) -> None:
    """A folder of the same name as a missing dependency does not provide it."""
    sidecar = written(tmp_path, {"main.py": "import redis", "redis/redis.conf": ""})
    with pytest.raises(SidecarError, match="imports 'redis'"):
        warned(sidecar)


def test_what_a_package_of_mine_lacks_is_a_warning(tmp_path: Path) -> None:
    """It may make the module itself, or be one half of a namespace."""
    sidecar = written(tmp_path, {"main.py": "import mine.made", "mine/__init__.py": ""})
    assert warned(sidecar) == (
        f"{display_path(tmp_path)}/main.py:1 imports 'mine.made', which mine does not have.",
    )


def test_a_module_path_that_nobody_can_read_leaves_it_in_doubt(tmp_path: Path) -> None:
    """The program is built, with a warning."""
    source = "import os, sys\nsys.path.append(os.environ['PLUGINS'])\nimport gone\n"
    sidecar = written(tmp_path, {"main.py": source})
    assert "unless main.py:2 puts it on the module path" in warned(sidecar)[0]


def test_what_lies_outside_of_the_folder_cannot_be_packaged(tmp_path: Path) -> None:
    """The script finds it where it lies; nothing of it ships."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "proto.py").touch()
    source = "import sys\nsys.path.append('../shared')\nimport proto\n"
    sidecar = written(tmp_path / "backend", {"main.py": source})
    with pytest.raises(SidecarError, match=r"main\.py:3 imports 'proto', which lies in .*shared"):
        warned(sidecar)


def test_a_distribution_is_named_only_where_its_metadata_says_so(tmp_path: Path) -> None:
    """The tests' own pytest is here, though no dependency: that is known, not guessed."""
    sidecar = written(tmp_path, {"main.py": "import pytest\n"})
    with pytest.raises(SidecarError) as caught:
        warned(sidecar)
    assert 'in [project] set dependencies = ["httpx>=0.28", "pytest"]' in caught.value.try_next


def test_a_group_or_an_extra_that_has_it_is_named(tmp_path: Path) -> None:
    """What the project asks for in a part of its own needs no other dependency."""
    sidecar = replace(written(tmp_path, {"main.py": "import gone_web\n"}), groups=("base",))
    for table, line in (
        ("dependency-groups", 'groups = ["base", "web"]'),
        ("project.optional-dependencies", 'extras = ["web"]'),
    ):
        text = f'[{table}]\nold = ["x", {{include-group = "web"}}]\nweb = ["Gone-Web[all]>=1"]\n'
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        with pytest.raises(SidecarError) as caught:
            warned(sidecar)
        assert f"in [tool.sidecar] set {line}, then nox -s lock" in caught.value.try_next


def test_a_start_script_is_followed_through_its_module(tmp_path: Path) -> None:
    """For ``python -m`` the author's file is named, with its own line numbers."""
    sidecar = written(
        tmp_path,
        {"src/app/__init__.py": "", "src/app/__main__.py": "\nfrom .cli import main\nimport gone\n"}
        | {"src/app/cli.py": "def main(): pass\n"},
        entry="src/sidecar_start.py",
        entry_file="src/app/__main__.py",
        module="app.__main__",
        package_roots=("src",),
    )
    found = imports.scan(sidecar)
    assert [(item.module, item.file, item.line) for item in found.imports] == [
        ("gone", "src/app/__main__.py", 3)
    ]
    assert "src/app/cli.py" in found.files


def test_a_broken_file_that_is_reached_is_named(tmp_path: Path) -> None:
    """A syntax error is found in any file that the program imports, with its line."""
    sidecar = written(tmp_path, {"main.py": "import store\n", "store.py": "x = 1\ndef broken(:\n"})
    with pytest.raises(SidecarError, match=r"store\.py:2 is not valid Python"):
        imports.scan(sidecar)
    assert imports.import_roots(sidecar) == (".",)


def test_a_null_byte_or_another_encoding_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    """Whatever Python itself refuses to read is refused here in the same way."""
    sidecar = written(tmp_path, {"main.py": ""})
    for content in (b"x = 1\0", b"# coding: klingon\n", "s = 'é'".encode("latin-1")):
        (tmp_path / "main.py").write_bytes(content)
        with pytest.raises(SidecarError, match="not valid Python"):
            imports.scan(sidecar)


def test_a_python_that_is_too_old_is_named_first(tmp_path: Path) -> None:
    """Not as broken syntax, which is what a newer language looks like to an older Python."""
    sidecar = written(tmp_path, {"main.py": ""}, requires_python=">=3.99")
    with pytest.raises(SidecarError, match=r"asks for Python >=3\.99") as caught:
        imports.check_python(sidecar)
    assert "3.11 to 3.14" in caught.value.why
    imports.check_python(written(tmp_path, {}, requires_python=">=3.8"))


@pytest.mark.parametrize(
    ("wanted", "have", "version"),
    [
        (">=3.10,<3.13", "3.13.1", "3.12"),
        ("<3.12", "3.14.0", "3.11"),
        ("~=3.11.0", "3.13.1", "3.11"),
        (">=3.12.4", "3.12.1", "3.14"),
    ],
)
def test_the_newest_python_that_fits_is_named(
    tmp_path: Path, wanted: str, have: str, version: str
) -> None:
    """An upper bound asks for an older one."""
    sidecar = written(tmp_path, {"main.py": ""}, requires_python=wanted)
    with pytest.raises(SidecarError) as caught:
        imports.check_python(sidecar, have)
    assert f'python = "{version}"' in caught.value.try_next


HERE = "os.path.dirname(os.path.abspath(__file__))"


@pytest.mark.parametrize(
    "setup",
    [
        f"import os\nfrom sys import path\npath.insert(0, os.path.join({HERE}, 'lib'))",
        f"import os, sys as s\ns.path.append({HERE} + '/lib')",
        "import sys\nfrom os import path\n"
        "sys.path.insert(0, path.join(path.dirname(path.abspath(__file__)), 'lib'))",
        "import sys, os.path as osp\n"
        "sys.path.insert(0, osp.join(osp.dirname(osp.realpath(__file__)), 'lib'))",
        "from site import addsitedir\nfrom pathlib import Path as P\n"
        "addsitedir(str(P(__file__).parent / 'lib'))",
        f"import os, sys\nBASE = getattr(sys, '_MEIPASS', {HERE})\n"
        "sys.path.insert(0, os.path.join(BASE, 'lib'))",
        "import os, sys\n"
        f"BASE: str = sys._MEIPASS if hasattr(sys, 'frozen') else {HERE}\n"
        "sys.path.insert(0, os.path.join(BASE, 'lib'))",
        f"import os, sys\nsys.path.insert(0, os.path.join({HERE}, 'x', os.pardir, 'lib'))",
        "import os, sys\nsys.path.append(os.path.join(sys.path[0], 'lib'))",
        "import sys\nDIRS = ['lib', 'more']\nfor each in DIRS:\n    sys.path.append(each)",
    ],
)
def test_the_module_path_is_read_however_it_is_written(tmp_path: Path, setup: str) -> None:
    sidecar = written(tmp_path, {"main.py": f"{setup}\nimport helper\n", "lib/helper.py": ""})
    assert warned(sidecar) == ()
    assert "lib" in imports.import_roots(sidecar)


def test_a_file_that_only_pythonpath_finds_is_named(tmp_path: Path) -> None:
    """It may be there when the program runs, so it is built."""
    sidecar = written(tmp_path, {"main.py": "import helper", "lib/helper.py": ""})
    assert "lib/helper.py lies on no path" in warned(sidecar)[0]


@pytest.mark.parametrize(
    ("source", "words"),
    [("requirements.txt", "requirements.txt"), ("built", "setup.py"), ("dynamic", "file that")],
)
def test_a_remedy_names_the_place_that_is_read(tmp_path: Path, source: str, words: str) -> None:
    sidecar = replace(written(tmp_path, {"main.py": "import redis"}), dependency_source=source)
    with pytest.raises(SidecarError) as caught:
        warned(sidecar)
    assert words in caught.value.try_next


def test_a_group_of_the_project_goes_before_what_the_packager_has(tmp_path: Path) -> None:
    """``default-groups`` of uv install it, so that nobody has to say so until it is packaged."""
    files = {"pyproject.toml": '[dependency-groups]\nserver = ["pytest"]\n'}
    with pytest.raises(SidecarError, match=r'set groups = \["server"\]'):
        warned(written(tmp_path, {"main.py": "import pytest", **files}))


def test_a_file_of_dependencies_that_is_not_read_is_named(tmp_path: Path) -> None:
    sidecar = written(tmp_path, {"main.py": "import redis", "requirements.in": "redis\n"})
    with pytest.raises(SidecarError, match=r"requirements\.in is not read"):
        warned(sidecar)


def test_dependencies_in_the_script_itself_are_named(tmp_path: Path) -> None:
    """PEP 723: for tools that run the script alone."""
    script = "# /// script\n# dependencies = ['redis']\n# ///\nimport redis"
    for text in (script, script.replace("\n", "\r\n")):
        sidecar = written(tmp_path, {})
        (tmp_path / "main.py").write_bytes(text.encode())
        with pytest.raises(SidecarError, match=r"block '# /// script' of main\.py is not read"):
            warned(sidecar)
