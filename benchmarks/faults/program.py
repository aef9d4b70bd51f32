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
from benchmarks.faults.sandbox import BASE_ENVIRONMENT, Conditions, Sandbox, quoted, shell
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    checks,
    degraded,
    ended_badly,
    failed,
    passed,
    remains,
    stops,
    worst,
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
def subprocess_environment(sandbox: Sandbox) -> CaseResult:
    """A leaked LD_LIBRARY_PATH makes the system's programs load the wrong libraries: a failure."""
    observation = sandbox.ask("environment")
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    environment = observation.report["Environment"]
    # PWD and the like are set by no shell here; the probe's own counter and our mark are known.
    expected = {*BASE_ENVIRONMENT, "HOME", "TMPDIR", MARK, "SIDECAR_PROBE_DEPTH", "LC_CTYPE"}
    added = sorted(set(environment) - expected)
    if any(name in LINKER_VARIABLES for name in added):
        names = [name for name in added if name in LINKER_VARIABLES]
        return failed(f"leaked into subprocesses: {', '.join(names)}", observation)
    if added:
        return degraded(f"leaked into subprocesses: {', '.join(added)}", observation)
    return passed("nothing leaked", observation)


@case("LD_LIBRARY_PATH as the user set it reaches a subprocess unchanged.", needs=(Need.PROBE,))
def subprocess_library_path(sandbox: Sandbox) -> CaseResult:
    """The packager's own folders must not be added to it."""
    value = "/nonexistent/of-the-user"
    observation = sandbox.ask("environment", conditions=Conditions(env={"LD_LIBRARY_PATH": value}))
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    arrived = observation.report["Environment"].get("LD_LIBRARY_PATH", "")
    if arrived != value:
        return failed(f"a subprocess sees LD_LIBRARY_PATH={arrived!r}", observation)
    return passed("unchanged", observation)


@case("multiprocessing with spawn works, with a bounded number of processes.", needs=(Need.PROBE,))
def multiprocessing_spawn(sandbox: Sandbox) -> CaseResult:
    """A frozen program that starts itself for ever is a fork bomb; the probe counts."""
    return _processes(sandbox.ask("multiprocessing", "spawn"))


@case(
    "multiprocessing with forkserver works, with a bounded number of processes.",
    needs=(Need.PROBE,),
)
def multiprocessing_forkserver(sandbox: Sandbox) -> CaseResult:
    """The default of Python 3.14 on Linux."""
    return _processes(sandbox.ask("multiprocessing", "forkserver"))


@case("multiprocessing with fork works.", needs=(Need.PROBE,))
def multiprocessing_fork(sandbox: Sandbox) -> CaseResult:
    """The default of Python 3.11 on Linux."""
    return _processes(sandbox.ask("multiprocessing", "fork"))


@case("A ProcessPoolExecutor with spawn works.", needs=(Need.PROBE,))
def process_pool_executor(sandbox: Sandbox) -> CaseResult:
    """The way most programs do it."""
    return _processes(sandbox.ask("executor"))


def _processes(observation: Observation) -> CaseResult:
    if observation.exit_code == EXIT_TOO_DEEP or any(
        "started itself" in line for line in observation.stderr
    ):
        return failed("it starts itself again and again", observation)
    # Workers that never answer: the program hangs for ever where the probe has a time limit.
    return checks(observation, grave=("pool", "executor"))


@case("It can start itself again through sys.executable, with arguments.", needs=(Need.PROBE,))
def starts_itself(sandbox: Sandbox) -> CaseResult:
    """A nested launch; sys.executable has to name a file that does that."""
    return checks(sandbox.ask("self"))


@case("A forked child that exits does not take the program's files with it.", needs=(Need.PROBE,))
def fork_and_exit(sandbox: Sandbox) -> CaseResult:
    """os._exit and sys.exit in a child; then the data file is read."""
    return checks(sandbox.ask("fork"))


# --- how it ends -------------------------------------------------------------------------------


