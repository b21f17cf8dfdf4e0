"""Measure the speed of a language model after short and long prompts, and the memory of its cache."""

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
"""Lengths in tokens: a question with its history, some pages, a long document."""

LEAST_ANSWERS = 3


def prompt_lengths(
    session: Session, folder: Path, data: Path, level: PeakMeter, seconds: float, check: Callable[[], None]
) -> tuple[PromptPoint, ...]:
    """Measure all lengths, short ones first, for `seconds` in all and at least `LEAST_ANSWERS` times each.

    `level` was created before the model was loaded. Lengths beyond the model's context are omitted; if all are, its
    longest prompt is measured.

    Raises:
        InputRefused: the model is not a language model.
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
    tokens = tokens_of(Prepared(data / "test"))
    points = []
    for length in lengths:
        request = prompt(tokens, 0, length)
        level.reset_peak()
        session.run(request)
        forget_speech(session)
        answers, end_s = 0, time.perf_counter() + seconds / len(lengths)
        while answers < LEAST_ANSWERS or time.perf_counter() < end_s:
            check()
            session.run(request)
            answers += 1
        (speech,) = speech_of(session)
        points.append(PromptPoint(**speech.model_dump(), memory_bytes=level.peak_bytes()))
    return tuple(points)
