"""Texts out of scores of characters for each moment (CTC; Graves et al., ICML 2006): the best of each moment is read,
repetitions and blanks fall out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec import TranscriptSteps

NOTHING = -1.0
"""Fills up rows that are shorter than the longest."""

BLANKS = ("", "<blank>", "<pad>", "[pad]", "_", "<s>", "</s>", "<unk>", "[unk]")
SPACES = ("|", "<space>", "▁")


def decode(outputs: Mapping[str, NDArray[Any]], steps: TranscriptSteps) -> NDArray[np.float32]:
    """(n, longest) character numbers, −1 behind a row's end; NaN for a row whose scores are no finite numbers. Raises
    KeyError where the output is missing.
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
    """The characters of any number of rows, one after the other.

    The blank is gone already, so that "_" is a letter here; and "|" is one where the names hold a space of their own.
    """
    numbers = answer.ravel()
    letters = [names[int(k)] for k in numbers[np.isfinite(numbers) & (numbers >= 0)] if int(k) < len(names)]
    spaces = [one for one in SPACES if len(one) > 1 or " " not in names]
    words = [" " if one in spaces else "" if one != "_" and one.casefold() in BLANKS else one for one in letters]
    return " ".join("".join(words).split())
