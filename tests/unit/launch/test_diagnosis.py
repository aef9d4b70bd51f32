"""Every packaging mistake is recognised in the real traceback of every packager."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from spike.launch.causes import Cause, SidecarFacts
from spike.launch.diagnosis import diagnose, last_words
from spike.launch.spec import Failure
from tests.support.diagnoses import CASES

TRACEBACKS = Path(__file__).parent / "tracebacks"
FACTS = SidecarFacts(
    name="sidecar-traps",
    files=frozenset(
        {
            "main.py",
            "plug_in.py",
            "libshape.so",
            "data/table.txt",
            "shapes/__init__.py",
            "shapes/circle.py",
            "shapes/table.json",
        }
    ),
    dependencies=("typing-extensions>=4.12", "lxml"),
    hidden_imports=("json.tool",),
    provided={"typing_extensions": "typing-extensions", "lxml": "lxml"},
    program_folder="/home/user/traps/cx",
)
# What says the same of another name.
ALIKE = {
    "read.data_absent.txt": ("read.data_table.txt", "table", "absent"),
    "metadata.sidecar-traps": ("metadata.typing_extensions", "typing_extensions", "sidecar-traps"),
}
VARIANTS = ("pyinstaller-onefile", "pyinstaller-onedir", "nuitka-onefile", "cx_freeze-onedir")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("case", "cause", "target", "fix"), CASES)
def test_a_real_traceback_names_the_key_to_add(
    variant: str, case: str, cause: Cause, target: str, fix: str
) -> None:
    """The finding names what is missing and a line that can be pasted."""
    # PyInstaller's one file writes what its folder does, but for where it lies.
    saved = variant.replace("pyinstaller-onefile", "pyinstaller-onedir")
    other, its_name, name = ALIKE.get(case, (case, "", ""))
    text = (TRACEBACKS / f"{saved}.{other}.txt").read_text(encoding="utf-8").replace(its_name, name)
    if variant != saved:
        text = re.sub(r"/home/\S*/_internal/", "/tmp/_MEI12ab/", text)
    if not text:
        pytest.skip("this packager ships a package's data files unasked: nothing failed")
    finding = diagnose(stderr=text, variant=variant, facts=FACTS)
    assert finding is not None
    assert (finding.cause, finding.target) == (cause, target)
    assert fix in finding.fix
    assert "/home/" not in str(finding)


def test_an_exception_in_colour_is_read_like_any_other() -> None:
    """As Python 3.14 writes it where FORCE_COLOR is set; and no colour gets into our own text."""
    text = (
        "Traceback (most recent call last):\n"
        '  File \x1b[35m"/home/user/traps/main.py"\x1b[0m, line \x1b[35m3\x1b[0m, in '
        "\x1b[35m<module>\x1b[0m\n    \x1b[31mimport plug_in\x1b[0m\n"
        "\x1b[1;35mModuleNotFoundError\x1b[0m: \x1b[35mNo module named 'plug_in'\x1b[0m\n"
    )
    finding = diagnose(
        stderr=text,
        variant="pyinstaller-onefile",
        facts=FACTS,
        failure=Failure.EXITED_BEFORE_READY,
    )
    assert finding is not None
    assert (finding.cause, finding.target) == (Cause.HIDDEN_IMPORT, "plug_in")
    assert "\x1b" not in last_words(stderr=text, stdout="")


STARTS = """\
Traceback (most recent call last):
  File "main.py", line 3, in <module>
    subprocess.run(["{name}", "-version"], check=True)
  File "/usr/lib/python3.11/subprocess.py", line 548, in run
  File "subprocess.py", line 1950, in _execute_child
