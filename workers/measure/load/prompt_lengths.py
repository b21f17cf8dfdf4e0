"""How fast a language model speaks after short and long prompts, and how much memory its cache takes by then."""

import time
from collections.abc import Callable
from pathlib import Path

from workers.contracts.after.load import PromptPoint
from workers.contracts.errors import InputRefused
from workers.infer.base import Session
from workers.measure.memory import PeakMeter
from workers.measure.prompts import NEW_TOKENS, prompt, tokens_of
from workers.measure.speech import forget_speech, speech_of
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

LENGTHS = (128, 1024, 4096)
"""Tokens: a question with what was said before, some pages, a long document."""

LEAST_ANSWERS = 3


def prompt_lengths(
    session: Session, folder: Path, data: Path, level: PeakMeter, seconds: float, check: Callable[[], None]
) -> tuple[PromptPoint, ...]:
    """Short prompts first, for `seconds` in all, each length `LEAST_ANSWERS` times at least.

    `level` was made before the model was loaded. Lengths that the model does not read are left out; where it reads none
    of them, its own longest is measured. Raises InputRefused for what is no language model.
    """
    chat = load_pipeline(folder).spec.chat
    if chat is None:
        raise InputRefused(
            "no_language_model",
            "This is no language model",
            "Only prompts have a length in tokens.",
            "Measure its other parts.",
        )
    longest = max(1, chat.context - NEW_TOKENS)
    lengths = [length for length in LENGTHS if length <= longest] or [longest]
    said = tokens_of(Prepared(data / "test"))
    points = []
    for length in lengths:
        request = prompt(said, 0, length)
        level.reset_peak()
        session.run(request)
        forget_speech(session)
        answers, end_s = 0, time.perf_counter() + seconds / len(lengths)
        while answers < LEAST_ANSWERS or time.perf_counter() < end_s:
            check()
            session.run(request)
            answers += 1
        (spoken,) = speech_of(session)
        points.append(PromptPoint(**spoken.model_dump(), memory_bytes=level.peak_bytes()))
    return tuple(points)
