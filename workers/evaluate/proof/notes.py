"""Write the sentences that accompany a verdict, in the order of their importance."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.contracts.specs import SliceDrop
from workers.contracts.wording import counted, percent

AMBER_NEGATIVE_FLIPS = 0.005
RED_NEGATIVE_FLIPS = 0.02
MOST_NAMED = 3
"""At most this many broken parts or classes are named in a sentence."""


@dataclass
class Notes:
    """Sentences that accompany one verdict. The engine owns one instance for each judgement.

    Attributes:
        lines: All sentences.
        reasons: The sentences on why a version is not safe.
    """

    lines: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, line: str, when: bool = True) -> None:
        """Append a sentence if `when` is True."""
        if when:
            self.lines.append(line)

    def reason(self, line: str) -> None:
        """Append a sentence on why a version is not safe."""
        self.add(line)
        self.reasons.append(line)


def explain_negative_flips(notes: Notes, share: float, count: int) -> None:
    """Add a note if many results were right and are wrong now."""
    a_lot = ": that is a lot" if share > RED_NEGATIVE_FLIPS else ""
    notes.add(
        f"{count:,} answers that were right are wrong now ({percent(share)}){a_lot}.", when=share > AMBER_NEGATIVE_FLIPS
    )


def explain_parts(notes: Notes, worse: Sequence[SliceDrop], parts: Sequence[SliceDrop], *, by_labels: bool) -> None:
    """Add notes about broken parts of the test set, or with labels a note that no part could be judged."""
    for part in worse[:MOST_NAMED]:
        if by_labels:
            notes.reason(f"“{part.name}” got clearly worse: {percent(part.drop)} fewer of its {part.n:,} are right.")
        else:
            notes.reason(f"“{part.name}” changed most: {percent(part.drop)} of its {part.n:,} answers are others now.")
    notes.add(
        "No part of the examples has enough changed answers to judge it by itself.",
        when=by_labels
        and len(parts) > 1
        and any(part.changed for part in parts)
        and not any(part.judged for part in parts),
    )


def explain_examples(notes: Notes, count: int, is_identical: bool, left: int, why: str) -> None:
    """Add notes about predictions that are equal to the last bit and about examples that do not count.

    Args:
        notes: The notes to extend.
        count: Number of all predictions.
        is_identical: Whether all predictions are equal to the last bit.
        left: Number of examples that do not count.
        why: Why these do not count.
    """
    notes.add(f"All {count:,} predictions are the same to the last bit.", when=is_identical)
    notes.add(f"{left:,} of {counted(count, 'example')} do not count: {why}.", when=left > 0)


def explain_few(notes: Notes, changed: int, count: int, least: int) -> None:
    """Add the reason that the examples are too few to reject a version."""
    notes.reason(f"{changed:,} of {counted(count, 'result')} changed: a verdict takes at least {least}.")


def explain_lost(notes: Notes, part: SliceDrop) -> None:
    """Add a reason about a part that changed almost completely, but is too small to be judged."""
    notes.reason(
        f"In “{part.name}” {part.changed:,} of {part.n:,} results changed: too few to call it broken, too many to call"
        " it safe."
    )


def explain_texts(notes: Notes, count: int, limit: float) -> None:
    """Add the reason that there are too few texts, regardless of the number of their words."""
    notes.reason(
        f"So few next words changed that they are within {percent(limit)}; but {count:,} texts are too few to know that"
        " no more texts than that break wholly."
    )


def not_labelled(what: str, classes: Sequence[str]) -> str:
    """Return the sentence that no label (`what`) has one of these classes."""
    more = f" and {len(classes) - MOST_NAMED} more" if len(classes) > MOST_NAMED else ""
    named = ", ".join(classes[:MOST_NAMED])
    return f"No {what} is of {named}{more}: whether they are still found is judged by what changed."


def explain_looks(notes: Notes, earlier: int, alpha: float) -> None:
    """Add a note about earlier looks at the same items, because a proof then needs a higher confidence."""
    notes.add(
        f"Some of these examples were looked at before: a proof has to hold with {percent(1 - alpha, 2)} now, so that"
        " all looks together err in at most 5 % of cases.",
        when=earlier > 0,
    )
