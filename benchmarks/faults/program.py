"""The program: what the packager changes about a program that uses Python to the full.

The probe (``benchmarks/faults/probe``) tries one thing in each run and reports; the cases judge.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import BASE_ENVIRONMENT, Setting, Trial, quoted, shell
from benchmarks.faults.verdict import (
    Finding,
    NotRun,
    Outcome,
    Seen,
    checks,
    degraded,
    ended_badly,
    good,
    remains,
    stops,
    worst,
    wrong,
)
from spike.launch.spec import MARK

EXIT_TOO_DEEP = 97
"""The probe's exit code when it has started itself too often in a row."""

SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
"""The system's authorities in one file, on Debian and Ubuntu; see ca-certificates(8)."""

LINKER_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "PYTHONHOME", "PYTHONPATH")
"""Variables that change what a system's program loads; leaking one breaks such programs."""


# --- processes of its own ----------------------------------------------------------------------


@case(
    "A subprocess sees the environment that the program was given: nothing added, nothing changed.",
    needs=(Need.PROBE,),
)
def subprocess_environment(trial: Trial) -> Finding:
    """A leaked LD_LIBRARY_PATH makes the system's programs load the wrong libraries: wrong."""
    seen = trial.ask("environment")
    bad_end = ended_badly(seen)
    if bad_end is not None:
        return bad_end
    found = seen.report["Environment"]
    # PWD and the like are set by no shell here; the probe's own counter and our mark are known.
    known = {*BASE_ENVIRONMENT, "HOME", "TMPDIR", MARK, "SIDECAR_PROBE_DEPTH", "LC_CTYPE"}
    added = sorted(set(found) - known)
    if any(name in LINKER_VARIABLES for name in added):
        names = [name for name in added if name in LINKER_VARIABLES]
        return wrong(f"leaked into subprocesses: {', '.join(names)}", seen)
    if added:
        return degraded(f"leaked into subprocesses: {', '.join(added)}", seen)
    return good("nothing leaked", seen)


@case("LD_LIBRARY_PATH as the user set it reaches a subprocess unchanged.", needs=(Need.PROBE,))
def subprocess_library_path(trial: Trial) -> Finding:
    """The packager's own folders must not be added to it."""
    value = "/nonexistent/of-the-user"
    seen = trial.ask("environment", setting=Setting(env={"LD_LIBRARY_PATH": value}))
    bad_end = ended_badly(seen)
    if bad_end is not None:
        return bad_end
    found = seen.report["Environment"].get("LD_LIBRARY_PATH", "")
    if found != value:
        return wrong(f"a subprocess sees LD_LIBRARY_PATH={found!r}", seen)
    return good("unchanged", seen)


@case("multiprocessing with spawn works, with a bounded number of processes.", needs=(Need.PROBE,))
def multiprocessing_spawn(trial: Trial) -> Finding:
    """A frozen program that starts itself for ever is a fork bomb; the probe counts."""
    return _processes(trial.ask("multiprocessing", "spawn"))


@case(
    "multiprocessing with forkserver works, with a bounded number of processes.",
    needs=(Need.PROBE,),
)
def multiprocessing_forkserver(trial: Trial) -> Finding:
    """The default of Python 3.14 on Linux."""
    return _processes(trial.ask("multiprocessing", "forkserver"))


@case("multiprocessing with fork works.", needs=(Need.PROBE,))
def multiprocessing_fork(trial: Trial) -> Finding:
    """The default of Python 3.11 on Linux."""
    return _processes(trial.ask("multiprocessing", "fork"))


@case("A ProcessPoolExecutor with spawn works.", needs=(Need.PROBE,))
def process_pool_executor(trial: Trial) -> Finding:
    """The way most programs do it."""
    return _processes(trial.ask("executor"))


def _processes(seen: Seen) -> Finding:
    if seen.exit_code == EXIT_TOO_DEEP or any("started itself" in line for line in seen.stderr):
        return wrong("it starts itself again and again", seen)
    # Workers that never answer: the program hangs for ever where the probe has a time limit.
    return checks(seen, grave=("pool", "executor"))


@case("It can start itself again through sys.executable, with arguments.", needs=(Need.PROBE,))
def starts_itself(trial: Trial) -> Finding:
    """A nested launch; sys.executable has to name a file that does that."""
    return checks(trial.ask("self"))


