"""Added examples: which are new, and that judging parts is judging the whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from evaluated import answers_for, data_for
from onnx import numpy_helper

from workers.contracts.errors import JobCancelled
from workers.contracts.jobs import JudgeParams
from workers.contracts.proof.proving import FreshResult, ItemsParams, PredictionPair
from workers.contracts.specs import Judgement
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline

Make = Callable[..., Any]


@pytest.fixture
def rows(tmp_path: Path, make_small: Make) -> Callable[[int, int], Path]:
    """Some of 400 rows of numbers as an NPZ file; a tenth of the labels is not what the model answers."""
    values = np.random.default_rng(0).normal(size=(400, 20)).astype(np.float32)
    folder = make_small("constants").folder
    labels = load_pipeline(folder).answer(open_session(folder, "onnxruntime-cpu", {}, 1), {"x": values}).argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % 4

    def write(first: int, last: int) -> Path:
        path = tmp_path / f"rows {first} {last}.npz"
        np.savez(path, x=values[first:last], y=labels[first:last])
        return path

    return write


def fresh(job: Make, data: Path, *known: Path, **context: Any) -> FreshResult:
    params = ItemsParams(data_dir=str(data), known=tuple(str(folder) for folder in known))
    result = job("fresh", params, **context)[0]
    assert isinstance(result, FreshResult)
    return result


def test_known_examples_are_left_out(job: Make, make_small: Make, rows: Callable[[int, int], Path]) -> None:
    """Given data of which a part was tested or tuned with before, Then only new items count, whatever the folder."""
    folder = make_small("constants").folder
    first = data_for(job, folder, rows(0, 100))
    more = data_for(job, folder, rows(60, 180), max_calibration=0)
    found = fresh(job, more, first)
    assert len(found.items) == 80 and found.in_test + found.in_calibration == 40 and found.in_calibration > 0
    third = data_for(job, folder, rows(60, 200), max_calibration=0)
    assert len(fresh(job, third, first, more).items) == 20
    assert fresh(job, more, more).items == ()
    with pytest.raises(JobCancelled):
        fresh(job, more, first, cancel_after=30)


def test_parts_are_judged_as_the_whole(job: Make, make_small: Make, rows: Callable[[int, int], Path]) -> None:
    """Given answers on a first part and on what came later, Then the verdict is that of all of them read at once, and
    changed answers are numbered on through all parts."""
    old, new = make_small("constants").folder, make_small("constants", _other(make_small)).folder
    whole = data_for(job, old, rows(0, 300), max_calibration=0)
    first = data_for(job, old, rows(0, 100), max_calibration=0)
    more = data_for(job, old, rows(60, 300), max_calibration=0)
    items = fresh(job, more, first).items
    assert len(items) == 200

    def files(data: Path) -> dict[str, str]:
        by = {"original_answers": answers_for(job, old, data), "variant_answers": answers_for(job, new, data)}
        return {"data_dir": str(data), **{name: str(path) for name, path in by.items()}}

    def judge_files(**params: Any) -> Judgement:
        found: Judgement = job("judge", JudgeParams(**params))[0]
        return found

    at_once, part = judge_files(**files(whole)), files(more)
    in_parts = judge_files(**files(first), more=(PredictionPair(**part, items=items),))
    assert 0 < at_once.changed_count < 300
    for name in ("verdict", "n", "accuracy", "original_accuracy", "agreement", "drop", "changed_count", "margin"):
        assert getattr(in_parts, name) == pytest.approx(getattr(at_once, name)), name
    later = [item - 100 for item in in_parts.changed if item >= 100]
    assert later and set(later) <= set(items) and max(in_parts.changed) < 100 + 240

    alone = judge_files(**part, items=items)
    assert alone.n == 200 and set(alone.changed) <= set(items)


def _other(make_small: Make) -> Any:
    """The same model with weights that are a quarter noise, so that some answers change."""
    proto = onnx.load(str(make_small("constants").folder / "model.onnx"))
    rng = np.random.default_rng(5)
    for node in proto.graph.node:
        if node.op_type == "Constant":
            values = numpy_helper.to_array(node.attribute[0].t)
            noisy = values + rng.normal(0, 0.25 * values.std(), values.shape).astype(np.float32)
            node.attribute[0].t.CopyFrom(numpy_helper.from_array(noisy))
    return proto
