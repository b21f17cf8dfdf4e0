"""Put a task's scores and the weakest part of the test set into sentences."""

from workers.contracts.specs import Judgement, TaskScore
from workers.contracts.wording import percent

MOST = 4


def score_sentences(judgement: Judgement | None) -> tuple[str, ...]:
    """Return one sentence per score, at most `MOST`, and one about the part that lost most."""
    if judgement is None:
        return ()
    lines = [score_sentence(score) for score in judgement.scores[:MOST]]
    if judgement.worst_slice is not None and (judgement.worst_slice_drop or 0) > 0:
        lines.append(_worst(judgement))
    return tuple(lines)


def score_sentence(score: TaskScore) -> str:
    """Return ``Right answers: 91.2 %, the original 91.4 % (change −0.6 to +0.2 points).``, for example."""
    now = value_words(score.optimized, score.unit)
    if score.original is None:
        return f"{score.title}: {now}, by the original’s answers{_range(score)}."
    return f"{score.title}: {now}, the original {value_words(score.original, score.unit)}{_range(score)}."


def value_words(value: float, unit: str) -> str:
    """Return a score in its unit as text."""
    if unit == "share":
        return percent(value)
    return f"{value:.1f} dB" if unit == "dB" else f"{value:.3g}"


def _range(score: TaskScore) -> str:
    if score.low is None or score.high is None:
        return ""
    if score.original is None:
        return f" ({value_words(score.low, score.unit)} to {value_words(score.high, score.unit)})"
    low, high = (_signed(value, score.unit) for value in (score.low, score.high))
    return f" (change {low} to {high}{' points' if score.unit == 'share' else ''})"


def _signed(value: float, unit: str) -> str:
    text = f"{abs(100 * value):.1f}" if unit == "share" else f"{abs(value):.3g}"
    sign = "−" if value < 0 else "+"
    return text if not float(text) else f"{sign}{text}"


def _worst(judgement: Judgement) -> str:
    part = judgement.slices[0]
    loss = percent(part.drop)
    if judgement.labelled:
        return f"Lost most: {part.name}, {loss} fewer of its {part.n:,} are right."
    return f"Changed most: {part.name}, {loss} of its {part.n:,} answers."
