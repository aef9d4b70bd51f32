"""What a program can reach: never less than it uses, and not the whole standard library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from spike.packagers.analysis import module_graph


def reached(tmp_path: Path, program: str, *, inspect: bool = False) -> module_graph.Reach:
    script = tmp_path / "program.py"
    script.write_text(program)
    return module_graph.of(script, inspect=inspect)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there typing reaches inspect")
def test_the_hello_sidecar_reaches_no_subprocess() -> None:
    """It imports os, whose popen would bring half of the library; it never calls that."""
    found = module_graph.of(ROOT / "sidecar" / "main.py")
    assert {"os", "signal", "enum", "encodings.utf_8"} <= found.modules.keys()
    assert not {"subprocess", "threading", "inspect", "pickle"} & found.modules.keys()
    assert not found.indispensable()


@pytest.mark.parametrize(
    "program",
    [
        'import os\nos.popen("true")',
        'from os import popen\npopen("true")',
        'import os as system\nsystem.popen("true")',
        'from os import *\npopen("true")',
        'import os\ndef f(module):\n    return module.popen("true")\nf(os)',
        'import os\nrun = getattr(os, "popen")',
        'import importlib\nimportlib.import_module("os").popen("true")',
    ],
)
def test_a_function_that_is_named_in_any_way_brings_its_imports(
    tmp_path: Path, program: str
) -> None:
    """However popen is spelt, subprocess is reached."""
    assert "subprocess" in reached(tmp_path, program).modules


def test_a_name_made_at_run_time_is_not_seen(tmp_path: Path) -> None:
    """The stated limit: this is what hidden_imports is for."""
    found = reached(tmp_path, 'import os\ngetattr(os, "po" + "pen")("true")')
    assert "subprocess" not in found.modules


def test_the_programs_own_code_counts_whole(tmp_path: Path) -> None:
    """Nothing is assumed of what lies beside the entry script, in packages and out of them."""
    package = tmp_path / "helper"
    package.mkdir()
    (package / "__init__.py").write_text("from . import inner\n")
    (package / "inner.py").write_text("def never_called():\n    import json\n")
    assert "json" in reached(tmp_path, "import helper").modules


def test_packages_without_init_are_followed_in_all_their_parts(tmp_path: Path) -> None:
    """Namespace packages, which the interpreter's own search would want imported first."""
    (tmp_path / "space" / "inner").mkdir(parents=True)
    (tmp_path / "space" / "inner" / "module.py").write_text("import json\n")
    found = reached(tmp_path, "import space.inner.module")
    assert found.modules["space"].kind == "namespace"
    assert "json" in found.modules


def test_imports_that_never_run_do_not_count(tmp_path: Path) -> None:
    """TYPE_CHECKING is false when the program runs."""
    program = "import typing\nif typing.TYPE_CHECKING:\n    import json\n"
    assert "json" not in reached(tmp_path, program).modules


def test_re_exported_names_lead_to_where_they_are_defined(tmp_path: Path) -> None:
    """``json.tool`` is a module, ``json.dumps`` a name of the package: both are followed."""
    assert "json.encoder" in reached(tmp_path, "import json\njson.dumps(1)").modules


def test_modules_that_c_code_imports_are_known(tmp_path: Path) -> None:
    """time.strptime is C code, which imports _strptime."""
    assert "_strptime" in reached(tmp_path, 'import time\ntime.strptime("1", "%d")').modules
    assert "_strptime" not in reached(tmp_path, "import time\ntime.time()").modules


def test_coroutine_brings_inspect(tmp_path: Path) -> None:
    """Nuitka teaches types.coroutine about compiled functions when inspect is imported."""
    assert "inspect" in reached(tmp_path, "import types\n@types.coroutine\ndef f(): yield").modules
    assert "inspect" in reached(tmp_path, "pass", inspect=True).modules


def test_what_is_needed_is_told_from_what_is_tried(tmp_path: Path) -> None:
    """An import that is guarded by ImportError can fail; what only leads there can be missing."""
    program = "try:\n    import subprocess\nexcept ImportError:\n    pass\nimport json\n"
    found = reached(tmp_path, program)
    assert "subprocess" in found.modules
    assert "subprocess" not in found.needed
    assert "json" in found.needed


@pytest.mark.parametrize(
    "program",
    ["import json; json.dumps({})", "import dataclasses, inspect, typing", "import http.client"],
)
def test_nothing_that_is_really_imported_is_missed(tmp_path: Path, program: str) -> None:
    """Whatever the interpreter has loaded after the program ran was reached."""
    show = "import sys; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{program}\n{show}"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    own = {"__main__", "sys", "os.path", "_frozen_importlib", "_frozen_importlib_external"}
    missed = loaded - own - reached(tmp_path, program).modules.keys()
    # What every start of the interpreter loads, whatever the program is.
    bare = subprocess.run(
        [sys.executable, "-I", "-S", "-c", show], capture_output=True, text=True, check=True
    )
    names_in_typing = {"typing.io", "typing.re"}  # classes that typing puts into sys.modules
    assert not missed - names_in_typing - set(bare.stdout.split())


def test_codecs_in_files_of_their_own_are_told_apart() -> None:
    """The usual ones are plain Python or built in."""
    codecs = module_graph.codecs_without_files()
    assert {"encodings.utf_8", "encodings.cp1252", "encodings.iso8859_15"} <= codecs
    if "_codecs_jp" not in sys.builtin_module_names:
        assert "encodings.euc_jp" not in codecs
