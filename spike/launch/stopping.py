"""Stopping a launched program: ask, wait, and say what was wrong with the answer."""

from __future__ import annotations

import signal
import time

from spike.launch.running import Running
from spike.launch.spec import Failure


def stop(running: Running, number: int = signal.SIGTERM) -> bool:
    """Ask for the stop and wait for it; what does not stop in time is killed, and has failed.

    Args:
        running: A program that was started; its failure is recorded there.
        number: The signal that asks, where there are signals.

    Returns:
        Whether it exited with 0 after a stop that was asked for.
    """
    if running.pid is None:
        return False
    running.pump(lambda: True, 0)
    if running.exited:
        running.fail(Failure.DIED_AFTER_READY, f"{running.exit_text()} before it was asked to")
        return False
    asked_ns = time.perf_counter_ns()
    asked = running.ask_to_stop(number)
    grace_s = running.spec.stop_timeout_s
    if not running.wait_exit(grace_s):
        running.fail(
            Failure.UNCLEAN_STOP,
            f"still running {grace_s:g} s after {asked}",
        )
        running.kill()
        return False
    running.stop_ms = (time.perf_counter_ns() - asked_ns) / 1e6
    if running.exit_code != 0:
        running.fail(Failure.UNCLEAN_STOP, f"{running.exit_text()} after {asked}")
        return False
    return True
