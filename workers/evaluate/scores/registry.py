"""Scores are found by scanning their package: one new file adds one."""

import importlib
import pkgutil
from functools import cache

from workers.evaluate.scores import kinds
from workers.evaluate.scores.base import Score


@cache
def all_scores() -> tuple[Score, ...]:
    """Every module's SCORE by its order; two of one id are an error."""
    found: dict[str, Score] = {}
    for module in pkgutil.iter_modules(kinds.__path__):
        score = importlib.import_module(f"{kinds.__name__}.{module.name}").SCORE
        if score.id in found:
            raise ValueError(f"two scores are called {score.id!r}")
        found[score.id] = score
    return tuple(sorted(found.values(), key=lambda score: (score.order, score.id)))
