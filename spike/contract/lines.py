"""What to add for a row that is not kept: lines of code where the language is known, else words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from spike.contract.promises import Row
from spike.contract.subject import GO, NODE, PYTHON
from spike.core.workspace import brought

HELPER = "examples/contract/python/sidecar_contract.py"
"""The file that keeps the contract for a program in Python."""

_BEGIN = f"import sidecar_contract as sidecar  # copied from {HELPER}"
_NODE_STDIN = 'if (process.env.SIDECAR_EXIT_ON_EOF === "1") process.stdin.on("end", stop).resume();'
_GO_STDIN = "go func() { io.Copy(io.Discard, os.Stdin); close(ended) }()"
_GO_SIGNALS = "signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)"

_PYTHON_STOP = (
    _BEGIN,
    "sidecar.begin()  # first, in the main thread",
    "sidecar.on_stop(server.shutdown)",
    "sidecar.wait()  # behind the server's loop, or in its place",
)

_WORDS: Mapping[Row, str] = {
    Row.READY: "Write the five letters and a line feed to descriptor 1 in one write, once it takes "
    "requests, and flush; logs go to stderr.",
    Row.READY_ONCE: "Say it in one place, of the first process alone: a worker or a reloader that "
    "runs the main program again says it again.",
    Row.PORT_ZERO: "Bind port 0 of 127.0.0.1 when SIDECAR_PORT is 0 or absent, ask the socket for "
    "its port, and say LISTEN port=<port> on stdout before READY.",
    Row.PORT_GIVEN: "Bind the number in SIDECAR_PORT.",
    Row.LOOPBACK: "Bind 127.0.0.1, not 0.0.0.0, not ::, not an empty host.",
    Row.TOKEN: "Compare the header Authorization with 'Bearer ' and SIDECAR_TOKEN in constant time "
    "before anything else, and answer 401; over another protocol the token is the first line, and "
    "the connection is closed without it. Write the token into no log and no argument.",
    Row.END_OF_STDIN: "With SIDECAR_EXIT_ON_EOF=1, read stdin in a thread of its own; its end "
    "means stop, with exit code 0.",
    Row.SIGTERM: "Handle SIGTERM: finish what is under way, and exit with 0.",
    Row.SIGINT: "Handle SIGINT like SIGTERM.",
    Row.CTRL_BREAK: "Handle Ctrl-Break (SetConsoleCtrlHandler) like SIGTERM elsewhere.",
    Row.STOP_WHILE_STARTING: "Watch signals and stdin before the slow part of the start, or leave "
    "the system's own handlers until it is over.",
    Row.UNREAD_STDOUT: "Write nothing to stdout after READY, or drop what does not fit; logs go to "
    "stderr.",
    Row.SECOND_INSTANCE: "No fixed port, no lock and no file that only one may have; a database "
    "that both open is one that two processes can open.",
    Row.HOST_GONE: "An error while it writes to stdout or stderr means that the host is gone: "
    "stop, as at the end of stdin.",
    Row.KILLED: "Its child processes watch something that ends with it: a pipe from it, or (Linux) "
    "prctl(PR_SET_PDEATHSIG).",
    Row.NO_PROCESSES: "End and wait for every process that it has started before it exits.",
    Row.NO_FILES: "Remove temporary files at the end, and keep the user's below XDG_DATA_HOME or "
    "~/.local/share, %APPDATA%, ~/Library/Application Support.",
}

_LINES: Mapping[str, Mapping[Row, tuple[str, ...]]] = {
    PYTHON: {
        Row.READY: (_BEGIN, "sidecar.begin()", "sidecar.ready(server.server_port)"),
        Row.READY_ONCE: (
            'if __name__ == "__main__":',
            "    multiprocessing.freeze_support()",
            "    main()  # and no reload=True, no workers=",
        ),
        Row.PORT_ZERO: (
            _BEGIN,
            'server = make_server("127.0.0.1", sidecar.port)',
            "sidecar.ready(server.server_port)",
        ),
        Row.PORT_GIVEN: (_BEGIN, 'server = make_server("127.0.0.1", sidecar.port)'),
        Row.LOOPBACK: ('server = make_server("127.0.0.1", sidecar.port)',),
        Row.TOKEN: (
            _BEGIN,
            'if not sidecar.allowed(request.headers.get("Authorization")):',
            "    return 401",
        ),
        Row.END_OF_STDIN: _PYTHON_STOP,
        Row.SIGTERM: _PYTHON_STOP,
        Row.SIGINT: _PYTHON_STOP,
        Row.CTRL_BREAK: _PYTHON_STOP,
        Row.STOP_WHILE_STARTING: (_BEGIN, "sidecar.begin()  # before the slow imports"),
        Row.UNREAD_STDOUT: (_BEGIN, "sidecar.begin()  # what is printed then goes to stderr"),
        Row.HOST_GONE: _PYTHON_STOP,
        # What daemon=True ends is ended by a parent that ends by itself, not by a killed one.
        Row.KILLED: (
            "parent = multiprocessing.parent_process()  # first, in each child",
            "threading.Thread(target=lambda: (parent.join(), os._exit(0)), daemon=True).start()",
        ),
        Row.NO_PROCESSES: (
            "child = subprocess.Popen(command, stdin=subprocess.DEVNULL)",
            "try:",
            "    sidecar.wait()",
            "finally:",
            "    child.terminate()",
            "    child.wait()",
        ),
        Row.NO_FILES: (
            "with tempfile.TemporaryDirectory() as scratch:",
            "    serve(scratch)",
        ),
    },
    NODE: {
        Row.READY: (
            'import { writeSync } from "node:fs";',
            'server.listen(port, "127.0.0.1", () => writeSync(1, "READY\\n"));',
        ),
        Row.PORT_ZERO: (
            "const port = Number(process.env.SIDECAR_PORT || 0);",
            'server.listen(port, "127.0.0.1", () =>',
            "  writeSync(1, `LISTEN port=${server.address().port}\\nREADY\\n`));",
        ),
        Row.PORT_GIVEN: ("const port = Number(process.env.SIDECAR_PORT || 0);",),
        Row.LOOPBACK: ('server.listen(port, "127.0.0.1");',),
        Row.TOKEN: (
            "if (request.headers.authorization !== `Bearer ${process.env.SIDECAR_TOKEN}`) {",
            '  response.writeHead(401).end("no token\\n");  // compare by timingSafeEqual',
            "  return;",
            "}",
        ),
        Row.END_OF_STDIN: (
            "const stop = () => server.close(() => process.exit(0));",
            _NODE_STDIN,
        ),
        Row.SIGTERM: (
            "const stop = () => server.close(() => process.exit(0));",
            'process.on("SIGTERM", stop);',
        ),
        Row.SIGINT: ('process.on("SIGINT", stop);',),
        Row.CTRL_BREAK: ('process.on("SIGBREAK", stop);',),
        Row.UNREAD_STDOUT: (
            'import { Console } from "node:console";',
            "globalThis.console = new Console(process.stderr);",
        ),
        Row.HOST_GONE: (_NODE_STDIN, 'process.stderr.on("error", stop);'),
        Row.NO_PROCESSES: ('process.on("exit", () => child.kill());',),
        Row.NO_FILES: (
            'process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));',
        ),
    },
    GO: {
        Row.READY: ('fmt.Printf("READY\\n") // behind net.Listen; log writes to stderr',),
        Row.PORT_ZERO: (
            'listener, err := net.Listen("tcp", "127.0.0.1:"+port) // SIDECAR_PORT, or "0"',
            'fmt.Printf("LISTEN port=%d\\nREADY\\n", listener.Addr().(*net.TCPAddr).Port)',
        ),
        Row.PORT_GIVEN: (
            'listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("SIDECAR_PORT"))',
        ),
        Row.LOOPBACK: ('listener, err := net.Listen("tcp", "127.0.0.1:"+port)',),
        Row.TOKEN: (
            'wanted := []byte("Bearer " + os.Getenv("SIDECAR_TOKEN"))',
            'shown := []byte(request.Header.Get("Authorization"))',
            "if subtle.ConstantTimeCompare(shown, wanted) != 1 {",
            '\thttp.Error(writer, "no token", http.StatusUnauthorized)',
            "\treturn",
            "}",
        ),
        Row.END_OF_STDIN: (_GO_STDIN, "<-ended"),
        Row.SIGTERM: (_GO_SIGNALS, "<-signals", "server.Shutdown(limit)"),
        Row.SIGINT: (_GO_SIGNALS, "<-signals", "server.Shutdown(limit)"),
        Row.CTRL_BREAK: (_GO_SIGNALS, "<-signals // Ctrl-Break comes as os.Interrupt"),
        Row.UNREAD_STDOUT: ("log.SetOutput(os.Stderr) // and no fmt.Print after READY",),
        Row.HOST_GONE: (_GO_STDIN, "<-ended"),
        Row.KILLED: (
            "runtime.LockOSThread() // Linux: the signal comes when the thread ends that starts it",
            "command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}",
        ),
        Row.NO_PROCESSES: ("defer func() { command.Process.Kill(); command.Wait() }()",),
        Row.NO_FILES: ("defer os.RemoveAll(scratch)",),
    },
}


_UNPACKED = re.compile(r"temporary folder: (_MEI|onefile_)\w+")
"""What the onefile launchers of PyInstaller and Nuitka unpack, by their folders' names."""


def of(row: Row, language: str, detail: str = "") -> tuple[str, ...]:
    """The lines for a row, in a language when it is known and has some, else in words.

    Args:
        row: What is not kept.
        language: See :class:`spike.contract.subject.Subject`.
        detail: What was seen.
    """
    if row is Row.NO_FILES and _UNPACKED.search(detail):
        return (
            "The onefile launcher of its packager leaves what it has unpacked: ship a folder "
            "(nox -s build_pyinstaller -- --mode onedir), or have the host give it a temporary "
            "folder of its own and remove that.",
        )
    found = _LINES.get(language, {}).get(row) or (_WORDS[row],)
    return tuple(line.replace(HELPER, brought(HELPER)) for line in found)
