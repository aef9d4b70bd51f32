"""The time line: what each kept run says, what changed and with which commit, and the budget."""
