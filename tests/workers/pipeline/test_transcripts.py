"""Decode texts from character scores per moment."""

import numpy as np
import pytest

from workers.pipeline.postprocess.transcripts import decode, text_of
from workers.pipeline.spec import TranscriptSteps


def scores(best: list[int], count: int) -> np.ndarray:
    """Return (1, moments, count) scores whose largest values are at `best`."""
    return np.eye(count, dtype=np.float32)[best][None]


@pytest.mark.parametrize(
    ("names", "best", "text"),
    [
        (("<blank>", "a", "_", "|", " "), [1, 1, 0, 2, 0, 1, 4, 3, 0, 1], "a_a |a"),
        (("<pad>", "|", "a", "b"), [2, 1, 1, 3, 0, 3], "a bb"),
        (("_", "a", "b"), [1, 0, 1, 2, 2], "aab"),
        (("<pad>", "<s>", "▁", "a"), [1, 3, 2, 3], "a a"),
    ],
)
def test_transcript_marks_are_letters_unless_they_are_blank_or_space(
    names: tuple[str, ...], best: list[int], text: str
) -> None:
    """Given "_" and "|" as letters of a text recognizer, or as blank and space of a speech model, Then they are read
    accordingly."""
    rows = decode({"y": scores(best, len(names))}, TranscriptSteps(output="y"))
    assert text_of(rows, names) == text
