"""The sidecar, as the application runs it: ``npm test``."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

MAIN = Path(__file__).parents[1] / "sidecar" / "main.py"


def ask(url: str, token: str) -> Any:
    """Get a page of the sidecar as the plugin's ``fetch`` does."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_it_greets_who_shows_the_token_and_ends_with_its_stdin() -> None:
    """The whole life: ready, asked, stopped."""
    env = {**os.environ, "SIDECAR_TOKEN": "secret", "SIDECAR_EXIT_ON_EOF": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": env}
    with subprocess.Popen([sys.executable, str(MAIN)], **pipes) as sidecar:
        port = sidecar.stdout.readline().removeprefix("LISTEN port=").strip()
        assert sidecar.stdout.readline() == "READY\n"
        url = f"http://127.0.0.1:{port}/hello?name=test"
        assert ask(url, "secret")["message"].startswith("Hello test")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(url, "another")
        sidecar.stdin.close()
        assert sidecar.wait(timeout=10) == 0
