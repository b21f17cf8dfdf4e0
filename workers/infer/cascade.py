"""Run two models as one cascade: a fast model first, then an exact model on uncertain rows.

After “Rapid Object Detection using a Boosted Cascade” (Viola, Jones 2001) and “BranchyNet” (arXiv 1709.01686). A
prediction is certain if the scores of its two best classes differ by at least a threshold that was learned beforehand.
Works with every runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, Session, check_entries
from .words import Words

Load = Callable[[Path, Mapping[str, Any], int], Session]

KNOWN: dict[str, tuple[type, ...]] = {
    "first": (dict,),
    "first_main": (str,),
    "output": (str,),
    "scores": (str,),
    "threshold": (float, int),
    "batched": (list, tuple),
}
LEAST = 1e-30
"""Smallest probability; lower ones are raised to it so that their logarithm is finite."""


def margins(answer: NDArray[Any], scores: str) -> NDArray[np.float64]:
    """Return the distance between the best and the second-best class in logits.

    Args:
        answer: class scores of the shape (n, classes).
        scores: ``logits`` or ``probabilities`` (differences of their logarithms equal differences of the logits).

    Returns:
        The margins (n,) as float64; NaN where a score is NaN.
    """
    best = np.partition(answer, -2, axis=-1)[..., -2:].astype(np.float64)
    if scores == "probabilities":
        best = np.log(np.maximum(best, LEAST))
    gap: NDArray[np.float64] = best[..., 1] - best[..., 0]
    return gap


class CascadeSession:
    """A session that predicts all rows with `first` and repeats uncertain rows with `exact`.

    A row is uncertain if its margin is below `threshold`. The cascade owns both sessions.
    """

    def __init__(self, first: Session, exact: Session, settings: Mapping[str, Any]) -> None:
        """Combine two open sessions; `settings` is the checked setting ``cascade``."""
        self._first, self._exact = first, exact
        self._output = str(settings["output"])
        self._scores = str(settings.get("scores", "logits"))
        self._threshold = float(settings["threshold"])
        self._batched = frozenset(settings["batched"])
        self.device_ran = exact.device_ran
        self.fallbacks = tuple(dict.fromkeys((*first.fallbacks, *exact.fallbacks)))

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch, taken from `exact` for the uncertain rows."""
        answers = self._first.run(feeds)
        # A NaN margin counts as uncertain, hence the negated comparison.
        unsure = ~(margins(answers[self._output], self._scores) >= self._threshold)
        if not unsure.any():
            return answers
        if unsure.all():
            return self._exact.run(feeds)
        some = {name: array[unsure] if name in self._batched else array for name, array in feeds.items()}
        for name, values in self._exact.run(some).items():
            if values.ndim and len(answers[name]) == unsure.size:
                answers[name][unsure] = values
        return answers

    def close(self) -> None:
        """Close both sessions."""
        self._first.close()
        self._exact.close()


def open_cascade(load: Load, path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open both models of a cascade with `load`.

    The exact model gets `settings`; for the fast model, the cascade's own settings override them. The fast model is the
    same file, or the file `first_main` next to it. Where this computer cannot run the fast model as it was made, only
    the exact model is used, and `fallbacks` states that.

    Raises:
        ValueError: a setting is unknown.
    """
    own = dict(settings["cascade"])
    check(own)
    shared = {name: value for name, value in settings.items() if name != "cascade"}
    first = load(path.parent / own.get("first_main", path.name), {**shared, **own.get("first", {})}, threads)
    if first.fallbacks:
        reasons = tuple(Words("{0}; the exact version answers alone", text) for text in first.fallbacks)
        first.close()
        exact = load(path, shared, threads)
        exact.fallbacks = (*exact.fallbacks, *reasons)
        return exact
    try:
        return CascadeSession(first, load(path, shared, threads), own)
    except BaseException:
        first.close()
        raise


def check(own: Mapping[str, Any]) -> None:
    """Check the setting ``cascade``.

    Raises:
        ValueError: an entry is missing or unknown, or names a file outside the model's folder.
    """
    check_entries("cascade", own, KNOWN, ("output", "threshold", "batched"))
    main = str(own.get("first_main", "model"))
    if Path(main).is_absolute() or ".." in Path(main).parts or "\\" in main or ":" in main:
        raise ValueError("setting 'cascade' names a file outside the model's folder")
