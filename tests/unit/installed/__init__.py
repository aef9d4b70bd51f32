"""Installed packages: parsing and rules."""
