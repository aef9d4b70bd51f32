"""The tasks of this repository: ``invoke --list``. They are written in commands/, by topic."""

from commands import program

namespace = program(__file__)