FileNotFoundError: [Errno 2] No such file or directory: '{name}'
"""


def test_a_program_that_is_not_on_the_path_is_no_file_of_the_sidecars() -> None:
    """As ffmpeg, pandoc and git are: no key ships them."""
    text = STARTS.format(name="ffmpeg")
    finding = diagnose(stderr=text, variant="v", facts=FACTS, failure=Failure.EXITED_BEFORE_READY)
    assert finding is not None
    assert (finding.cause, finding.target, finding.key) == (Cause.OTHER_PROGRAM, "ffmpeg", "")
    assert "a requirement of your installer" in finding.fix


def test_a_program_of_ones_own_that_is_started_by_its_name_is_found_beside_the_code() -> None:
    finding = diagnose(stderr=STARTS.format(name="plug_in.py"), variant="v", facts=FACTS)
    assert finding is not None
    assert finding.cause is Cause.WRONG_PLACE
    assert 'Path(__file__).parent / "plug_in.py"' in finding.fix


def test_a_module_of_ones_own_is_no_distribution() -> None:
    """No list has room for it: the project goes by another name."""
    text = "importlib.metadata.PackageNotFoundError: No package metadata was found for shapes"
    finding = diagnose(stderr=text, variant="pyinstaller-onefile", facts=FACTS)
    assert finding is not None
    assert (finding.cause, finding.key) == (Cause.METADATA, "")
    assert finding.fix == "importlib.metadata.version('sidecar-traps')"


def test_a_file_of_an_installed_package_asks_for_the_whole_package() -> None:
    """A library's own data file is not the sidecar's to list: the package is collected."""
    text = (TRACEBACKS / "pyinstaller-onedir.read-in-package.table.json.txt").read_text()
    facts = SidecarFacts(name="x", provided={"shapes": "shapes-of-things"}, collect=("other",))
    finding = diagnose(stderr=text, variant="pyinstaller-onefile", facts=facts)
    assert finding is not None
    assert finding.cause is Cause.PACKAGE_DATA
    assert 'collect = ["other", "shapes"]' in finding.fix


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ('ERROR:    Error loading ASGI app. Could not import module "web".', "web"),
        (
            'ERROR:    Error loading ASGI app. Nuitka: Could not import module "web" use '
            '"--include-module=web" option during compilation.',
            "web",
        ),
        (
            "sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:oracle",
            "sqlalchemy.dialects.oracle",
        ),
        (
            "NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:mysql.pymysql",
            "sqlalchemy.dialects.mysql",
        ),
        ("LookupError: unknown encoding: idna", "encodings.idna"),
        ("ModuleNotFoundError: No module named 'a.b'; 'a' is not a package", "a.b"),
    ],
)
def test_libraries_that_say_it_in_their_own_words(line: str, hidden: str) -> None:
    """Plugin loaders hide the ImportError; what they print instead is understood."""
    facts = SidecarFacts(
        name="x", files=frozenset({"web.py", "a/b.py"}), provided={"sqlalchemy": "SQLAlchemy"}
    )
    finding = diagnose(stderr=line, variant="nuitka-onefile", facts=facts)
    assert finding is not None
    assert finding.cause is Cause.HIDDEN_IMPORT
    assert finding.fix == f'in [tool.sidecar] set hidden_imports = ["{hidden}"]'


def test_what_is_listed_already_asks_for_a_new_build() -> None:
    """A key that is there is never suggested again: the artifact is older than the key."""
    facts = SidecarFacts(
        name="x",
        files=frozenset({"plug_in.py", "data/table.txt"}),
        hidden_imports=("plug_in",),
        data=("data",),
    )
    for case in ("import.plug_in", "read.data_table.txt"):
        text = (TRACEBACKS / f"nuitka-onefile.{case}.txt").read_text()
        finding = diagnose(stderr=text, variant="nuitka-onefile", facts=facts)
        assert finding is not None
        assert "--force" in finding.fix


def test_without_knowledge_of_the_environment_the_dependencies_are_consulted() -> None:
    """A module named like a dependency is a hidden import, any other a missing dependency."""
    line = "ModuleNotFoundError: No module named 'typing_extensions'"
    facts = SidecarFacts(name="x", dependencies=("Typing.Extensions>=4",))
    finding = diagnose(stderr=line, variant="v", facts=facts)
    assert finding is not None
    assert finding.cause is Cause.HIDDEN_IMPORT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback (most recent call last):\nValueError: nothing to do with packaging",
        "FileNotFoundError: [Errno 2] No such file or directory: '/etc/notes.conf'",
        "sqlite3.OperationalError: unable to open database file",
        "ImportError: cannot import name 'x' from 'y' (/usr/lib/python3/y.py)",
        "\x00\xff\u2028 no text at all",
    ],
)
def test_other_failures_are_left_alone(text: str) -> None:
    """No advice is better than wrong advice."""
    assert diagnose(stderr=text, variant="v", facts=SidecarFacts(name="x")) is None


def test_a_c_librarys_own_words_for_a_missing_file_are_understood() -> None:
    """Stylesheets of lxml in a Nuitka build: the text is the real one, its folder renamed."""
    path = "/home/user/main.dist/lxml/isoschematron/resources/xsl/XSD2Schtrn.xsl"
    line = (
        f"OSError: Error reading file '{path}': "
        f'failed to load "{path}": No such file or directory'
    )
    finding = diagnose(stderr=line, variant="nuitka-standalone", facts=FACTS)
    assert finding is not None
    assert finding.cause is Cause.PACKAGE_DATA
    assert 'collect = ["lxml"]' in finding.fix


def test_a_cached_unpack_is_a_folder_of_the_program() -> None:
    """Nuitka's cached mode runs from the user's cache folder; the advice is the same."""
    path = "/home/user/.cache/sidecar-traps/0.1.0-0123456789ab/data/table.txt"
    line = f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"
    finding = diagnose(stderr=line, variant="nuitka-cached", facts=FACTS)
    assert finding is not None
    assert (finding.key, finding.value) == ("data", "data/table.txt")


def test_a_windows_path_is_understood() -> None:
    """Backslashes, doubled in the exception's repr, give the same relative path."""
    line = (
        "FileNotFoundError: [Errno 2] No such file or directory: "
        r"'C:\\Users\\Zo\xeb\\AppData\\Local\\Temp\\_MEI1234\\data\\table.txt'"
    )
    finding = diagnose(stderr=line, variant="pyinstaller-onefile", facts=FACTS)
    assert finding is not None
    assert 'data = ["data/table.txt"]' in finding.fix


