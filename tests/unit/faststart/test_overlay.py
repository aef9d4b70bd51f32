"""Overlays of small programs, made and proved in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from spike.core.workspace import TOOL as ROOT

WAIT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("READY", flush=True)
time.sleep(60)
"""
MAIN = f"import lib\nimport other\n{WAIT}"
LIBRARIES = {
    "lib/__init__.py": '"""Lib."""\nfrom lib.heavy import work\n\ndef f():\n    return work()\n',
    "lib/heavy.py": '"""Heavy."""\n\ndef work():\n    return 1\n',
    "other.py": '"""Other."""\nimport big\n\ndef f():\n    return big.x\n',
    "big.py": "x = 1\n",
}
SCRIPT = """
import json, pathlib, sys
from spike.core.errors import SpikeError
from spike.faststart import overlay
from spike.project.sidecar import load

told = json.loads(sys.argv[1])
try:
    made = overlay.make(load(told["folder"]), exclude=told["exclude"], check=told["check"])
except SpikeError as error:
    print(json.dumps({"error": str(error)}))
else:
    made.write(pathlib.Path(told["target"]))
    texts = {name: text.decode() for name, text in made.texts.items()}
    print(json.dumps({"texts": texts, "left_out": dict(made.left_out),
        "spared": sorted(made.spared), "kept": dict(made.kept), "put_off": made.put_off,
        "made": [len(made.tables.patterns), len(made.tables.texts)]}))
"""


