"""TLS: whose word it takes for a server."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions, quoted
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    ended_badly,
    failed,
    passed,
    worst,
)

SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
"""The system's authorities in one file, on Debian and Ubuntu; see ca-certificates(8)."""


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
