"""Unit tests of the contract."""