@case("A forked child that exits does not take the program's files with it.", needs=(Need.PROBE,))
def fork_and_exit(trial: Trial) -> Finding:
    """os._exit and sys.exit in a child; then the data file is read."""
    return checks(trial.ask("fork"))


# --- how it ends -------------------------------------------------------------------------------


@case(
    "At the end of main a thread is waited for, a daemon thread is not, and atexit runs.",
    needs=(Need.PROBE,),
)
def threads_at_exit(trial: Trial) -> Finding:
    """Exit code 0, and the three lines in their order."""
    seen = trial.ask("threads")
    problem = _end_of(seen, code=0)
    if problem is not None:
        return problem
    wanted = ("MAIN ENDS", "LATE THREAD", "ATEXIT")
    if seen.stdout != wanted:
        return wrong(f"it said {', '.join(seen.stdout)}", seen)
    return good("the thread is waited for, and atexit runs", seen)


def _end_of(seen: Seen, *, code: int) -> Finding | None:
    if seen.hung:
        return wrong(f"hung: no {seen.hung} in time", seen)
    left = remains(seen)
    if left is not None:
        return left
    if seen.exit_code != code:
        text = f"{seen.ending}, not with {code}: {seen.last_words}"
        # Another code than the program's own is less than promised; a false success misleads.
        return wrong(text, seen) if 0 in (code, seen.exit_code) else degraded(text, seen)
    return None


@case(
    "An unhandled exception: exit code 1, and a traceback with type, message and functions.",
    needs=(Need.PROBE,),
)
def unhandled_exception(trial: Trial) -> Finding:
    """What a host attaches to its error report."""
    seen = trial.ask("exception")
    problem = _end_of(seen, code=1)
    if problem is not None:
        return problem
    said = "\n".join(seen.stderr)
    missing = [
        what
        for what, text in (
            ("the type", "RuntimeError"),
            ("the message", "the reason in words: ü"),
            ("the function that failed", "inner_function_that_fails"),
            ("its caller", "command_exception"),
            ("a line number", "line "),
        )
        if text not in said
    ]
    if missing:
        return degraded(f"the traceback lacks {', '.join(missing)}", seen)
    return good("type, message, functions and lines are there", seen)


@case(
    "sys.exit(3) reaches the host as 3, and sys.exit with a text as 1 and the text.",
    needs=(Need.PROBE,),
)
def exit_codes(trial: Trial) -> Finding:
    """The host's only word on how it went."""
    number = trial.ask("exit", "3")
    text = trial.ask("exit", "words of farewell")
    found = {
        "sys.exit(3)": _end_of(number, code=3) or good("3", number),
        "sys.exit(text)": _end_of(text, code=1) or good("1", text),
    }
    if not any("words of farewell" in line for line in text.stderr):
        found["the text"] = degraded("it is not on stderr", text)
    return worst(found, good_detail="both reach the host")


@case("os.abort reaches the host as SIGABRT, and nothing is left.", needs=(Need.PROBE,))
def abort(trial: Trial) -> Finding:
    """A failed assertion in a C library."""
    return _fatal(trial.ask("abort", setting=_NO_CORE), "SIGABRT")


_NO_CORE = Setting(wrap=shell("ulimit -c 0"))


def _fatal(seen: Seen, name: str) -> Finding:
    if seen.hung:
        return wrong(f"hung: no {seen.hung} in time", seen)
    if seen.exit_code == 0:
        return wrong("exited with 0", seen)
    left = remains(seen)
    if left is not None:
        return left
    if seen.exit_signal != name:
        return degraded(f"{seen.ending}, not ended by {name}", seen)
    return good(f"ended by {name}, nothing left", seen)


@case(
    "Overflow of the C stack reaches the host as SIGSEGV, and nothing is left.", needs=(Need.PROBE,)
)
def stack_overflow(trial: Trial) -> Finding:
    """Recursion through C with the interpreter's guard out of the way."""
    return _fatal(trial.ask("overflow", setting=_NO_CORE), "SIGSEGV")


@case("Endless recursion in Python raises RecursionError.", needs=(Need.PROBE,))
def recursion(trial: Trial) -> Finding:
    """With the interpreter's own limit in place, compiled functions included."""
    return checks(trial.ask("recurse"), grave=("recursion",))


