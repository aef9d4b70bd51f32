"""The contract between a sidecar and its host, tried on any program."""

from __future__ import annotations

from invoke.context import Context

from commands.edge import edge, one_of, whole_number
from commands.task import task


@task(
    help={
        "format": "text or json (default text)",
        "timeout": "seconds to READY, 1 to 600 (default 10)",
        "grace": "seconds from the wish to stop to the exit, 1 to 60 (default 8)",
    }
)
@edge
def contract(
    c: Context,
    format: str = "text",  # noqa: A002 - the option's name
    timeout: str = "10",
    grace: str = "8",
) -> int:
    """Try the program behind two dashes, in any language, against docs/contract.md.

    Takes no --sidecar: what is tried is a command, `invoke contract -- ./my-sidecar --option`.
    """
    import json
    import sys

    from spike.contract import render, subject, trial
    from spike.contract.life import Terms
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK

    one_of(format, "--format", ("json", "text"))
    terms = Terms(
        ready_timeout_s=whole_number(timeout, "--timeout", low=1, high=600),
        grace_s=whole_number(grace, "--grace", low=1, high=60),
    )
    # invoke hands on what stands behind the dashes as one text, without the bounds of its words.
    words = sys.argv[sys.argv.index("--") + 1 :] if c.remainder else []
    found = trial.run(
        subject.find(words),
        terms,
        say=lambda what: print(f"... {what}", file=sys.stderr, flush=True),
    )
    if format == "json":
        print(json.dumps(found.as_json(), indent=1))
    else:
        print(render.render(found))
    return EXIT_OK if found.kept else EXIT_GOAL_MISSED
