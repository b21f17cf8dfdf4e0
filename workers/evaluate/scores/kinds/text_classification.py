"""Naming the class of a text: the same measures as for any other class."""

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.scores.base import Score
from workers.evaluate.scores.kinds.classification import is_class, measure_as


def fits(case: Case) -> bool:
    return is_class(case) and case.data.kind == "texts"


def measure(case: Case) -> list[TaskScore]:
    return measure_as("text classification", case)


SCORE = Score("text-classification", "Text classification", "numpy", 11, fits, measure)
