"""Decisions: evidence read from results, the plan's rules, and the record that states them."""
