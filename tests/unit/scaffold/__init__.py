"""Tests of spike.scaffold."""