@case(
    "At the end of main a thread is waited for, a daemon thread is not, and atexit runs.",
    needs=(Need.PROBE,),
)
def threads_at_exit(sandbox: Sandbox) -> CaseResult:
    """Exit code 0, and the three lines in their order."""
    observation = sandbox.ask("threads")
    problem = _end_of(observation, code=0)
    if problem is not None:
        return problem
    wanted = ("MAIN ENDS", "LATE THREAD", "ATEXIT")
    if observation.stdout != wanted:
        return failed(f"it said {', '.join(observation.stdout)}", observation)
    return passed("the thread is waited for, and atexit runs", observation)


def _end_of(observation: Observation, *, code: int) -> CaseResult | None:
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    left = remains(observation)
    if left is not None:
        return left
    if observation.exit_code != code:
        text = f"{observation.ending}, not with {code}: {observation.last_words}"
        # Another code than the program's own is less than promised; a false success misleads.
        return (
            failed(text, observation)
            if 0 in (code, observation.exit_code)
            else degraded(text, observation)
        )
    return None


@case(
    "An unhandled exception: exit code 1, and a traceback with type, message and functions.",
    needs=(Need.PROBE,),
)
def unhandled_exception(sandbox: Sandbox) -> CaseResult:
    """What a host attaches to its error report."""
    observation = sandbox.ask("exception")
    problem = _end_of(observation, code=1)
    if problem is not None:
        return problem
    stderr = "\n".join(observation.stderr)
    missing = [
        part
        for part, text in (
            ("the type", "RuntimeError"),
            ("the message", "the reason in words: ü"),
            ("the function that failed", "inner_function_that_fails"),
            ("its caller", "command_exception"),
            ("a line number", "line "),
        )
        if text not in stderr
    ]
    if missing:
        return degraded(f"the traceback lacks {', '.join(missing)}", observation)
    return passed("type, message, functions and lines are there", observation)


@case(
    "sys.exit(3) reaches the host as 3, and sys.exit with a text as 1 and the text.",
    needs=(Need.PROBE,),
)
def exit_codes(sandbox: Sandbox) -> CaseResult:
    """The host's only word on how it went."""
    number = sandbox.ask("exit", "3")
    text = sandbox.ask("exit", "words of farewell")
    by_call = {
        "sys.exit(3)": _end_of(number, code=3) or passed("3", number),
        "sys.exit(text)": _end_of(text, code=1) or passed("1", text),
    }
    if not any("words of farewell" in line for line in text.stderr):
        by_call["the text"] = degraded("it is not on stderr", text)
    return worst(by_call, pass_detail="both reach the host")


@case("os.abort reaches the host as SIGABRT, and nothing is left.", needs=(Need.PROBE,))
def abort(sandbox: Sandbox) -> CaseResult:
    """A failed assertion in a C library."""
    return _fatal(sandbox.ask("abort", conditions=_NO_CORE), "SIGABRT")


_NO_CORE = Conditions(wrap=shell("ulimit -c 0"))


def _fatal(observation: Observation, name: str) -> CaseResult:
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    if observation.exit_code == 0:
        return failed("exited with 0", observation)
    left = remains(observation)
    if left is not None:
        return left
    if observation.exit_signal != name:
        return degraded(f"{observation.ending}, not ended by {name}", observation)
    return passed(f"ended by {name}, nothing left", observation)


@case(
    "Overflow of the C stack reaches the host as SIGSEGV, and nothing is left.", needs=(Need.PROBE,)
)
def stack_overflow(sandbox: Sandbox) -> CaseResult:
    """Recursion through C with the interpreter's guard out of the way."""
    return _fatal(sandbox.ask("overflow", conditions=_NO_CORE), "SIGSEGV")


@case("Endless recursion in Python raises RecursionError.", needs=(Need.PROBE,))
def recursion(sandbox: Sandbox) -> CaseResult:
    """With the interpreter's own limit in place, compiled functions included."""
    return checks(sandbox.ask("recurse"), grave=("recursion",))


