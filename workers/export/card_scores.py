"""The table of the task's own measures in the model card, and the part of the test data that lost most."""

from collections.abc import Callable

from workers.contracts.jobs import CardFacts
from workers.contracts.specs import TaskScore


def how_well(facts: CardFacts, plain: Callable[[str], str]) -> str:
    """Markdown, empty without scores; `plain` makes foreign text harmless."""
    scores = facts.scores
    if not scores:
        return ""
    lines = ["\n| Task | Original | This one | 95 % interval | Examples |", "|---|---|---|---|---|", *map(_row, scores)]
    if any(score.against == "original" for score in scores):
        lines.append("\nWhere no original is told, there were no labels: its answers were taken for the truth.")
    worst, drop = facts.worst_slice, facts.worst_slice_drop
    if worst is not None and drop is not None and drop > 0:
        lines.append(f"\nOf all parts of the test data, “{plain(worst)}” lost most: {100 * drop:.2f} %.")
    return "\n".join(lines) + "\n"


def _row(score: TaskScore) -> str:
    interval = "–"
    if score.low is not None and score.high is not None:
        of_what = ", of the change" if score.against == "labels" else ""
        interval = f"{_value(score.low, score.unit)} to {_value(score.high, score.unit)}{of_what}"
    original = "–" if score.original is None else _value(score.original, score.unit)
    title = f"{score.title} ({score.meaning})" if score.meaning else score.title
    return f"| {title} | {original} | {_value(score.optimized, score.unit)} | {interval} | {score.n:,} |"


def _value(value: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * value:.2f} %"
    return f"{value:.1f} dB" if unit == "dB" else f"{value:.4g}"
