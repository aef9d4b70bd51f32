"""Imported by a name that is made while the program runs."""

import sqlite3

ANSWER = sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0]