@case(
    "A memory fault reaches the host as SIGSEGV, faulthandler speaks, nothing is left.",
    needs=(Need.PROBE,),
)
def memory_fault(sandbox: Sandbox) -> CaseResult:
    """A read at address 0."""
    observation = sandbox.ask("segfault", conditions=_NO_CORE)
    verdict = _fatal(observation, "SIGSEGV")
    if verdict.status is not Status.PASS:
        return verdict
    if not any("Fatal Python error" in line for line in observation.stderr):
        return degraded("ended by SIGSEGV, but faulthandler said nothing", observation)
    return verdict


@case("Too much memory asked for raises MemoryError.", needs=(Need.PROBE, Need.LIMITS))
def memory_error(sandbox: Sandbox) -> CaseResult:
    """4 GiB with an address space of 1 GiB."""
    from benchmarks.faults.places import MEGABYTE
    from benchmarks.faults.sandbox import limits

    conditions = Conditions(wrap=limits(**{"as": 1024 * MEGABYTE}))
    return checks(sandbox.ask("memory", conditions=conditions), grave=("memory",))


# --- what it knows about itself ----------------------------------------------------------------


@case(
    "__file__ is absolute, and a data file beside it is found from any working folder.",
    needs=(Need.PROBE,),
)
def file_and_data(sandbox: Sandbox) -> CaseResult:
    """How programs find what they ship."""
    return checks(sandbox.ask("files"))


@case(
    "inspect answers about functions, generators, coroutines, frames and classes as it does "
    "in an interpreter (source code excepted).",
    needs=(Need.PROBE,),
)
def inspection(sandbox: Sandbox) -> CaseResult:
    """Web frameworks and dependency injection rest on it."""
    return checks(sandbox.ask("inspect"), ignore=("source",))


@case(
    "dataclasses with every option can be copied, pickled, compared and inspected.",
    needs=(Need.PROBE,),
)
def data_classes(sandbox: Sandbox) -> CaseResult:
    """They are made by exec at run time."""
    return checks(sandbox.ask("dataclasses"))


@case("importlib.metadata and importlib.resources know a dependency.", needs=(Need.PROBE,))
def metadata_and_resources(sandbox: Sandbox) -> CaseResult:
    """Version checks and plugins rest on the one, data files of packages on the other."""
    return checks(sandbox.ask("metadata"))


@case(
    "sqlite3, ctypes, compression, hashing, decimal, asyncio, time zones, codecs, names and "
    "logging.config work.",
    needs=(Need.PROBE,),
)
def extension_modules(sandbox: Sandbox) -> CaseResult:
    """Each is imported and used."""
    return checks(sandbox.ask("extensions"))


@case(
    "Text beyond ASCII on stdout and in file names, with LC_ALL=C: as in an interpreter.",
    needs=(Need.PROBE,),
)
def unicode_in_c_locale(sandbox: Sandbox) -> CaseResult:
    """PEP 540: in the C locale Python uses UTF-8."""
    observation = sandbox.ask("unicode", conditions=Conditions(env={"LC_ALL": "C", "LANG": None}))
    verdict = checks(observation, grave=("file_name",))
    if verdict.status is Status.PASS and "GRÜSSE 漢字 🚀" not in observation.stdout:
        return failed(f"it said {observation.stdout}", observation)
    return verdict


@case("PYTHONOPTIMIZE does not take the program's assertions away.", needs=(Need.PROBE,))
def python_optimize(sandbox: Sandbox) -> CaseResult:
    """A variable for an interpreter must not change a program's behaviour."""
    observation = sandbox.ask("interpreter", conditions=Conditions(env={"PYTHONOPTIMIZE": "2"}))
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    if observation.report["Optimize"] != 0 or not observation.report["Debug"]:
        return degraded(f"sys.flags.optimize is {observation.report['Optimize']}", observation)
    return passed("no influence", observation)


