"""Two models as one: a fast one answers, an exact one answers again where the fast one is not sure.

After “Rapid Object Detection using a Boosted Cascade” (Viola, Jones 2001) and “BranchyNet” (arXiv 1709.01686): sure is
who keeps the two best classes apart by more than a threshold that was learned beforehand. Works over every runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, Session

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
"""Probabilities under it count as this much, so that their logarithm exists."""


def margins(answer: NDArray[Any], scores: str) -> NDArray[np.float64]:
    """How far the best class lies before the second, in logits: (n, classes) → (n,). NaN where an answer is NaN.

    `scores` is what the answer holds: ``logits`` or ``probabilities`` (whose logarithms differ just as the logits do).
    """
    best = np.partition(answer, -2, axis=-1)[..., -2:].astype(np.float64)
    if scores == "probabilities":
        best = np.log(np.maximum(best, LEAST))
    gap: NDArray[np.float64] = best[..., 1] - best[..., 0]
    return gap


class CascadeSession:
    """`first` answers all rows; rows whose margin is under `threshold` are answered again by `exact`.

    `asked` and `again` count rows since the start.
    """

    def __init__(self, first: Session, exact: Session, settings: Mapping[str, Any]) -> None:
        self._first, self._exact = first, exact
        self._output = str(settings["output"])
        self._scores = str(settings.get("scores", "logits"))
        self._threshold = float(settings["threshold"])
        self._batched = frozenset(settings["batched"])
        self.device_ran = exact.device_ran
        self.fallbacks = tuple(dict.fromkeys((*first.fallbacks, *exact.fallbacks)))
        self.asked = self.again = 0

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        answers = self._first.run(feeds)
        # NaN is never sure
        unsure = ~(margins(answers[self._output], self._scores) >= self._threshold)
        self.asked += unsure.size
        if not unsure.any():
            return answers
        self.again += int(unsure.sum())
        if unsure.all():
            return self._exact.run(feeds)
        some = {name: array[unsure] if name in self._batched else array for name, array in feeds.items()}
        for name, values in self._exact.run(some).items():
            if values.ndim and len(answers[name]) == unsure.size:
                answers[name][unsure] = values
        return answers

    def close(self) -> None:
        self._first.close()
        self._exact.close()


def open_cascade(load: Load, path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open both with `load`: the exact one with `settings`, the fast one with the cascade's own over them.

    The fast one lies in the same file, or in `first_main` beside it. Where this computer cannot run the fast one as it
    was made to run, the exact one answers alone and says so. Raises ValueError for settings that are not known.
    """
    own = dict(settings["cascade"])
    check(own)
    shared = {name: value for name, value in settings.items() if name != "cascade"}
    first = load(path.parent / own.get("first_main", path.name), {**shared, **own.get("first", {})}, threads)
    if first.fallbacks:
        said = tuple(f"{text}; the exact version answers alone" for text in first.fallbacks)
        first.close()
        exact = load(path, shared, threads)
        exact.fallbacks = (*exact.fallbacks, *said)
        return exact
    try:
        return CascadeSession(first, load(path, shared, threads), own)
    except BaseException:
        first.close()
        raise


def check(own: Mapping[str, Any]) -> None:
    """Raise ValueError where the setting ``cascade`` is not whole, or names a file elsewhere."""
    for name, value in own.items():
        if name not in KNOWN or not isinstance(value, KNOWN[name]):
            raise ValueError(f"setting 'cascade' cannot hold {name} = {value!r}")
    lacking = [name for name in ("output", "threshold", "batched") if name not in own]
    if lacking:
        raise ValueError(f"setting 'cascade' lacks {', '.join(lacking)}")
    main = str(own.get("first_main", "model"))
    if Path(main).is_absolute() or ".." in Path(main).parts or "\\" in main or ":" in main:
        raise ValueError("setting 'cascade' names a file outside the model's folder")
