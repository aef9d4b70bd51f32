"""The program: what the packager changes about a program that uses Python to the full.

The probe (``benchmarks/faults/probe``) tries one thing in each run and reports; the cases judge.
"""

ORDER = 4
"""Its place in the tables."""
