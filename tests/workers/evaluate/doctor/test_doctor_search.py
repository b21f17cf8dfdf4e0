"""The search among preparations of inputs: preparations are compared on the same examples."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from recording import RecordingContext

from workers.evaluate.doctor.evidence import PreparationScore, Scorer
from workers.evaluate.doctor.material import Example
from workers.evaluate.doctor.search import Search
from workers.evaluate.doctor.verdict import LATER, MORE, judge
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import ImageSteps


class Alternating:
    """A scorer without a model: each preparation is right on two of three examples."""

    def __init__(self, count: int) -> None:
        self.material = cast(Any, self)
        self.examples = [None] * count

    def extend(self, row: PreparationScore, count: int) -> None:
        """Score up to `count` examples."""
        new = range(row.n, count)
        row.score += [float(number % 3 > 0) for number in new]
        row.fine += [0.5 for _ in new]
        row.predicted += [0 for _ in new]


def rows(*sizes: int) -> list[PreparationScore]:
    return [
        PreparationScore(ImageSteps(resize=size), cast(Pipeline, None), number) for number, size in enumerate(sizes)
    ]


def test_last_comparison_that_runs_out_of_time_is_of_equal_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given 180 examples, When the time is up in the middle of a lap, Then all preparations are compared on the same number."""
    search = Search(cast(Scorer, Alternating(180)), RecordingContext(tmp_path), seconds=1.0)
    late = iter([False] * 13)
    monkeypatch.setattr(search, "_is_late", lambda _share: next(late, True))
    preparations = rows(1, 2, 3)
    search.race(preparations, 180, halving=False)
    assert [row.n for row in preparations] == [48, 48, 48]
    assert search.stopped_early


@pytest.mark.parametrize(("there", "wanted"), [(180, LATER), (48, MORE)])
def test_more_examples_are_asked_for_only_where_all_were_tried(there: int, wanted: str) -> None:
    """Given a rival that may be better by chance, Then the advice is more examples if all were tried, else more time."""
    chosen, rival = rows(1, 2)
    for row, right in ((chosen, 40), (rival, 42)):
        row.score = [1.0] * right + [0.0] * (48 - right)
        row.fine, row.predicted = row.score[:], [0] * 48
    examples = [Example(number, np.zeros(1), (0,)) for number in range(there)]
    found = judge([rival, chosen], chosen, examples, "confidence", 2)
    assert found.why.endswith(wanted)
