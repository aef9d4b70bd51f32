"""Runs a plain script and notes what its imports do; with rewritten libraries, where asked for.

Python imports a module of this name when it starts. ``SPIKE_FAST_START`` names a file that
says what is rewritten, what is noted and where; see :mod:`spike.faststart.trials`. Rewritten code
has its original file's name, and who asks for the source gets the original's.
"""

import os
import sys


def _begin():
    import marshal  # built in: nothing else of the library is there because of us

    with open(os.environ["SPIKE_FAST_START"], "rb") as file:
        settings = marshal.load(file)
    sys.path.append(settings["tools"])
    try:
        import fast_start_trial
    finally:
        sys.path.remove(settings["tools"])
    fast_start_trial.begin(settings)


def _hand_on(own):
    """Import the module of this name that the environment has itself, if any."""
    sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != own]
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        sys.modules["sitecustomize"] = ours  # whoever imports it expects to find it


if os.environ.get("SPIKE_FAST_START"):
    _begin()
_hand_on(os.path.dirname(os.path.abspath(__file__)))
