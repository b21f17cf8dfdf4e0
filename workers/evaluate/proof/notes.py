"""Write the sentences that accompany a verdict, in the order of their importance."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.contracts.specs import SliceDrop
from workers.contracts.translation import _
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
        _("{0:,} answers that were right are wrong now ({1}){2}.").format(count, percent(share), a_lot),
        when=share > AMBER_NEGATIVE_FLIPS,
    )


def explain_parts(notes: Notes, worse: Sequence[SliceDrop], parts: Sequence[SliceDrop], *, by_labels: bool) -> None:
    """Add notes about broken parts of the test set, or with labels a note that no part could be judged."""
    for part in worse[:MOST_NAMED]:
        if by_labels:
            notes.reason(
                _("“{0}” got clearly worse: {1} fewer of its {2:,} are right.").format(
                    part.name, percent(part.drop), part.n
                )
            )
        else:
            notes.reason(
                _("“{0}” changed most: {1} of its {2:,} answers are others now.").format(
                    part.name, percent(part.drop), part.n
                )
            )
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
    notes.add(_("All {0:,} predictions are the same to the last bit.").format(count), when=is_identical)
    notes.add(_("{0:,} of {1} do not count: {2}.").format(left, counted(count, "example"), why), when=left > 0)


def explain_few(notes: Notes, changed: int, count: int, least: int) -> None:
    """Add the reason that the examples are too few to reject a version."""
    notes.reason(
        _("{0:,} of {1} changed: a verdict takes at least {2}.").format(changed, counted(count, "result"), least)
    )


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


def not_labelled(what: str, classes: Sequence[str]) -> str:
    """Return the sentence that no label (`what`) has one of these classes."""
    more = _(" and {0} more").format(len(classes) - MOST_NAMED) if len(classes) > MOST_NAMED else ""
    named = ", ".join(classes[:MOST_NAMED])
    return _("No {0} is of {1}{2}: whether they are still found is judged by what changed.").format(what, named, more)


def explain_looks(notes: Notes, earlier: int, alpha: float) -> None:
    """Add a note about earlier looks at the same items, because a proof then needs a higher confidence."""
    notes.add(
        _(
            "Some of these examples were looked at before: a proof has to hold with {0} now, so that all looks "
            "together err in at most 5 % of cases."
        ).format(percent(1 - alpha, 2)),
        when=earlier > 0,
    )