ENDINGS = Path(__file__).parent / "endings"
APP = SidecarFacts(
    name="app",
    files=frozenset({"main.py", "words.txt", "models/a.bin", "static/index.html", "settings.json"}),
    data=("words.txt", "settings.json"),
    provided={},
    program_folder="/home/user/app",
    shipped=frozenset({"app", "_internal/words.txt", "_internal/settings.json"}),
)


def ending(name: str) -> dict[str, Any]:
    return {
        stream: (ENDINGS / f"{name}.{stream}.txt").read_text(encoding="utf-8")
        for stream in ("stderr", "stdout")
    }


@pytest.mark.parametrize(
    ("name", "failure", "cause", "message", "fix"),
    [
        (
            "exe_parent",
            Failure.EXITED_BEFORE_READY,
            Cause.WRONG_PLACE,
            "it lies at _internal/words.txt",
            'Path(__file__).parent / "words.txt"',
        ),
        (
            "dir_listing",
            Failure.EXITED_BEFORE_READY,
            Cause.DATA_FILE,
            "cannot find its folder 'models'",
            'data = ["words.txt", "settings.json", "models"]',
        ),
        (
            "staticfiles",
            Failure.EXITED_BEFORE_READY,
            Cause.DATA_FILE,
            "cannot find its folder 'static'",
            'data = ["words.txt", "settings.json", "static"]',
        ),
        (
            "relative_cwd",
            Failure.EXITED_BEFORE_READY,
            Cause.WRONG_PLACE,
            "relative to its working folder",
            'Path(__file__).parent / "settings.json"',
        ),
        ("builtin_exit", Failure.UNCLEAN_STOP, Cause.NOT_IN_SITE, "calls exit()", "sys.exit("),
    ],
)
def test_an_ending_of_a_real_program_is_explained(
    name: str, failure: Failure, cause: Cause, message: str, fix: str
) -> None:
    """With what to change, in the settings or in the program."""
    finding = diagnose(**ending(name), variant="v", facts=APP, failure=failure)
    assert finding is not None
    assert finding.cause is cause
    assert message in finding.message
    assert fix in finding.fix
    assert "--force" not in finding.fix


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("optional_logged", "stderr ends with: RuntimeError: NOTES_HOME is not set (main.py:32)"),
        (
            "multiline_error",
            "stderr ends with: pydantic_core._pydantic_core.ValidationError: 1 validation error "
            "for Settings; token; Field required [type=missing, input_value={}, input_type=dict]; "
            "For further information",
        ),
    ],
)
def test_an_ending_that_no_rule_fits_has_its_last_words(name: str, words: str) -> None:
    """The exception that ended it, its own line first; never one that it had handled."""
    failure = Failure.EXITED_BEFORE_READY
    assert diagnose(**ending(name), variant="v", facts=APP, failure=failure) is None
    assert last_words(**ending(name), failure=failure).startswith(words)


