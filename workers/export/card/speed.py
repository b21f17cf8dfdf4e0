"""What the card says of a version's speed: no more than was settled beside the original."""

from typing import Any

from workers.contracts.bundles import CardFacts

SAME = 1.02
"""Ratios closer to one are the same to a reader; the table has the figures."""

NOT_SETTLED = "Whether it is faster is not settled: other programs kept the computer busy while it was measured."
FIRST_LOOK = "Whether it is faster is not known: its times were taken at another moment than the original's."
AT_LEAST = "other programs were running, so no more is certain"


def speedup_words(facts: CardFacts) -> str:
    """``2.40 times faster``, for the summary; "" where that is not settled, or where it is the same."""
    state, at_least = facts.speed.state, facts.speed.at_least
    if state == "at_least" and at_least is not None:
        return f"at least {at_least:.2f} times faster"
    ratio = facts.variant.get("speedup")
    if state != "settled" or not isinstance(ratio, float) or 1 / SAME < ratio < SAME:
        return ""
    return f"{max(ratio, 1 / ratio):.2f} times {'faster' if ratio > 1 else 'slower'}"


def speed_sentence(facts: CardFacts) -> str:
    """The speed with its interval, or why there is none; "" of the original and where nothing was measured."""
    state, at_least = facts.speed.state, facts.speed.at_least
    if facts.variant["id"] == facts.original["id"]:
        return ""
    if state == "at_least" and at_least is not None:
        return f"It is at least {at_least:.2f} times as fast as the original: {AT_LEAST}."
    if state != "settled":
        return NOT_SETTLED if state == "not_settled" else FIRST_LOOK
    bounds = bounds_of(facts)
    if bounds is None:
        return ""
    times, low, high = (f"{value:.2f}" for value in bounds)
    return f"It is {times} times as fast as the original, with 95 % confidence between {low} and {high} times."


def bounds_of(facts: CardFacts) -> tuple[float, float, float] | None:
    """The speedup and its interval; None where it is not settled, or was not measured so."""
    values: list[Any] = [facts.variant.get(key) for key in ("speedup", "speedup_low", "speedup_high")]
    if facts.speed.state != "settled" or not all(isinstance(value, float) for value in values):
        return None
    return values[0], values[1], values[2]
