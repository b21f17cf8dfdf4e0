"""Find where two answers to the same dialogue begin to differ.

The place is displayed but never judged: after one different word, everything that follows may differ and be as correct.
"""

import re

WORD = re.compile(r"\S+|\s+")


def first_difference(one: str, other: str) -> int | None:
    """Return the number of characters before the first different word, None if both texts are equal."""
    if one == other:
        return None
    at = 0
    for mine, theirs in zip(WORD.findall(one), WORD.findall(other), strict=False):
        if mine != theirs:
            break
        at += len(mine)
    return at
