"""What it takes from its environment: variables, encodings, authorities for TLS."""

import os
import sys

from reporting import attempt, report, say, unless

SHELL = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "cmd.exe")
"""A program of the system that is there on Windows."""


def command_environment():
    """The environment that a subprocess of the program sees, and a system program's run."""
    import subprocess

    asked = [SHELL, "/u", "/c", "set"] if sys.platform == "win32" else ["/usr/bin/env", "-0"]
    seen = subprocess.run(asked, capture_output=True, check=True, timeout=30)
    if sys.platform == "win32":
        entries = seen.stdout.decode("utf-16-le").split("\r\n")
    else:
        entries = [os.fsdecode(entry) for entry in seen.stdout.split(b"\0")]
    pairs = [entry.partition("=") for entry in entries if entry]
    report(Environment={key: value for key, _, value in pairs})


def command_interpreter():
    """What the interpreter took from its environment."""
    import encodings
    import json.decoder

    report(
        Optimize=sys.flags.optimize,
        Debug=__debug__,
        Inspect=sys.flags.inspect,
        Path=sys.path,
        Encoding=sys.stdout.encoding,
        FileSystemEncoding=sys.getfilesystemencoding(),
        JsonFile=json.decoder.__file__ or "",
        EncodingsFile=getattr(encodings, "__file__", "") or "",
    )


def command_unicode():
    """Print what is not ASCII, and name a file so."""
    import tempfile

    def name_a_file():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "Grüße 漢字 🚀")
            with open(path, "w", encoding="utf-8") as stream:
                stream.write("x")
            return unless(os.listdir(folder) == ["Grüße 漢字 🚀"], str(os.listdir(folder)))

    say("GRÜSSE 漢字 🚀")
    report(file_name=attempt(name_a_file))


def command_tls(port, authorities="system"):
    """Connect with TLS to 127.0.0.1; trust the system's or the packaged authorities."""
    import socket
    import ssl

    if authorities == "packaged":
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    else:
        context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    verified = ""
    try:
        with (
            socket.create_connection(("127.0.0.1", int(port)), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.recv(16)
    except ssl.SSLCertVerificationError as error:
        verified = f"refused: {error.verify_message}"
    report(
        connect=verified,
        Authorities=len(context.get_ca_certs()),
        Path=paths.openssl_cafile,
        OpenSSL=ssl.OPENSSL_VERSION,
    )
