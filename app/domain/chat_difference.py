"""Where two answers to the same dialogue begin to differ. It is shown and never judged: after one other word everything
that follows may be another, and as right.
"""

import re

WORD = re.compile(r"\S+|\s+")


def first_difference(one: str, other: str) -> int | None:
    """Characters before the first word that differs; None where both say the same."""
    if one == other:
        return None
    at = 0
    for mine, theirs in zip(WORD.findall(one), WORD.findall(other), strict=False):
        if mine != theirs:
            break
        at += len(mine)
    return at