@case(
    "A memory fault reaches the host as SIGSEGV, faulthandler speaks, nothing is left.",
    needs=(Need.PROBE,),
)
def memory_fault(trial: Trial) -> Finding:
    """A read at address 0."""
    seen = trial.ask("segfault", setting=_NO_CORE)
    verdict = _fatal(seen, "SIGSEGV")
    if verdict.outcome is not Outcome.AS_EXPECTED:
        return verdict
    if not any("Fatal Python error" in line for line in seen.stderr):
        return degraded("ended by SIGSEGV, but faulthandler said nothing", seen)
    return verdict


@case("Too much memory asked for raises MemoryError.", needs=(Need.PROBE, Need.LIMITS))
def memory_error(trial: Trial) -> Finding:
    """4 GiB with an address space of 1 GiB."""
    from benchmarks.faults.places import MEGABYTE
    from benchmarks.faults.sandbox import limits

    setting = Setting(wrap=limits(**{"as": 1024 * MEGABYTE}))
    return checks(trial.ask("memory", setting=setting), grave=("memory",))


# --- what it knows about itself ----------------------------------------------------------------


@case(
    "__file__ is absolute, and a data file beside it is found from any working folder.",
    needs=(Need.PROBE,),
)
def file_and_data(trial: Trial) -> Finding:
    """How programs find what they ship."""
    return checks(trial.ask("files"))


@case(
    "inspect answers about functions, generators, coroutines, frames and classes as it does "
    "in an interpreter (source code excepted).",
    needs=(Need.PROBE,),
)
def inspection(trial: Trial) -> Finding:
    """Web frameworks and dependency injection rest on it."""
    return checks(trial.ask("inspect"), ignore=("source",))


@case(
    "dataclasses with every option can be copied, pickled, compared and inspected.",
    needs=(Need.PROBE,),
)
def data_classes(trial: Trial) -> Finding:
    """They are made by exec at run time."""
    return checks(trial.ask("dataclasses"))


@case("importlib.metadata and importlib.resources know a dependency.", needs=(Need.PROBE,))
def metadata_and_resources(trial: Trial) -> Finding:
    """Version checks and plugins rest on the one, data files of packages on the other."""
    return checks(trial.ask("metadata"))


@case(
    "sqlite3, ctypes, compression, hashing, decimal, asyncio, time zones, codecs, names and "
    "logging.config work.",
    needs=(Need.PROBE,),
)
def extension_modules(trial: Trial) -> Finding:
    """Each is imported and used."""
    return checks(trial.ask("extensions"))


@case(
    "Text beyond ASCII on stdout and in file names, with LC_ALL=C: as in an interpreter.",
    needs=(Need.PROBE,),
)
def unicode_in_c_locale(trial: Trial) -> Finding:
    """PEP 540: in the C locale Python uses UTF-8."""
    seen = trial.ask("unicode", setting=Setting(env={"LC_ALL": "C", "LANG": None}))
    verdict = checks(seen, grave=("file_name",))
    if verdict.outcome is Outcome.AS_EXPECTED and "GRÜSSE 漢字 🚀" not in seen.stdout:
        return wrong(f"it said {seen.stdout}", seen)
    return verdict


@case("PYTHONOPTIMIZE does not take the program's assertions away.", needs=(Need.PROBE,))
def python_optimize(trial: Trial) -> Finding:
    """A variable for an interpreter must not change a program's behaviour."""
    seen = trial.ask("interpreter", setting=Setting(env={"PYTHONOPTIMIZE": "2"}))
    bad_end = ended_badly(seen)
    if bad_end is not None:
        return bad_end
    if seen.report["Optimize"] != 0 or not seen.report["Debug"]:
        return degraded(f"sys.flags.optimize is {seen.report['Optimize']}", seen)
    return good("no influence", seen)


@case("PYTHONPATH is not on the program's sys.path.", needs=(Need.PROBE,))
def python_path(trial: Trial) -> Finding:
    """What is there could be imported in place of a module that the packager left out."""
    folder = trial.folder("of-the-user")
    seen = trial.ask("interpreter", setting=Setting(env={"PYTHONPATH": str(folder)}))
    bad_end = ended_badly(seen)
    if bad_end is not None:
        return bad_end
    if any(folder.name in str(entry) for entry in seen.report["Path"]):
        return degraded("PYTHONPATH is on sys.path", seen)
    return good("sys.path holds the program's own places only", seen)


# --- TLS ---------------------------------------------------------------------------------------


