"""Judging arrays that are known beforehand, without labels."""

from collections.abc import Callable
from typing import Any

import pytest

from workers.contracts.specs import Judgement
from workers.evaluate.judge import judge

Make = Callable[..., Any]


@pytest.fixture
def judged(labelled: Make, answers_of: Make) -> Callable[..., Judgement]:
    """Judge two models' predictions of one kind at this limit."""

    def run(old: Any, new: Any, kind: str, limit_pct: float = 1.0, **more: Any) -> Judgement:
        before, after = answers_of(old, kind, **more), answers_of(new, kind, **more)
        return judge(labelled([None] * len(old)), before, after, limit_pct)

    return run
