"""Combine looks at which a test exceeds its threshold into alarms with a begin and an end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .series import Ints

QUIET_LOOKS = 8
"""Number of looks without the alarm after which it is over."""


@dataclass(frozen=True)
class Episode:
    """Looks from the first to the last at which a test exceeded its threshold.

    Attributes:
        first_line: First line of the first look's window.
        lasts: The alarm was not over when the log ended.
    """

    first: int
    last: int
    first_line: int
    lasts: bool


def episodes(speaks: NDArray[np.bool_], first_lines: Ints) -> list[Episode]:
    """Return the alarms of one test.

    Args:
        speaks: (looks,) bool, whether the test exceeds its threshold.
        first_lines: (looks,) int64, the first line of each look's window.
    """
    at = np.flatnonzero(speaks)
    if not len(at):
        return []
    groups = np.split(at, np.flatnonzero(np.diff(at) > QUIET_LOOKS) + 1)
    last_look = len(speaks) - 1
    return [
        Episode(int(one[0]), int(one[-1]), int(first_lines[one[0]]), bool(last_look - one[-1] <= QUIET_LOOKS))
        for one in groups
    ]
