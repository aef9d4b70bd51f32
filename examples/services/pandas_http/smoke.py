"""Smoke check: a table's statistics, and a text that is no table. Usage: python smoke.py PORT."""

import json
import sys
import urllib.error
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
URL = f"http://127.0.0.1:{sys.argv[1]}/statistics"

with OPENER.open(URL, b"group,x\na,1\nb,2\na,3\n", timeout=20) as response:
    found = json.load(response)
assert found == {
    "rows": 3,
    "mean": {"x": 2.0},
    "groups": {"a": {"x": 2.0}, "b": {"x": 2.0}},
    "trend": {"x": 1.0},
}, found
try:
    OPENER.open(URL, b"\n", timeout=20).close()
except urllib.error.HTTPError as error:
    with error:
        status = error.code
else:
    status = 200
assert status == 400, f"a table without a line gives {status}"