def test_a_coroutine_that_nobody_awaited_is_what_is_said() -> None:
    never = "sys:1: RuntimeWarning: coroutine 'main' was never awaited"
    text = f"{never}\nRuntimeWarning: Enable tracemalloc to get the object allocation traceback\n"
    assert last_words(stderr=text, stdout="") == f"stderr ends with: {never}"


LOGGED = (
    "ERROR:root:orjson is not there\nTraceback (most recent call last):\n"
    "  File \"main.py\", line 1, in <module>\nModuleNotFoundError: No module named 'orjson'\n"
)


@pytest.mark.parametrize(
    ("failure", "stderr", "found"),
    [
        (Failure.READY_TIMEOUT, LOGGED + "INFO:root:waiting\n", False),
        (Failure.EXITED_BEFORE_READY, LOGGED + "INFO:root:no licence\n", False),
        (Failure.EXITED_BEFORE_READY, "WARNING:root:No module named 'orjson'\n", False),
        (
            Failure.EXITED_BEFORE_READY,
            "WARNING:x:ModuleNotFoundError: No module named 'orjson'\nno licence\n",
            False,
        ),
        (Failure.EXITED_BEFORE_READY, LOGGED + "ERROR:root:startup failed, exiting\n", True),
        (Failure.SMOKE_FAILED, LOGGED + 'INFO: "GET / HTTP/1.1" 500\n', True),
        (None, "ModuleNotFoundError: No module named 'orjson'\nmore\n", True),
    ],
)
def test_what_was_handled_is_no_reason(failure: Failure | None, stderr: str, found: bool) -> None:
    """Unless the program gives up over it, or only tells of it since it answers others."""
    finding = diagnose(stderr=stderr, variant="v", facts=APP, failure=failure)
    assert (finding is not None) is found


def test_a_path_in_the_working_folder_of_a_launch_is_relative_to_it() -> None:
    """However the program has put it together."""
    path = "/home/user/build/app/places/12-ab/cwd-cd34/models/a.bin"
    error = f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"
    finding = diagnose(stderr=error, variant="v", facts=APP)
    assert finding is not None
    assert finding.cause is Cause.WRONG_PLACE
    assert finding.fix == (
        'Path(__file__).parent / "models/a.bin", and in [tool.sidecar] set data = ["words.txt", '
        '"settings.json", "models/a.bin"]'
    )


NOTES = SidecarFacts(
    name="notes",
    files=frozenset(
        {"src/notes/__init__.py", "src/notes/texts/a.txt", "web/a.html", "src/acme/api/__init__.py"}
        | {"src/email/till.py"}
    ),
    provided={"acme": "acme-core"},
    roots=("src",),
    program_folder="/p",
    shipped=frozenset(),
)
LOST = "FileNotFoundError: [Errno 2] No such file or directory: "


@pytest.mark.parametrize(
    ("error", "roots", "fix"),
    [
        # importlib.resources.files("notes.texts"): a package without code is what lies in it.
        ("ModuleNotFoundError: No module named 'notes.texts'", "src", 'data = ["src/notes/texts"]'),
        # The program looks below its import root, data is relative to the folder.
        (f"{LOST}'/p/_internal/notes/texts'", "src", 'set data = ["src/notes/texts"]'),
        (f"{LOST}'/p/web/a.html'", "src", "below src/ and let its path begin there"),
        # jinja2's PackageLoader names a package and no path; what the script opened is told.
        ("ValueError: could not find a 'texts' directory in the 'notes' package.", "src", ""),
        # What is imported from src/ beside a main.py looks for its files below its own name.
        (f"{LOST}'/p/_internal/notes/texts/a.txt'", ". src", 'collect = ["notes"]'),
        # One that Python has as well, which is what shipped.
        ("ModuleNotFoundError: No module named 'email.till'", "src", "rename your email"),
        # A namespace package that the project shares with a dependency.
        (f"{LOST}'/p/_internal/acme/core/data/a.txt'", "src", 'collect = ["acme.core"]'),
    ],
)
def test_what_a_package_looks_for_is_named_as_it_can_ship(error: str, roots: str, fix: str) -> None:
    facts = dataclasses.replace(NOTES, roots=tuple(roots.split()))
    text = f"Traceback (most recent call last):\n{error}"
    finding = diagnose(stderr=text, variant="v", facts=facts, failure=Failure.EXITED_BEFORE_READY)
    assert (finding is not None and fix in finding.fix) if fix else finding is None


