"""``python -m packaging_spike``: the same as ``packaging-spike``."""

from packaging_spike.cli import main

main()
