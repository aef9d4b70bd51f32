"""Uses asyncio, dataclasses, functools and contextlib together, and prints what they say."""

import asyncio
import contextlib
import dataclasses
import datetime
import functools
import inspect
import json
import signal
import sys
import types
import typing


@dataclasses.dataclass
class Job:
    """A job."""

    name: str
    done: bool = False


@types.coroutine
def step():
    """A generator that is awaited."""
    yield
    return "stepped"


@contextlib.asynccontextmanager
async def opened(job):
    """Open a job."""
    yield job
    job.done = True


@functools.singledispatch
def describe(value):
    """Describe anything."""
    return "anything"


@describe.register
def _(value: int):
    return "a number"


async def count(n):
    """Count slowly."""
    for i in range(n):
        await asyncio.sleep(0)
        yield i


async def work():
    """Do a little of everything."""
    job = Job("one")
    async with opened(job) as same:
        stepped = await step()
    results = await asyncio.gather(asyncio.sleep(0, 1), asyncio.to_thread(lambda: 2))
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except TimeoutError:
        results.append("timed out")
    process = await asyncio.create_subprocess_exec("/bin/true")
    results.append(await process.wait())
    return [same is job, job.done, stepped, results, [i async for i in count(3)]]


def facts():
    """Everything, as JSON values."""
    return {
        "work": asyncio.run(work()),
        "coroutine functions": [asyncio.iscoroutinefunction(f) for f in (work, step, count)],
        "signatures": [str(inspect.signature(f)) for f in (work, describe, opened, Job)],
        "accelerators": [hasattr(datetime, "datetime_CAPI")],
        "dispatch": [describe(1), describe("a")],
        "hints": {name: str(hint) for name, hint in typing.get_type_hints(Job).items()},
    }


if __name__ == "__main__":
    if "--facts" in sys.argv:
        print(json.dumps(facts(), default=str, sort_keys=True))
        sys.exit(0)
    # Blocked before READY: a host may stop it at that very moment.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    print("READY", flush=True)
    signal.sigwait({signal.SIGTERM})