@pytest.mark.parametrize(
    ("path", "message"),
    [("/home/user/app/words.txt", "beside __file__"), ("/tmp/_MEI12ab/words.txt", "built before")],
)
def test_a_file_in_one_that_unpacks_itself_is_elsewhere(path: str, message: str) -> None:
    """Beside the program there is nothing."""
    facts = dataclasses.replace(APP, shipped=None)
    error = f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"
    finding = diagnose(stderr=error, variant="v", facts=facts)
    assert finding is not None
    assert message in finding.message


def test_an_exception_about_a_file_that_is_there_is_not_ours() -> None:
    """It says something else of it."""
    error = "ValueError: /home/user/app/_internal/words.txt: key 'x' not found"
    assert diagnose(stderr=error, variant="v", facts=APP) is None


def test_last_words_are_there_for_every_ending() -> None:
    """A bare assertion has its line; a long message is cut; silence is said."""
    head = 'Traceback (most recent call last):\n  File "main.py", line 7, in <module>\n'
    assert last_words(stderr=f"{head}    assert n\nAssertionError\n", stdout="") == (
        "stderr ends with: AssertionError (main.py:7: assert n)"
    )
    assert "[cut]" in last_words(stderr=head + "ValueError: " + "x" * 1000, stdout="")
    assert last_words(stderr="", stdout="one\ntwo\n") == "stdout ends with: two"
    assert last_words(stderr="\n", stdout="") == "it wrote nothing"


@pytest.mark.parametrize(
    ("name", "failure", "exit_signal", "message"),
    [
        ("no_flush", Failure.READY_TIMEOUT, "", "'READY' came only when the program was stopped"),
        ("ready_stderr", Failure.READY_TIMEOUT, "", "INFO READY' came on stderr, and it is not"),
        ("uvicorn_plain", Failure.UNCLEAN_STOP, "SIGTERM", "as uvicorn does"),
    ],
)
def test_a_real_program_that_was_not_understood_is_explained(
    name: str, failure: Failure, exit_signal: str, message: str
) -> None:
    """It runs well by hand; what is wrong is how it says so."""
    finding = diagnose(
        **ending(name), variant="v", facts=APP, failure=failure, exit_signal=exit_signal
    )
    assert finding is not None
    assert message in finding.message


def test_the_code_of_a_signal_is_no_clean_end() -> None:
    """Handlers say ``sys.exit(128 + number)`` as shells do."""
    for code, signal in ((143, "SIGTERM"), (130, "SIGINT"), (1, "")):
        finding = diagnose(
            stderr="", variant="v", facts=APP, failure=Failure.UNCLEAN_STOP, exit_code=code
        )
        assert (finding.target if finding else "") == signal
        assert finding is None or "sys.exit(0)" in finding.fix


def test_a_server_that_says_it_without_a_traceback_is_understood() -> None:
    """gunicorn, of the configuration that it runs."""
    facts = SidecarFacts(name="x", files=frozenset({"conf.py"}), program_folder="/opt/x")
    text = "\nError: '/opt/x/_internal/conf.py' doesn't exist\n"
    finding = diagnose(stderr=text, variant="v", facts=facts, failure=Failure.EXITED_BEFORE_READY)
    assert finding is not None
    assert (finding.key, finding.value) == ("data", "conf.py")


@pytest.mark.parametrize(
    "said",
    [
        "SyntaxError: source code string cannot contain null",
        "SyntaxError: source code cannot contain null",
    ],
)
def test_a_library_that_runs_the_script_again_is_told_what_it_runs(said: str) -> None:
    """``runpy.run_path(sys.argv[0])`` of NiceGUI, in a program of PyInstaller's, at a request."""
    text = "Traceback (most recent call last):\n"
    text += (
        '  File "web/run.py", line 158, in run_script\n  File "<frozen runpy>", line 291, in run\n'
    )
    text += f"{said} bytes\n"
    finding = diagnose(stderr=text, variant="v", facts=APP, failure=Failure.SMOKE_FAILED)
    assert finding is not None
    assert "as if it were a script (web/run.py:158): sys.argv[0]" in finding.message
    assert "nox -s build_cpython" in finding.fix


