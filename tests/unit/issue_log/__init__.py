"""Unit tests of issue_log."""
