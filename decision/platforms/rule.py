"""The one decision over every platform: a variant for all of them, or one a platform. By rule.

Each platform has its own answer (:mod:`decision.recommend.choice`), made of figures of one machine.
Across machines only what can be compared is: whether a variant can ship, how reliable it is beside
another one there, and how many times another one's start its own takes there. The first of
:data:`RULES` that applies decides:

* ``none``: no platform has an answer.
* ``one``: every answer is the same variant.
* ``same``: a variant is as good as the answer on every platform: it can ship there, is no less
  reliable, and no user could tell the starts apart. One program for all is worth more than a
  difference that nobody sees.
* ``each``: none is. The variant that costs nothing on most platforms ships there, and each other
  platform ships its own answer, with the reason why it pays.

A platform without an answer takes no part and is named. One that is emulated has no times: there
a variant is judged by what works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from decision.recommend.choice import SAME, Standing, more_reliable


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one platform says.

    Attributes:
        platform: Its name.
        answer: The variant that ships there by its own figures; empty for none.
        able: What can ship there of the packager that its rules choose, by variant.
        barred: Why another one cannot, by variant, in a sentence.
        timed: Whether its times were measured: an emulated system has none.
    """

    platform: str
    answer: str
    able: Mapping[str, Standing] = field(default_factory=dict)
    barred: Mapping[str, str] = field(default_factory=dict)
    timed: bool = True


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What ships where.

    Attributes:
        rule: The rule that decided.
        ships: The variant of each platform; those without an answer are not in it.
        sentence: The decision in one sentence.
        reasons: Why, in sentences.
    """

    rule: str
    ships: Mapping[str, str]
    sentence: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        name: Its name.
        applies: The decision from the platforms with an answer; None when the rule has none.
    """

    name: str
    applies: Callable[[Sequence[Seen]], Decision | None]


def decide(platforms: Sequence[Seen]) -> Decision:
    """Choose by the first rule that applies; platforms without an answer are named."""
    answered = [seen for seen in platforms if seen.answer]
    found = next(decision for rule in RULES if (decision := rule.applies(answered)) is not None)
    silent = [seen.platform for seen in platforms if not seen.answer]
    if not silent or not answered:
        return found
    return Decision(
        rule=found.rule,
        ships=found.ships,
        sentence=found.sentence,
        reasons=(*found.reasons, f"No answer yet on {_listed(silent)}."),
    )


def cost(seen: Seen, variant: str) -> str:
    """What a variant costs on a platform beside the platform's own answer; empty for nothing."""
    if variant == seen.answer:
        return ""
    if variant not in seen.able:
        why = seen.barred.get(variant, "it was not measured there")
        return f"{variant} cannot ship there: {why[:1].lower()}{why[1:].rstrip('.')}"
    own, other = seen.able[seen.answer], seen.able[variant]
    if reason := more_reliable(own, other):
        return f"{variant} is less reliable there: {reason[:1].lower()}{reason[1:].rstrip('.')}"
    if seen.timed and other.start_ms > SAME * own.start_ms:
        return (
            f"READY takes {variant} {other.start_ms / own.start_ms:.2f} times as long there as "
            f"{seen.answer}"
        )
    return ""


def _none(answered: Sequence[Seen]) -> Decision | None:
    if answered:
        return None
    return Decision(rule="none", ships={}, sentence="Not decided: no platform has an answer yet.")


def _one(answered: Sequence[Seen]) -> Decision | None:
    variants = {seen.answer for seen in answered}
    if len(variants) != 1:
        return None
    variant = variants.pop()
    return Decision(
        rule="one",
        ships={seen.platform: variant for seen in answered},
        sentence=f"Ship `{variant}` on {_all(answered)}.",
        reasons=(
            "It is the answer on each of them."
            if len(answered) > 1
            else "It is the answer on the only one that has one.",
        ),
    )


def _same(answered: Sequence[Seen]) -> Decision | None:
    free = [
        variant
        for variant in _candidates(answered)
        if not any(cost(seen, variant) for seen in answered)
    ]
    if not free:
        return None
    variant = free[0]
    own = [seen.platform for seen in answered if seen.answer == variant]
    others = [seen for seen in answered if seen.answer != variant]
    reasons = [f"It is the answer on {_listed(own)}." if own else "It is the answer on none."]
    reasons += [_as_good(seen, variant) for seen in others]
    return Decision(
        rule="same",
        ships={seen.platform: variant for seen in answered},
        sentence=f"Ship `{variant}` on {_all(answered)}.",
        reasons=tuple(reasons),
    )


def _each(answered: Sequence[Seen]) -> Decision | None:
    variants = _candidates(answered)
    base = variants[0]
    ships = {seen.platform: seen.answer if cost(seen, base) else base for seen in answered}
    groups: dict[str, list[str]] = {}
    for platform, variant in ships.items():
        groups.setdefault(variant, []).append(platform)
    return Decision(
        rule="each",
        ships=ships,
        sentence="Ship "
        + "; ".join(f"`{variant}` on {_listed(names)}" for variant, names in groups.items())
        + ".",
        reasons=tuple(
            f"{seen.platform}: {reason}." for seen in answered if (reason := cost(seen, base))
        ),
    )


RULES: Sequence[Rule] = (
    Rule(name="none", applies=_none),
    Rule(name="one", applies=_one),
    Rule(name="same", applies=_same),
    Rule(name="each", applies=_each),
)
"""In the order in which they are asked; the last one always decides."""


def _candidates(answered: Sequence[Seen]) -> list[str]:
    """Every variant that can ship somewhere, best for all first.

    It costs nothing on most platforms, then is the answer on most, then starts soonest where it
    starts latest.
    """
    names = sorted({name for seen in answered for name in seen.able})

    def rank(variant: str) -> tuple[int, int, float, str]:
        free = sum(not cost(seen, variant) for seen in answered)
        chosen = sum(seen.answer == variant for seen in answered)
        return -free, -chosen, max(_ratio(seen, variant) for seen in answered), variant

    return sorted(names, key=rank)


def _ratio(seen: Seen, variant: str) -> float:
    """A variant's start by that of the platform's answer; 1 where it is not known."""
    if not seen.timed or variant not in seen.able:
        return 1.0
    own = seen.able[seen.answer].start_ms
    return seen.able[variant].start_ms / own if own else 1.0


def _as_good(seen: Seen, variant: str) -> str:
    text = f"On {seen.platform} it is no less reliable than {seen.answer}"
    if not seen.timed:
        return f"{text}, as far as can be told without times."
    return f"{text}, and READY takes {_ratio(seen, variant):.2f} times as long."


def _all(answered: Sequence[Seen]) -> str:
    names = [seen.platform for seen in answered]
    return f"all {len(names)} platforms" if len(names) > 1 else names[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
