"""A package as its users have it."""

from __future__ import annotations

from invoke.context import Context

from commands.edge import edge, one_of, whole_number
from commands.task import task


@task(
    help={
        "package": "the .deb or .rpm that the Tauri bundler made",
        "next": "its next version (default: made from it by repacking, with other sidecars)",
        "ready-url": "READY is when this address answers, or this /path at the sidecar's port",
        "ready-file": "READY is when this file is there; ~ is the user's home",
        "ready-log": "READY is when the application has printed these words",
        "settle": "seconds that a sidecar's process must have been there, 0 to 60 (default 2)",
        "health": "address, or /path at the sidecar's port, that answers 2xx",
        "timeout": "seconds from the start to READY, 1 to 600 (default 60)",
        "grace": "seconds from the quit or the kill to nothing left, 1 to 120 (default 15)",
        "env": "NAME=VALUE for the application (repeatable)",
        "network": "give it this machine's network; by default it has a loopback of its own",
        "nsis-hook": "write the NSIS hook that stops its sidecars to this file",
        "format": "text or json (default text)",
    },
    iterable=["env"],
)
@edge
def installed(
    c: Context,
    package: str,
    env: list[str],
    next: str = "",  # noqa: A002 - the option's name
    ready_url: str = "",
    ready_file: str = "",
    ready_log: str = "",
    settle: str = "2",
    health: str = "",
    timeout: str = "60",
    grace: str = "15",
    network: bool = False,
    nsis_hook: str = "",
    format: str = "text",  # noqa: A002 - the option's name
) -> int:
    """Install, start, quit, kill, upgrade and remove a package in a root of its own.

    Takes no --sidecar: what is proved is a package, with whatever is in it.
    """
    import json
    import sys
    from pathlib import Path

    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK
    from spike.installed import render, trial
    from spike.installed.request import Terms, variables

    one_of(format, "--format", ("json", "text"))
    terms = Terms(
        ready_url=ready_url,
        ready_file=ready_file,
        ready_log=ready_log,
        settle_s=whole_number(settle, "--settle", low=0, high=60),
        health=health,
        timeout_s=whole_number(timeout, "--timeout", low=1, high=600),
        grace_s=whole_number(grace, "--grace", low=1, high=120),
        network=network,
        env=variables(env),
    )
    found = trial.run(
        Path(package),
        Path(next) if next else None,
        terms,
        Path(nsis_hook) if nsis_hook else None,
        say=lambda what: print(f"... {what}", file=sys.stderr, flush=True),
    )
    if format == "json":
        print(json.dumps(found.as_json(), indent=1))
    else:
        print(render.render(found))
    return EXIT_OK if found.proved else EXIT_GOAL_MISSED
