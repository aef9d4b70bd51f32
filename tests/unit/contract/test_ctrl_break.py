"""The messenger of Ctrl-Break: what it does needs Windows, that it says no does not."""

from __future__ import annotations

import os
import sys

import pytest

from spike.contract import ctrl_break


@pytest.mark.skipif(sys.platform == "win32", reason="there it would be sent")
def test_where_there_is_no_console_nothing_is_sent() -> None:
    """The messenger fails, which is an answer and no error."""
    compile(ctrl_break._MESSENGER, "messenger", "exec")
    assert ctrl_break.send(os.getpid()) is False
