"""Bringing results of other machines in: found, checked, and kept side by side.

``folders`` finds the results in what a CI job hands over, ``checks`` says what is wrong with them,
and ``keeping`` puts them where the record looks, replaces and withdraws them.
"""
