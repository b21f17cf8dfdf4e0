"""Decode texts from character scores per moment (CTC; Graves et al., ICML 2006).

The best character of each moment is read; repetitions and blanks are removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec import TranscriptSteps

NOTHING = -1.0
"""Padding of rows that are shorter than the longest."""

BLANKS = ("", "<blank>", "<pad>", "[pad]", "_", "<s>", "</s>", "<unk>", "[unk]")
SPACES = ("|", "<space>", "▁")


def decode(outputs: Mapping[str, NDArray[Any]], steps: TranscriptSteps) -> NDArray[np.float32]:
    """Return (n, longest) float32 character numbers, −1 after a row's end.

    A row with scores that are not finite gets NaN.

    Raises:
        KeyError: The output is missing.
    """
    values = np.asarray(outputs[steps.output], np.float32)
    values = values[None] if values.ndim == 2 else values
    best = values.argmax(axis=2)
    kept = [row[np.r_[True, row[1:] != row[:-1]] & (row != steps.blank)] if len(row) else row for row in best]
    rows = np.full((len(kept), max((len(row) for row in kept), default=0) or 1), NOTHING, np.float32)
    for row, numbers in zip(rows, kept, strict=True):
        row[: len(numbers)] = numbers
    rows[~np.isfinite(values).reshape(len(values), -1).all(axis=1)] = np.nan
    return rows


def text_of(answer: NDArray[np.float32], names: Sequence[str]) -> str:
    """Return the characters of any number of rows as one text.

    The blank is removed already, so "_" is a letter here; "|" is a letter if the names include a space.
    """
    numbers = answer.ravel()
    letters = [names[int(k)] for k in numbers[np.isfinite(numbers) & (numbers >= 0)] if int(k) < len(names)]
    spaces = [one for one in SPACES if len(one) > 1 or " " not in names]
    words = [" " if one in spaces else "" if one != "_" and one.casefold() in BLANKS else one for one in letters]
    return " ".join("".join(words).split())