def test_code_that_asks_for_its_own_text_is_told_what_ships() -> None:
    """``inspect.getsource``: seen in a program of PyInstaller's, and the remedy tried there."""
    text = 'Traceback (most recent call last):\n  File "main.py", line 24, in <module>\n'
    text += "OSError: could not get source code\n"
    finding = diagnose(stderr=text, variant="v", facts=APP, failure=Failure.EXITED_BEFORE_READY)
    assert finding is not None
    assert "the text of its own code (inspect.getsource)" in finding.message
    assert finding.fix == "do without it; or list the file that has that code as data"


@pytest.mark.parametrize(
    ("texts", "texts_of", "message", "fix"),
    [
        (("a.py", "b.py"), (), "its own code", 'set data = ["words.txt", "a.py", "b.py"]'),
        ((), ("click",), "the code of click", 'PyInstaller and cpython.* set collect = ["click"]'),
    ],
)
def test_whose_text_it_is_that_did_not_ship(
    texts: tuple[str, ...], texts_of: tuple[str, ...], message: str, fix: str
) -> None:
    """The plain script was seen to read it: own files are data, a library's are collected."""
    text = "Traceback (most recent call last):\nOSError: could not get source code\n"
    facts = dataclasses.replace(APP, data=("words.txt",), texts=texts, texts_of=texts_of)
    finding = diagnose(stderr=text, variant="v", facts=facts, failure=Failure.EXITED_BEFORE_READY)
    assert finding is not None
    assert f"the text of {message} (inspect.getsource)" in finding.message
    for part in fix.split(".*"):
        assert part in finding.fix


@pytest.mark.parametrize(
    ("asked", "shipped", "cause", "said"),
    [
        ("lib/app/src/words.txt", "lib/app/src/main.pyc", Cause.DATA_FILE, '["src/words.txt"]'),
        ("words.txt", "lib/app/src/words.txt", Cause.WRONG_PLACE, "at lib/app/src/words.txt"),
        (
            "lib/python3.11/site-packages/shapes/table.json",
            "lib/app/src/main.pyc",
            Cause.PACKAGE_DATA,
            'collect = ["shapes"]',
        ),
    ],
)
def test_a_folder_with_a_real_python_has_the_sidecars_files_where_they_lay(
    asked: str, shipped: str, cause: Cause, said: str
) -> None:
    """Below ``lib/app``, import root and all; what a dependency has lies in site-packages."""
    text = f"FileNotFoundError: [Errno 2] No such file or directory: '/opt/app/{asked}'"
    facts = SidecarFacts(
        name="x",
        files=frozenset({"src/main.py", "src/words.txt"}),
        roots=("src",),
        provided={"shapes": "shapes"},
        program_folder="/opt/app",
        shipped=frozenset({"x", shipped}),
    )
    finding = diagnose(stderr=text, variant="cpython-folder", facts=facts)
    assert finding is not None
    assert finding.cause is cause
    assert said in str(finding)


SERVICE = SidecarFacts(
    name="app",
    files=frozenset(
        {
            "main.py",
            "plug_in.py",
            "helpers.py",
            "email.py",
            "shapes/__init__.py",
            "shapes/circle.py",
            "vendored/utils.py",
            "models/a.gguf",
            "data/t.txt",
            "static/app.css",
            "migrations/env.py",
        }
    ),
    provided={"certifi": "certifi", "werkzeug": "Werkzeug"},
    program_folder="/opt/app",
    shipped=frozenset({"app"}),
)
HEAD = 'Traceback (most recent call last):\n  File "main.py", line 9, in <module>\n'
ORJSON = f"{HEAD}ModuleNotFoundError: No module named 'orjson'\n"
GGUF = (
    f"{HEAD}FileNotFoundError: [Errno 2] No such file or directory: "
    "'/opt/app/_internal/models/a.gguf'\n"
)
ENDED = "[PYI-77:ERROR] Failed to execute script 'main' due to unhandled exception!\n"
IN_DEL = (
    "Exception ignored in: <function Llama.__del__ at 0x7f>\n"
    'Traceback (most recent call last):\n  File "main.py", line 5, in __del__\n'
    "AttributeError: 'Llama' object has no attribute 'model'\n"
)
IN_TASK = (
    "Task exception was never retrieved\n"
    "future: <Task finished name='Task-2' coro=<poll() done> exception=ConnectionError()>\n"
    'Traceback (most recent call last):\n  File "main.py", line 5, in poll\nConnectionError\n'
)


