"""Unit tests of packagers."""
