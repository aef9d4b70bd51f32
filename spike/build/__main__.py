"""``python -m spike.build PACKAGER``: what a Nox session runs in the packager's environment."""

from spike.build.builder import main
from spike.core.command_line import run_command_line

if __name__ == "__main__":
    run_command_line(main, interrupted="interrupted: nothing was published")
