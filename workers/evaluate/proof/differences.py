"""What a proof task tells the engine: item by item what a person would notice, and no verdict.

A task is one module of `workers.evaluate.proof.tasks` that holds `TASK = ProofTask(...)`. It says which predictions it
is for, and turns both models' predictions into `Differences`. Bounds, slices and the verdict are the engine's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.proof.proving import LEAST_EFFECT
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.groups import Group

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Labels:
    """Which of the n items have labels, and where each model is right by them; all (n,) bool. Where labels do not fit
    the original they are told and do not `decide`."""

    known: Flags
    right_old: Flags
    right_new: Flags
    decide: bool = True


@dataclass(frozen=True)
class Loss:
    """A continuous score by labels (mAP, mIoU, error rates): how much worse the version is.

    `drop` is in units of the score, above 0 for worse; `draws` are resampled drops (paired, over whole items).
    `original` is the original's score, of which the person's limit is a share; `items` is how many items it rests on.
    `alone`: it decides by itself, and the share changed is only told; else the share changed has to hold, too.
    """

    name: str
    original: float
    drop: float
    draws: Floats
    items: int
    alone: bool = True


@dataclass(frozen=True)
class Units:
    """What is counted within items: of `sizes` (n,) places `changed` (n,) differ. Places of one item depend on each
    other, so that together they tell as much as their number divided by the design effect (Kish 1965, Survey Sampling):
    the variance over items against the binomial one, at least `LEAST_EFFECT`.

    No effect that is estimated from unbroken items foresees that one of twenty breaks wholly. So the share is bounded
    over items as well: `alone` (n,) are those that share no text with another one.
    """

    changed: Floats
    sizes: Floats
    alone: Flags

    @property
    def total(self) -> int:
        return int(self.sizes.sum())

    @property
    def hits(self) -> int:
        return int(self.changed.sum())

    @property
    def shares(self) -> Floats:
        """(k,): the share changed of each item that stands alone."""
        return np.asarray(self.changed[self.alone] / self.sizes[self.alone], np.float64)

    @property
    def effect(self) -> float:
        """The design effect."""
        n, total = len(self.sizes), float(self.sizes.sum())
        share = float(self.changed.sum()) / total if total else 0.0
        if n < 2 or not 0 < share < 1:
            return LEAST_EFFECT
        spread = n / (n - 1) * float(((self.changed - share * self.sizes) ** 2).sum()) / total**2
        return max(LEAST_EFFECT, spread / (share * (1 - share) / total))


@dataclass(frozen=True)
class Gate:
    """A figure beside the share changed that has to hold, too: `draws` are resampled over whole items, and it may be at
    most `per_limit` times the person's limit (a share), or `at_most` whatever the limit is. `told` are words for "… is
    above what is allowed".

    Resampling a few items that did not change has no width. So of a figure that is a mean of shares `exact` gives an
    upper bound at a confidence that holds for any number of items; None: it is no mean of shares.
    """

    estimate: float
    draws: Floats
    per_limit: float
    told: str
    at_most: float | None = None
    exact: Callable[[float], float] | None = None

    def allowed(self, limit: float) -> float:
        """The most that the estimate and its bound may be."""
        return self.per_limit * limit if self.at_most is None else self.at_most


@dataclass(frozen=True)
class OwnPart:
    """A part of the items with changes of its own, as one class of a detector: `changed` is of `group.members`."""

    group: Group
    changed: Flags


@dataclass(frozen=True)
class Beside:
    """Items (n,) with what is shown of each, as in `Differences`."""

    items: NDArray[np.int64]
    changed: Flags
    similarity: Floats


@dataclass(frozen=True)
class Differences:
    """Of the n items that count.

    `items` (n,) are their numbers in the test set. `changed` (n,): the result differs materially from the original's.
    `severity` (n,): how much, larger is worse; it orders what is shown. `similarity` (n,) in 0..1 is told, never a
    gate. `classes`: the original's class of each item by name, for slices. `figures` are fields of the judgement.
    `broken`: refused whatever the bounds say, for a reason in `notes`. `unseen`: why nothing can be proven with these
    items at all, "" where it can. With `units` these are counted instead of items, and fewer than `least_items` items
    prove nothing; each of `gates` has to hold, too. `unproven` are sentences on what these items cannot show.
    `beside` are items that gates rest on and that are shown, but never counted. `searched` are the numbers of those
    that were only searched in, so that others could be judged.
    """

    items: NDArray[np.int64]
    changed: Flags
    severity: Floats
    similarity: Floats | None = None
    classes: Sequence[str] | None = None
    parts: Sequence[OwnPart] = ()
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
    beside: Beside | None = None
    searched: Sequence[int] = ()


@dataclass(frozen=True)
class ProofTask:
    """`fits` looks at the kind of predictions only; of several that fit the one of the lowest `order` judges.

    `changed` says in a few words when a result counts as changed, for people, and `empty` why an item does not count.
    """

    id: str
    title: str
    changed: str
    order: int
    fits: Callable[[Case], bool]
    compare: Callable[[Case], Differences]
    empty: str = "nothing in them can be compared"
