"""``python -m spike.build PACKAGER``: what a Nox session runs in the packager's environment."""

import sys

from spike.build.builder import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
