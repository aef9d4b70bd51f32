"""The answer: what ships, what to fall back to, and why.

``choice`` has the rules, pure; ``standings`` gathers what they weigh; ``wording`` tells the answer.
"""
