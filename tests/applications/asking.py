"""How the smoke checks of the applications here ask; each has a copy among its tests."""

import sys
import urllib.request

BASE = f"http://127.0.0.1:{sys.argv[1]}"


def get(path, data=None, headers=None):
    request = urllib.request.Request(BASE + path, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {error.code} {error.read()[-400:]}")


def need(text, *words):
    for word in words:
        if word not in text:
            sys.exit(f"{word!r} is missing in: {text[:300]}")