@case("PYTHONPATH is not on the program's sys.path.", needs=(Need.PROBE,))
def python_path(sandbox: Sandbox) -> CaseResult:
    """What is there could be imported in place of a module that the packager left out."""
    folder = sandbox.folder("of-the-user")
    observation = sandbox.ask("interpreter", conditions=Conditions(env={"PYTHONPATH": str(folder)}))
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    if any(folder.name in str(entry) for entry in observation.report["Path"]):
        return degraded("PYTHONPATH is on sys.path", observation)
    return passed("sys.path holds the program's own places only", observation)


# --- TLS ---------------------------------------------------------------------------------------


@case(
    "TLS with the system's authorities: an authority added to the system is trusted, and "
    "without it the connection is refused.",
    needs=(Need.PROBE, Need.MOUNTS, Need.OPENSSL),
)
def tls_system_authorities(sandbox: Sandbox) -> CaseResult:
    """A company's proxy: its authority is in the system's bundle, put there by a mount."""
    if not SYSTEM_BUNDLE.exists():
        raise NotRun(f"{SYSTEM_BUNDLE} is not there (apt-get install ca-certificates)")
    with _server(sandbox) as (port, authority):
        bundle = sandbox.folder("bundle") / "bundle.crt"
        bundle.write_bytes(SYSTEM_BUNDLE.read_bytes() + authority.read_bytes())
        without = sandbox.ask("tls", str(port), "system")
        with sandbox.namespace(f"mount --bind {quoted(bundle)} {SYSTEM_BUNDLE}") as space:
            added = sandbox.ask("tls", str(port), "system", conditions=Conditions(wrap=space.wrap))
    return worst(
        {
            "without it": _tls(without, trusted=False),
            "with it": _tls(added, trusted=True),
        },
        pass_detail=f"{added.report.get('Authorities')} authorities of the system, and the added "
        "one counts",
    )


@case(
    "SSL_CERT_FILE names the authorities to trust: it is obeyed.", needs=(Need.PROBE, Need.OPENSSL)
)
def tls_certificate_file(sandbox: Sandbox) -> CaseResult:
    """The documented way out behind a proxy."""
    with _server(sandbox) as (port, authority):
        conditions = Conditions(env={"SSL_CERT_FILE": str(authority)})
        observation = sandbox.ask("tls", str(port), "system", conditions=conditions)
    return _tls(observation, trusted=True)


@case(
    "TLS with the packaged authorities (certifi): they are there, and a stranger is refused.",
    needs=(Need.PROBE, Need.OPENSSL),
)
def tls_packaged_authorities(sandbox: Sandbox) -> CaseResult:
    """The bundle is a data file of a dependency."""
    with _server(sandbox) as (port, _):
        observation = sandbox.ask("tls", str(port), "packaged")
    verdict = _tls(observation, trusted=False)
    if verdict.status is Status.PASS and int(observation.report["Authorities"]) < 50:
        return failed(f"only {observation.report['Authorities']} authorities", observation)
    return verdict


def _tls(observation: Observation, *, trusted: bool) -> CaseResult:
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    refusal = str(observation.report["connect"])
    if not trusted:
        return (
            passed(refusal, observation) if refusal else failed("it trusts a stranger", observation)
        )
    if refusal:
        path, count = observation.report["Path"], observation.report["Authorities"]
        return failed(f"{refusal} ({count} authorities, it looks in {path})", observation)
    return passed("the connection is trusted", observation)


@contextlib.contextmanager
def _server(sandbox: Sandbox) -> Iterator[tuple[int, Path]]:
    """A TLS server on 127.0.0.1 with a certificate of an authority of its own.

    Yields the port and the authority's certificate.
    """
    folder = sandbox.folder("tls")
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
        completed = sandbox.tool("openssl", *step)
        if not completed.ok:
            raise NotRun(f"openssl {step[0]} fails here: {completed.errors.strip()[-200:]}")
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
def probe_starts(sandbox: Sandbox) -> CaseResult:
    """Without this, no other verdict of these cases means anything."""
    return stops(sandbox.run(program=sandbox.probe))
