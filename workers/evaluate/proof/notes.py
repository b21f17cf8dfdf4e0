"""Write the sentences that accompany a verdict, in the order of their importance."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.contracts.specs import SliceDrop
from workers.contracts.translation import _, ngettext
from workers.contracts.wording import percent

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
    text = ngettext(
        "{0:,} answer that was right is wrong now ({1}).", "{0:,} answers that were right are wrong now ({1}).", count
    )
    if share > RED_NEGATIVE_FLIPS:
        text = ngettext(
            "{0:,} answer that was right is wrong now ({1}): that is a lot.",
            "{0:,} answers that were right are wrong now ({1}): that is a lot.",
            count,
        )
    notes.add(text.format(count, percent(share)), when=share > AMBER_NEGATIVE_FLIPS)


def explain_parts(notes: Notes, worse: Sequence[SliceDrop], parts: Sequence[SliceDrop], *, by_labels: bool) -> None:
    """Add notes about broken parts of the test set, or with labels a note that no part could be judged."""
    text = _("“{0}” changed most: {1} of its {2:,} answers are others now.")
    if by_labels:
        text = _("“{0}” got clearly worse: {1} fewer of its {2:,} are right.")
    for part in worse[:MOST_NAMED]:
        notes.reason(text.format(part.name, percent(part.drop), part.n))
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
        why: Sentence on why {0:,} of {1:,} examples do not count.
    """
    same = ngettext(
        "The {0} prediction is the same to the last bit.", "All {0:,} predictions are the same to the last bit.", count
    )
    notes.add(same.format(count), when=is_identical)
    notes.add(_(why).format(left, count), when=left > 0)


def explain_few(notes: Notes, changed: int, count: int, least: int) -> None:
    """Add the reason that the examples are too few to reject a version."""
    text = ngettext(
        "{0:,} of {1:,} result changed: a verdict takes at least {2}.",
        "{0:,} of {1:,} results changed: a verdict takes at least {2}.",
        count,
    )
    notes.reason(text.format(changed, count, least))


def explain_lost(notes: Notes, part: SliceDrop) -> None:
    """Add a reason about a part that changed almost completely, but is too small to be judged."""
    notes.reason(
        _("In “{0}” {1:,} of {2:,} results changed: too few to call it broken, too many to call it safe.").format(
            part.name, part.changed, part.n
        )
    )


def explain_texts(notes: Notes, count: int, limit: float) -> None:
    """Add the reason that there are too few texts, regardless of the number of their words."""
    notes.reason(
        _(
            "So few next words changed that they are within {0}; but {1:,} texts are too few to know that no "
            "more texts than that break wholly."
        ).format(percent(limit), count)
    )


def not_labelled(text: str, classes: Sequence[str]) -> str:
    """Return the sentence that no label or mask has one of these classes."""
    named, more = ", ".join(classes[:MOST_NAMED]), len(classes) - MOST_NAMED
    return text.format(_("{0} and {1} more").format(named, more) if more > 0 else named)


def explain_looks(notes: Notes, earlier: int, alpha: float) -> None:
    """Add a note about earlier looks at the same items, because a proof then needs a higher confidence."""
    notes.add(
        _(
            "Some of these examples were looked at before: a proof has to hold with {0} now, so that all looks "
            "together err in at most 5 % of cases."
        ).format(percent(1 - alpha, 2)),
        when=earlier > 0,
    )
