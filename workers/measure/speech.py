"""Summarize the timings that a language model's session recorded of its generated texts."""

from statistics import mean, median

from workers.contracts.jobs import Speech
from workers.infer.base import Session
from workers.infer.chat_session import ChatTurn


def forget_speech(session: Session) -> None:
    """Delete the recorded timings."""
    getattr(session, "spoken", []).clear()


def tokens_an_answer(session: Session) -> int:
    """Return the average number of generated tokens since the last deletion; 0 for other models."""
    turns: list[ChatTurn] = getattr(session, "spoken", [])
    return round(mean(one.tokens for one in turns)) if turns else 0


def speech_of(session: Session) -> tuple[Speech, ...]:
    """Return the timings grouped by prompt length, short ones first; () for other models."""
    turns: list[ChatTurn] = getattr(session, "spoken", [])
    lengths = sorted({one.prompt_tokens for one in turns})
    return tuple(_of(length, [one for one in turns if one.prompt_tokens == length]) for length in lengths)


def _of(length: int, turns: list[ChatTurn]) -> Speech:
    speeds = [(one.tokens - 1) / one.rest_s for one in turns if one.tokens > 1 and one.rest_s > 0]
    return Speech(
        prompt_tokens=length, first_ms=1000 * median(one.first_s for one in turns),
        tokens_per_s=median(speeds) if speeds else None, n=len(turns),
    )  # fmt: skip