def make(
    tmp_path: Path,
    libraries: dict[str, str] | None = None,
    *,
    main: str = MAIN,
    exclude: tuple[str, ...] = (),
    check: tuple[str, ...] = (),
    own: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make an overlay; what came out, or the error."""
    environment = tmp_path / "environment"
    if not environment.exists():
        venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    scheme = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", "venv", scheme))
    for name, text in (LIBRARIES | (libraries or {})).items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    folder = tmp_path / "program"
    folder.mkdir(exist_ok=True)
    for name, text in {"main.py": main, **(own or {})}.items():
        (folder / name).write_text(text)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\n[tool.sidecar]\nready_timeout_s = 3.0\n'
    )
    told = {
        "folder": str(folder),
        "exclude": exclude,
        "check": check,
        "target": str(tmp_path / "overlay"),
    }
    done = subprocess.run(
        [str(python), "-c", SCRIPT, json.dumps(told)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PACKAGING_SPIKE_PROJECT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="environments lie differently"),
]


def test_an_overlay_is_made_proved_and_written(tmp_path: Path) -> None:
    """The same one each time, and a program runs with it."""
    first = make(tmp_path)
    assert first["spared"] == ["big", "lib.heavy"]
    assert first["texts"].keys() == {"lib/__init__.py", "other.py"}
    assert first["left_out"] == {}
    assert make(tmp_path) == first
    said = "import sys, lib; print('lib.heavy' in sys.modules, lib.f(), lib.__file__)"
    done = subprocess.run(
        [str(tmp_path / "environment" / "bin" / "python"), "-c", said],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "overlay")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[:2] == ["False", "1"]
    assert done.stdout.split()[2] == str(tmp_path / "overlay" / "lib" / "__init__.py")


DATA = "import re\nfrom dataclasses import dataclass\nre.compile('a+b')\n"
DATA += "@dataclass\nclass C:\n    x: int\n"


def test_what_is_made_at_each_start_is_made_beforehand(tmp_path: Path) -> None:
    """Also where no import can be put off."""
    found = make(tmp_path, main=DATA + WAIT)
    assert found.get("put_off") == 0, found
    assert found["made"][0] >= 1
    assert found["made"][1] >= 1
    assert make(tmp_path, main=DATA + MAIN)["put_off"] == 2


def test_tables_that_a_program_sees_are_left_out_by_themselves(tmp_path: Path) -> None:
    seen = "import re\nif any(key[1] == 'a+b' for key in re._cache): raise SystemExit('seen')\n"
    main = seen + DATA + MAIN
    found = make(tmp_path, main=main)
    assert found.get("made") == [0, 0], found
    assert found["put_off"] == 2


def test_the_authors_own_files_are_never_rewritten(tmp_path: Path) -> None:
    """Whatever they import."""
    own = {"mine.py": "\nimport unusual\n\ndef f():\n    return unusual\n"}
    found = make(tmp_path, {"unusual.py": ""}, main=f"import mine\n{MAIN}", own=own)
    assert found["texts"].keys() == {"lib/__init__.py", "other.py"}
    assert "unusual" not in found["spared"]


def test_a_library_can_be_excluded(tmp_path: Path) -> None:
    """By its name, and it is said."""
    found = make(tmp_path, exclude=("lib",))
    assert found["texts"].keys() == {"other.py"}
    assert found["left_out"] == {"lib": "[tool.sidecar] fast_start_exclude names it"}


def test_a_library_with_native_libraries_beside_it_is_left_out(tmp_path: Path) -> None:
    """A copy of it elsewhere would not find them."""
    record = {"lib-1.dist-info/RECORD": "lib/__init__.py,,\nlib.libs/libx.so,,\n"}
    record |= {"lib-1.dist-info/METADATA": "Name: lib\nVersion: 1\n", "lib.libs/libx.so": ""}
    found = make(tmp_path, record)
    assert found["texts"].keys() == {"other.py"}
    assert found["left_out"] == {"lib": "its native libraries are found by where it lies"}


def test_a_library_in_which_something_differs_is_left_out_and_named(tmp_path: Path) -> None:
    """The others are put off all the same."""
    text = "import sys\ndepth = 0\nframe = sys._getframe()\nwhile frame:\n"
    text += "    depth += 1\n    frame = frame.f_back\ndef work():\n    return 1\n"
    found = make(tmp_path, {"lib/heavy.py": text})
    assert found["texts"].keys() == {"other.py"}
    assert found["left_out"].keys() == {"lib"}
    assert "attribute depth" in found["left_out"]["lib"]


EFFECTS = {
    "atexit": "import atexit\natexit.register(print)\n",
    "filters": "import warnings\nwarnings.simplefilter('ignore')\n",
    "environment": "import os\nos.environ['FS_X'] = '1'\n",
    "name": "import other\nother.added = 1\n",
    "limit": "import sys\nsys.setrecursionlimit(2000)\n",
    "signals": "import signal\nsignal.signal(signal.SIGUSR1, print)\n",
    "registry": "import other\nother.Registry.known['heavy'] = 1\n",
    "list": "import other\nother.all_of_them.append(1)\n",
    "handler": "import logging\nlogging.getLogger().addHandler(logging.NullHandler())\n",
    "codec": "import codecs\ncodecs.register(lambda name: None)\n",
    "fork": "import os\nos.register_at_fork(before=print)\n",
    "builtin": "import builtins\nbuiltins.print = print\nbuiltins.fs_x = 1\n",
    "level": "import logging\nlogging.addLevelName(5, 'FS')\n",
    "collector": "import gc\ngc.freeze()\ngc.set_threshold(1000)\n",
    "abstract": "from collections.abc import Sized\nclass A: ...\nSized.register(A)\n",
}


def test_what_was_alike_by_chance_is_no_difference(tmp_path: Path) -> None:
    """A clock's time, say, may be the same in both plain runs: what is real differs again."""
    mark = tmp_path / "differed"
    # The rewritten libraries are described in a folder of this name, the plain ones in others.
    noted = (
        "import os\n"
        f"chance = os.path.basename(os.getcwd()) == 'proof' and not os.path.exists({str(mark)!r})\n"
        f"if chance: open({str(mark)!r}, 'w').close()\n"
    )
    found = make(tmp_path, {"other.py": LIBRARIES["other.py"] + noted})
    assert mark.exists()
    assert found["left_out"] == {}
    assert found["texts"].keys() == {"lib/__init__.py", "other.py"}


def test_an_import_with_effects_is_made_as_always(tmp_path: Path) -> None:
    """Whatever it changes outside of itself; one without waits."""
    libraries = {
        "other.py": LIBRARIES["other.py"] + "\nall_of_them = []\nclass Registry:\n    known = {}\n"
    }
    main = "import other\n"
    for name, text in {**EFFECTS, "none": "import other\nmine = [other]\n"}.items():
        libraries[f"with_{name}/__init__.py"] = (
            f'"""Lib."""\nfrom with_{name}.heavy import work\n\ndef f():\n    return work()\n'
        )
        libraries[f"with_{name}/heavy.py"] = f"{text}\ndef work():\n    return 1\n"
        main += f"import with_{name}\n"
    found = make(tmp_path, libraries, main=main + MAIN)
    heavy = {name for name in found["spared"] if name.startswith("with_")}
    assert heavy == {"with_none.heavy"}
    assert {f"with_{name}.heavy" for name in EFFECTS} <= found["kept"].keys()


def test_warnings_name_the_same_line(tmp_path: Path) -> None:
    """Of who imports what is out of date."""
    heavy = "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n"
    found = make(tmp_path, {"lib/heavy.py": heavy + LIBRARIES["lib/heavy.py"]})
    assert "lib.heavy" in found["spared"], found


def test_what_cannot_be_loaded_apart_is_not_proved(tmp_path: Path) -> None:
    """It needs what the program has set up."""
    heavy = "import big\nif not hasattr(big, 'ready'): raise ImportError('no')\n"
    main = "import big\nbig.ready = True\nimport lib\n" + MAIN
    found = make(tmp_path, {"lib/heavy.py": heavy + "def work(): ...\n"}, main=main)
    assert "error" in found or "lib" in found["left_out"]


def test_the_authors_tests_decide(tmp_path: Path) -> None:
    """They run against the rewritten libraries."""
    passes = ("python", "-c", "import lib; assert lib.f() == 1")
    assert "texts" in make(tmp_path, check=passes)
    fails = ("python", "-c", "import sys, lib; assert 'lib.heavy' in sys.modules")
    assert "with the rewritten libraries" in make(tmp_path, check=fails)["error"]
    missing = make(tmp_path, check=("no-such-program",))["error"]
    assert "there is no program 'no-such-program'" in missing
    never = ("python", "-c", "raise SystemExit('mine')")
    assert "plain libraries as well: mine" in make(tmp_path, check=never)["error"]


@pytest.mark.parametrize(
    ("main", "said"),
    [
        (WAIT, "READY needs"),
        ("import lib\nraise SystemExit('broken')\n", "plain script fails"),
    ],
)
def test_what_cannot_be_faster_is_said(tmp_path: Path, main: str, said: str) -> None:
    """And why."""
    error = make(tmp_path, main=main)["error"]
    assert said in error
