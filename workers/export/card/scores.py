"""Write the task's own measures in the model card, and the part of the test data with the largest loss."""

from workers.contracts.bundles import CardFacts
from workers.contracts.specs import TaskScore
from workers.contracts.wording import counted, percent
from workers.export.card.foreign import plain


def how_well(facts: CardFacts) -> str:
    """Return Markdown, empty without scores."""
    scores = facts.scores
    if not scores:
        return ""
    lines = ["\nAt its task:\n", *(_line(score) for score in scores)]
    if any(score.against == "original" for score in scores):
        lines.append("\nA score with one value had no labels: the original's answers were taken for the truth.")
    worst = facts.worst_slice
    if worst is not None and (lost := worst_loss(facts)):
        lines.append(f"\nOf all parts of the test data, “{plain(worst)}” lost most: {lost}.")
    return "\n".join(lines) + "\n"


def worst_loss(facts: CardFacts) -> str:
    """Return ``25.00 % of 40 examples`` for the part with the largest loss; "" if there is no loss."""
    drop, n = facts.worst_slice_drop, facts.worst_slice_n
    if drop is None or drop <= 0:
        return ""
    return percent(drop, 2) if n is None else f"{percent(drop, 2)} of {counted(n, 'example')}"


def _line(score: TaskScore) -> str:
    """Return a score as a list item; its meaning is too long for a narrow table column."""
    title = plain(f"{score.title} ({score.meaning})" if score.meaning else score.title)
    now = _value(score.optimized, score.unit)
    report = f"{now}" if score.original is None else f"{_value(score.original, score.unit)} before, {now} now"
    parts = [f"{score.n:,} examples"]
    if score.low is not None and score.high is not None:
        what = "the change lies" if score.against == "labels" else "with 95 % confidence"
        between = f"between {_value(score.low, score.unit)} and {_value(score.high, score.unit)}"
        parts.append(f"{what} {between}" + (" with 95 % confidence" if score.against == "labels" else ""))
    return f"- {title}: {report} ({'; '.join(parts)})"


def _value(value: float, unit: str) -> str:
    if unit == "share":
        return percent(value, 2)
    return f"{value:.1f} dB" if unit == "dB" else f"{value:.4g}"