@case(
    "TLS with the system's authorities: an authority added to the system is trusted, and "
    "without it the connection is refused.",
    needs=(Need.PROBE, Need.MOUNTS, Need.OPENSSL),
)
def tls_system_authorities(trial: Trial) -> Finding:
    """A company's proxy: its authority is in the system's bundle, put there by a mount."""
    if not SYSTEM_BUNDLE.exists():
        raise NotRun(f"{SYSTEM_BUNDLE} is not there (apt-get install ca-certificates)")
    with _server(trial) as (port, authority):
        bundle = trial.folder("bundle") / "bundle.crt"
        bundle.write_bytes(SYSTEM_BUNDLE.read_bytes() + authority.read_bytes())
        without = trial.ask("tls", str(port), "system")
        with trial.namespace(f"mount --bind {quoted(bundle)} {SYSTEM_BUNDLE}") as space:
            added = trial.ask("tls", str(port), "system", setting=Setting(wrap=space.wrap))
    return worst(
        {
            "without it": _tls(without, trusted=False),
            "with it": _tls(added, trusted=True),
        },
        good_detail=f"{added.report.get('Authorities')} authorities of the system, and the added "
        "one counts",
    )


@case(
    "SSL_CERT_FILE names the authorities to trust: it is obeyed.", needs=(Need.PROBE, Need.OPENSSL)
)
def tls_certificate_file(trial: Trial) -> Finding:
    """The documented way out behind a proxy."""
    with _server(trial) as (port, authority):
        setting = Setting(env={"SSL_CERT_FILE": str(authority)})
        seen = trial.ask("tls", str(port), "system", setting=setting)
    return _tls(seen, trusted=True)


@case(
    "TLS with the packaged authorities (certifi): they are there, and a stranger is refused.",
    needs=(Need.PROBE, Need.OPENSSL),
)
def tls_packaged_authorities(trial: Trial) -> Finding:
    """The bundle is a data file of a dependency."""
    with _server(trial) as (port, _):
        seen = trial.ask("tls", str(port), "packaged")
    verdict = _tls(seen, trusted=False)
    if verdict.outcome is Outcome.AS_EXPECTED and int(seen.report["Authorities"]) < 50:
        return wrong(f"only {seen.report['Authorities']} authorities", seen)
    return verdict


def _tls(seen: Seen, *, trusted: bool) -> Finding:
    bad_end = ended_badly(seen)
    if bad_end is not None:
        return bad_end
    said = str(seen.report["connect"])
    if not trusted:
        return good(said, seen) if said else wrong("it trusts a stranger", seen)
    if said:
        path, count = seen.report["Path"], seen.report["Authorities"]
        return wrong(f"{said} ({count} authorities, it looks in {path})", seen)
    return good("the connection is trusted", seen)


@contextlib.contextmanager
def _server(trial: Trial) -> Iterator[tuple[int, Path]]:
    """A TLS server on 127.0.0.1 with a certificate of an authority of its own.

    Yields the port and the authority's certificate.
    """
    folder = trial.folder("tls")
    authority, certificate, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    steps = (
        (
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            str(folder / "ca.key"),
            "-out",
            str(authority),
            "-days",
            "2",
            "-subj",
            "/CN=Hostile machines test authority",
            "-addext",
            "keyUsage=critical,keyCertSign",
        ),
        (
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            str(key),
            "-out",
            str(folder / "cert.req"),
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ),
        (
            "x509",
            "-req",
            "-in",
            str(folder / "cert.req"),
            "-CA",
            str(authority),
            "-CAkey",
            str(folder / "ca.key"),
            "-CAcreateserial",
            "-out",
            str(certificate),
            "-days",
            "2",
            "-copy_extensions",
            "copy",
        ),
    )
    for step in steps:
        done = trial.tool("openssl", *step)
        if not done.ok:
            raise NotRun(f"openssl {step[0]} fails here: {done.errors.strip()[-200:]}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    stop: queue.SimpleQueue[None] = queue.SimpleQueue()

    def serve() -> None:
        while stop.empty():
            try:
                plain, _ = listener.accept()
            except TimeoutError:
                continue
            with contextlib.suppress(OSError), plain:
                plain.settimeout(10.0)
                with context.wrap_socket(plain, server_side=True) as secure:
                    secure.sendall(b"hello")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], authority
    finally:
        stop.put(None)
        thread.join()
        listener.close()


@case("The probe itself starts, says READY and stops cleanly.", needs=(Need.PROBE,))
def probe_starts(trial: Trial) -> Finding:
    """Without this, no other verdict of the chapter means anything."""
    return stops(trial.run(program=trial.probe))
