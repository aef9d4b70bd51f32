"""What every check of the probe says, and how a problem becomes words."""

import json
import sys


def say(line):
    """Write one line in a single call."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(**checks):
    """Print the outcome of a command's checks."""
    say("REPORT " + json.dumps(checks, sort_keys=True))


def unless(condition, problem):
    """The problem, or nothing when the condition holds."""
    return "" if condition else problem


def attempt(function, *args):
    """Call a check; what it raises is its problem."""
    try:
        return function(*args) or ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