def found(
    stderr: str,
    failure: Failure = Failure.EXITED_BEFORE_READY,
    facts: SidecarFacts = SERVICE,
    **more: Any,
) -> tuple[Cause, str] | None:
    """Cause and fix."""
    finding = diagnose(stderr=stderr, variant="v", facts=facts, failure=failure, **more)
    return (finding.cause, finding.fix) if finding else None


@pytest.mark.parametrize(
    ("failure", "more", "cause"),
    [
        (Failure.UNCLEAN_STOP, {"exit_signal": "SIGTERM"}, Cause.STOP_FORM),
        (Failure.UNCLEAN_STOP, {"exit_code": 143}, Cause.STOP_FORM),
        (Failure.READY_TIMEOUT, {"stdout": "READY"}, Cause.READY_FORM),
        (Failure.LEFT_FILES, {}, None),
        (Failure.STARTED_AGAIN, {}, None),
    ],
)
def test_what_was_told_on_the_way_is_no_cause_of_another_failure(
    failure: Failure, more: dict[str, Any], cause: Cause | None
) -> None:
    """A program that has come so far has done without it."""
    finding = found("WARNING:root:json is used instead\n" + ORJSON, failure, **more)
    assert (finding and finding[0]) == cause


@pytest.mark.parametrize(
    "behind",
    [
        "",
        "orjson not available, using json\nAPP_TOKEN is not set\n",
        "\nDuring handling of the above exception, another exception occurred:\n\n"
        f"{HEAD}KeyError: 'APP_TOKEN'\n",
    ],
)
def test_a_module_that_the_sources_can_do_without_is_never_demanded(behind: str) -> None:
    """However it is told of; one that they need is."""
    without = dataclasses.replace(SERVICE, optional=frozenset({"orjson"}))
    assert found(ORJSON + behind, facts=without) is None
    finding = found(ORJSON)
    assert finding is not None
    assert finding[0] is Cause.MISSING_DEPENDENCY


@pytest.mark.parametrize("level", ["WARNING", "INFO"])
def test_who_gives_up_something_optional_does_not_give_up(level: str) -> None:
    text = f"{level}:app:failed to load the metrics plugin\n{ORJSON}ERROR:app:no licence\n"
    assert found(text) is None


@pytest.mark.parametrize(
    "text",
    [
        GGUF + IN_DEL,
        GGUF + ENDED + IN_DEL,
        GGUF + IN_DEL.replace("in: <function", "in atexit callback: <function"),
        GGUF + IN_TASK,
        GGUF + "2026-11-30 10:00:00 INFO app: bye\n",
        GGUF + ENDED + "2026-11-30 10:00:00 INFO app: bye\n",
        "CRITICAL:root:" + GGUF,
    ],
)
def test_what_is_told_at_the_exit_hides_no_exception(text: str) -> None:
    """Finalisers, tasks that nobody waited for, and a log's last words come behind it."""
    finding = found(text)
    assert finding is not None
    assert 'data = ["models/a.gguf"]' in finding[1]


def test_a_task_that_died_alone_is_shown() -> None:
    """Nothing else says why the program waits in vain."""
    assert "ConnectionError" in last_words(stderr=IN_TASK, stdout="")


