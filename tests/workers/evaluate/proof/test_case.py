"""What is worked out of both models' predictions."""

from dataclasses import replace

import numpy as np
import pytest

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.case import Case, case_of
from workers.evaluate.proof.predictions import Answers


@pytest.fixture
def case() -> Case:
    answers = Answers([np.zeros(1, np.float32)] * 4, None, np.ones(4, np.bool_), {}, "tensor", "logits", False)
    return case_of(DataSet("arrays", "person", test=(Item(""),) * 4), answers, answers)


def test_it_is_worked_out_once_for_each_case(case: Case) -> None:
    """Given work that is asked for twice, Then it is done once, and anew for other items or another seed."""
    asked = []

    def work(one: Case) -> int:
        asked.append(one)
        return len(one.items) + one.seed

    assert [case.once(work), case.once(work)] == [4, 4] and len(asked) == 1
    assert case.only(np.array([True, False, True, False])).once(work) == 2
    assert replace(case, seed=5).once(work) == 9
    assert case.once(work) == 4 and len(asked) == 3
