"""Unit tests of build."""
