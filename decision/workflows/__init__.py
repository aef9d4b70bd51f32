"""Commands of several steps: the whole plan, the contingency steps, the issue log."""
