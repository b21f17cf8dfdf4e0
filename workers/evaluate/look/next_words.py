"""Show in words where two language models would continue a text differently."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.wording import counted
from workers.pipeline.next_words import changed_places
from workers.pipeline.pipeline import Pipeline

SHOWN, CONTEXT = 3, 6
"""Number of displayed places, and of the tokens before each."""

END, NO_LETTERS = "(the end)", "(a mark)"


def other_words(pipeline: Pipeline, old: NDArray[Any], new: NDArray[Any]) -> tuple[str, str]:
    """Return for both models the words at the places where the version would choose another one.

    `old` and `new` are rows of `thoughts`, float32 of shape (places, columns).
    """
    if not len(old) or len(old) != len(new) or not np.isfinite(new).all():
        return counted(len(old), "next word"), "no answer"
    places = np.flatnonzero(changed_places(old, new))
    if not len(places):
        return counted(len(old), "next word"), "all kept"
    return _told(pipeline, old, old, places), _told(pipeline, old, new, places)


def _told(pipeline: Pipeline, read: NDArray[Any], rows: NDArray[Any], places: NDArray[np.int64]) -> str:
    ends, parts = pipeline.spec.chat.ends if pipeline.spec.chat is not None else (), []
    for place in places[:SHOWN].tolist():
        before = _text(pipeline, read[max(0, place - CONTEXT) : place, 0])
        pick = END if rows[place, 2] in ends else _text(pipeline, rows[place : place + 1, 2]) or NO_LETTERS
        parts.append(f"“{before}” → “{pick}”" if before else f"first “{pick}”")
    more = len(places) - SHOWN
    return "; ".join(parts) + (f"; {more:,} more" if more > 0 else "")


def _text(pipeline: Pipeline, tokens: Sequence[float] | NDArray[Any]) -> str:
    return " ".join(pipeline.text_of(np.asarray(tokens)).split())
