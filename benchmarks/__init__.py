"""The benchmarks: one file each, on one launcher, writing raw samples into ``results/``."""
