"""Describe a version's speed in the card, limited to what was measured reliably against the original."""

from typing import Any

from workers.contracts.bundles import CardFacts
from workers.contracts.wording import rounded_down

SAME = 1.02
"""Ratio up to which two figures count as the same for a reader; the table has the exact figures."""

NOT_SETTLED = "Whether it is faster is not settled: other programs kept the computer busy while it was measured."
FIRST_LOOK = "Whether it is faster is not known: it was measured at another time than the original."
AT_LEAST = "other programs were running, so no more is certain"


def speedup_words(facts: CardFacts) -> str:
    """Return ``2.40 times faster`` for the summary; "" if the speed is uncertain or the same."""
    state, at_least = facts.speed.state, facts.speed.at_least
    if state == "at_least" and at_least is not None:
        return f"at least {rounded_down(at_least, 2)} times faster"
    ratio = facts.variant.get("speedup")
    if state != "settled" or not isinstance(ratio, float) or 1 / SAME < ratio < SAME:
        return ""
    return f"{max(ratio, 1 / ratio):.2f} times {'faster' if ratio > 1 else 'slower'}"


def speed_sentence(facts: CardFacts) -> str:
    """Return the speed with its interval, or why there is none; "" for the original and without measurements."""
    state, at_least = facts.speed.state, facts.speed.at_least
    if facts.is_original:
        return ""
    if state == "at_least" and at_least is not None:
        return f"It is at least {rounded_down(at_least, 2)} times as fast as the original: {AT_LEAST}."
    if state != "settled":
        return NOT_SETTLED if state == "not_settled" else FIRST_LOOK
    bounds = bounds_of(facts)
    if bounds is None:
        return ""
    times, low, high = (f"{value:.2f}" for value in bounds)
    return f"It is {times} times as fast as the original, with 95 % confidence between {low} and {high} times."


def bounds_of(facts: CardFacts) -> tuple[float, float, float] | None:
    """Return the speedup and its interval; None if it is uncertain or was not measured."""
    values: list[Any] = [facts.variant.get(key) for key in ("speedup", "speedup_low", "speedup_high")]
    if facts.speed.state != "settled" or not all(isinstance(value, float) for value in values):
        return None
    return values[0], values[1], values[2]
