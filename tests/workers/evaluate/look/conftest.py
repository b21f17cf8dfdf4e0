"""The job ``examples`` on the stored predictions of two models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workers.contracts.jobs import Example, ExamplesParams
from workers.evaluate.proof.predictions import Predictions, save_predictions


@pytest.fixture
def shown(job: Callable[..., Any]) -> Callable[..., tuple[tuple[Example, ...], Path]]:
    """Return a function that shows items with the predictions of both models, which are the same without `new`."""

    def run(
        model: Path, data: Path, items: tuple[int, ...], old: Predictions, new: Predictions | None = None, **more: Any
    ) -> tuple[tuple[Example, ...], Path]:
        files = [data.parent / name for name in ("old.npz", "new.npz")]
        for file, answers in zip(files, (old, new or old), strict=True):
            save_predictions(file, answers)
        params = ExamplesParams(
            data_dir=str(data), model_dir=str(model), original_answers=str(files[0]), variant_answers=str(files[1]),
            items=items, **more,
        )  # fmt: skip
        result, work = job("examples", params)
        return result.rows, work

    return run
