"""Score classification of texts, with the same measures as for any other class."""

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.scores.base import Score
from workers.evaluate.scores.kinds.classification import is_class, measure_as


def fits(case: Case) -> bool:
    """Return whether both models predict classes of texts."""
    return is_class(case) and case.data.kind == "texts"


def measure(case: Case) -> list[TaskScore]:
    """Return the scores of a text classifier."""
    return measure_as("text classification", case)


SCORE = Score("text-classification", "Text classification", "numpy", 11, fits, measure)
