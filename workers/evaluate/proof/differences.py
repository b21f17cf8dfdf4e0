"""Define what a proof task returns: the noticeable differences item by item, without a verdict.

A task is one module of `workers.evaluate.proof.tasks` that defines `TASK = ProofTask(...)`. It decides which kinds
of predictions it handles, and turns those of both models into `Differences`. The engine computes bounds, slices and
the verdict from them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.proof.proving import LEAST_EFFECT
from workers.contracts.translation import mark
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.groups import Group

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Labels:
    """Labels of the n items that count, and where each model agrees with them.

    Attributes:
        known: Array (n,): whether the item has a label.
        right_old: Array (n,): whether the original is right.
        right_new: Array (n,): whether the version is right.
        decide: Whether labels decide the verdict. They are only reported if they do not fit the original.
    """

    known: Flags
    right_old: Flags
    right_new: Flags
    decide: bool = True


@dataclass(frozen=True)
class Loss:
    """Loss of a continuous score by labels (mAP, mIoU, error rates): how much worse the version is.

    Attributes:
        name: Name of the score.
        original: Score of the original. The person's limit is a share of it.
        drop: Loss in units of the score; above 0 means worse.
        draws: Resampled drops (k,), paired, over whole items.
        items: Number of items that the score is based on.
        alone: True if the score decides alone and the share changed is only reported. False if the share changed has to
            stay within the limit as well.
    """

    name: str
    original: float
    drop: float
    draws: Floats
    items: int
    alone: bool = True


@dataclass(frozen=True)
class Units:
    """Places that are counted within the n items, for example next words within texts.

    Places of one item depend on each other. Together they are worth their number divided by the design effect (Kish
    1965, Survey Sampling): the variance over items divided by the binomial variance, at least `LEAST_EFFECT`.

    A design effect that is estimated from unbroken items cannot foresee that one item in twenty breaks completely. So
    the share is bounded over items as well, namely over the items that share no text with another one.

    Attributes:
        changed: Array (n,) with the number of changed places of each item.
        sizes: Array (n,) with the number of places of each item.
        alone: Array (n,): whether the item shares no text with another one.
    """

    changed: Floats
    sizes: Floats
    alone: Flags

    @property
    def total(self) -> int:
        """Return the number of all places."""
        return int(self.sizes.sum())

    @property
    def hits(self) -> int:
        """Return the number of changed places."""
        return int(self.changed.sum())

    @property
    def shares(self) -> Floats:
        """Return the changed share (k,) of each item that shares no text with another one."""
        return np.asarray(self.changed[self.alone] / self.sizes[self.alone], np.float64)

    @property
    def effect(self) -> float:
        """Return the design effect, at least `LEAST_EFFECT`."""
        n, total = len(self.sizes), float(self.sizes.sum())
        share = float(self.changed.sum()) / total if total else 0.0
        if n < 2 or not 0 < share < 1:
            return LEAST_EFFECT
        spread = n / (n - 1) * float(((self.changed - share * self.sizes) ** 2).sum()) / total**2
        return max(LEAST_EFFECT, spread / (share * (1 - share) / total))


@dataclass(frozen=True)
class Gate:
    """A figure that has to stay within its own limit, in addition to the share changed.

    Attributes:
        estimate: The observed value.
        draws: Values (k,), resampled over whole items.
        per_limit: The value may be at most this many times the person's limit (a share).
        message: What is wrong with a value that is too large, as the heading of a sentence.
        at_most: A fixed limit that replaces `per_limit`; None if there is none.
        exact: Function from a confidence to an upper bound that holds for any number of items. It is needed because a
            bootstrap over a few unchanged items has no width. None if the figure is not a mean of shares.
    """

    estimate: float
    draws: Floats
    per_limit: float
    message: str
    at_most: float | None = None
    exact: Callable[[float], float] | None = None

    def allowed(self, limit: float) -> float:
        """Return the largest allowed value of the estimate and of its bound, for a limit that is a share."""
        return self.per_limit * limit if self.at_most is None else self.at_most


Part = tuple[Group, Flags]
"""A part of the items with its own kind of change, for example one class of a detector.

The flags (k,) mark the members of the group that changed.
"""


@dataclass(frozen=True)
class Differences:
    """Noticeable differences of the n items that count, as a proof task found them.

    Attributes:
        items: Array (n,) with the numbers of the items in the test set.
        changed: Array (n,): whether the result differs materially from the original's.
        severity: Array (n,): how much the result differs; larger is worse. It sorts what is displayed.
        similarity: Array (n,), 0..1. It is displayed and never a gate.
        classes: Name of the original's class of each item, for slices.
        parts: Parts with their own kind of change.
        labels: Correctness of both models, if items have labels.
        loss: Loss of a continuous score, if items have labels for one.
        notes: Sentences for people.
        figures: Further fields of the judgement.
        broken: True if the version is rejected regardless of all bounds, for a reason that is in `notes`.
        unseen: Why these items cannot prove anything; "" if they can.
        units: Places within items, which are counted instead of items.
        gates: Further figures that have to stay within their limits.
        least_items: The smallest number of items that proves anything.
        unproven: Sentences about what these items cannot show.
        beside: Items that gates are based on, and that are displayed but never counted.
        searched: Numbers of items that served only as the gallery of a search, so that others could be judged.
    """

    items: NDArray[np.int64]
    changed: Flags
    severity: Floats
    similarity: Floats | None = None
    classes: Sequence[str] | None = None
    parts: Sequence[Part] = ()
    labels: Labels | None = None
    loss: Loss | None = None
    notes: Sequence[str] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    broken: bool = False
    unseen: str = ""
    units: Units | None = None
    gates: Sequence[Gate] = ()
    least_items: int = 0
    unproven: Sequence[str] = ()
    beside: "Differences | None" = None
    searched: Sequence[int] = ()


@dataclass(frozen=True)
class ProofTask:
    """One kind of result that the proof can judge. Each module of `workers.evaluate.proof.tasks` owns one instance.

    Attributes:
        id: Unique name.
        order: Priority. Of several tasks that fit, the one with the lowest number judges.
        fits: Function that decides by the kind of predictions whether the task applies.
        compare: Function that finds the differences.
        empty: Sentence on why {0:,} of {1:,} examples do not count.
    """

    id: str
    order: int
    fits: Callable[[Case], bool]
    compare: Callable[[Case], Differences]
    empty: str = mark("{0:,} of {1:,} examples do not count: nothing in them can be compared.")
