"""From looks at which a test is beyond its threshold to alarms that begin and end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .series import Ints

QUIET_LOOKS = 8
"""An alarm is over after so many looks without it."""


@dataclass(frozen=True)
class Episode:
    """Looks from the first to the last at which a test spoke; `first_line` is where the window of the first began.
    `lasts`: it was not over when the log ended.
    """

    first: int
    last: int
    first_line: int
    lasts: bool


def episodes(speaks: NDArray[np.bool_], first_lines: Ints) -> list[Episode]:
    """Those of one test: `speaks` (looks,), and the first line (looks,) of what each look saw."""
    at = np.flatnonzero(speaks)
    if not len(at):
        return []
    groups = np.split(at, np.flatnonzero(np.diff(at) > QUIET_LOOKS) + 1)
    last_look = len(speaks) - 1
    return [
        Episode(int(one[0]), int(one[-1]), int(first_lines[one[0]]), bool(last_look - one[-1] <= QUIET_LOOKS))
        for one in groups
    ]