@pytest.mark.parametrize(
    "message",
    [
        "TypeError: load() missing 1 required positional argument: 'data'",
        "ValidationError: Field required [type=missing, input_value={'models': 'small'}]",
        "NoReverseMatch: Reverse for 'static' not found. 'static' is not a valid name.",
        "ImportError: /lib/libm.so.6: version `GLIBC_2.38' not found (required by "
        "/opt/app/_internal/shape/_ext.so)",
        "ImportError: cannot import name 'url_quote' from 'werkzeug.urls' "
        "(/opt/app/_internal/werkzeug/urls.pyc)",
        "ImportError: cannot import name 'lod' from 'helpers' (/opt/app/_internal/helpers.pyc). "
        "Did you mean: 'load'?",
        "ModuleNotFoundError: No module named 'winreg'",
        "ModuleNotFoundError: No module named 'shapes._version'",
        "ModuleNotFoundError: No module named 'email.mime'; 'email' is not a package",
        "LookupError: unknown encoding: utf-8-bom",
    ],
)
def test_what_no_key_repairs_gets_none(message: str) -> None:
    """A bug, another version, another system, a file that was never made."""
    assert found(f"{HEAD}{message}\n") is None


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        (
            "alembic.util.exc.CommandError: Path doesn't exist: /opt/app/_internal/migrations.  "
            "Please use the 'init' command to create a new scripts folder.",
            'data = ["migrations"]',
        ),
        # Of its working folder, which alembic.ini does not say.
        ("CommandError: Path doesn't exist: migrations.  Please", "Path(__file__).parent"),
        (
            "FileNotFoundError: [WinError 3] The system cannot find the path specified: "
            r"'C:\\Users\\me\\app\\_internal\\models'",
            'data = ["models"]',
        ),
        (
            "RuntimeError: model file not found: /opt/app/_internal/models/a.gguf.",
            'data = ["models/a.gguf"]',
        ),
        ("RuntimeError: it is missing (/opt/app/_internal/data/t.txt)", 'data = ["data/t.txt"]'),
        ("FileNotFoundError: /opt/app/_internal/models/a.gguf", 'data = ["models/a.gguf"]'),
        (
            "OSError: Could not find a suitable TLS CA certificate bundle, invalid path: "
            "/opt/app/_internal/certifi/cacert.pem",
            'collect = ["certifi"]',
        ),
        (
            "importlib.metadata.PackageNotFoundError: No package metadata was found for The "
            "'certifi>=4.27' distribution was not found and is required by this application.",
            'metadata = ["certifi"]',
        ),
        ("jinja2.exceptions.TemplateNotFound: app.css", 'data = ["static"]'),
        ("LookupError: unknown encoding: windows-1252", 'hidden_imports = ["encodings.cp1252"]'),
        ("ModuleNotFoundError: No module named 'utils'", "Path(__file__).parent / 'vendored'"),
    ],
)
def test_the_right_part_of_a_message_is_read(message: str, fix: str) -> None:
    finding = found(f"{HEAD}{message}\n")
    assert finding is not None
    assert fix in finding[1]


def test_a_file_that_the_sources_do_not_have_is_not_built_again_for_ever() -> None:
    """Its folder is listed; it is not in it."""
    facts = dataclasses.replace(
        SERVICE, data=("data",), shipped=frozenset({"_internal/data/t.txt"})
    )
    finding = found(GGUF.replace("models/a.gguf", "data/state.json"), facts=facts)
    assert finding is not None
    assert "--force" not in finding[1]
    assert "create data/state.json" in finding[1]
    assert "set data" not in finding[1]


def test_a_distribution_that_nobody_brings_has_no_metadata_to_ship() -> None:
    text = (
        f"{HEAD}importlib.metadata.PackageNotFoundError: No package metadata was found for tqdm\n"
    )
    finding = found(text)
    assert finding is not None
    assert finding[0] is Cause.MISSING_DEPENDENCY


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (
            "INFO:     Application startup complete.\n"
            "ERROR:    [Errno 98] error while attempting to bind on address: already in use\n"
            "INFO:     Application shutdown complete.\n",
            "[Errno 98]",
        ),
        ("[PYI-31279:ERROR] Failed to load Python shared library 'libpython3.11.so'\n", "shared"),
        ("INFO:     waiting\nINFO:     gone\n", "gone"),
        ("Error: not found:\n\n[ImportError: Entry point 'gthread' not found\n]\n", "gthread"),
    ],
)
def test_the_last_words_are_those_that_say_why(stderr: str, words: str) -> None:
    """A server goes on to say that it is gone, and a packager's launcher may be all that speaks."""
    assert words in last_words(stderr=stderr, stdout="")
