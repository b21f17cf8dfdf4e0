"""Answers through real runtimes: collected, stored, judged by the jobs ``data``, ``answer`` and ``judge``."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import data_for, judged
from onnx import helper
from recording import RecordingContext

from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.jobs import AnswerParams, AnswerResult
from workers.evaluate.proof.predictions import collect_predictions, load_predictions, model_failures, save_predictions
from workers.measure.opening import open_session
from workers.model_io.readers.onnx_graph import integer_bounds
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared, write_prepared
from workers.pipeline.spec import PipelineInput, PipelineOutput

Make = Callable[..., Any]


def answer(
    job: Make, folder: Path, data: Path, runtime: str = "onnxruntime-cpu", **more: Any
) -> tuple[AnswerResult, Path]:
    params = AnswerParams(model_dir=str(folder), data_dir=str(data), runtime=runtime, **more)
    result, work = job("answer", params)
    return result, work / result.path


def test_two_runtimes_agree_on_made_inputs(job: Make, small: Any) -> None:
    """Given each small model and no data, When OpenVINO and ONNX Runtime predict, Then they agree, which proves nothing."""
    data = data_for(job, small.folder)
    result, old = answer(job, small.folder, data)
    assert result.n == 64 and result.not_finite == 0
    stored = load_predictions(old)
    assert (stored.predicted is None) is (small.kind == "stateful")
    if small.kind == "stateful":
        assert stored.answer[0].shape == (64,) and not stored.others
    _, new = answer(job, small.folder, data, "openvino", settings={"inference_precision": "f32"})
    judgement = judged(job, data, old, new)
    assert judgement.verdict == "not_enough_data" and judgement.n == 64
    assert judgement.agreement == pytest.approx(1.0, abs=1e-6)


def test_predictions_continue_after_a_time_limit(job: Make, make_small: Make) -> None:
    """Given ten predictions within a time limit, When more time is given, Then the others follow, and all are equal to
    those of one pass; `most` bounds their number."""
    small = make_small("cnn")
    first, path = answer(job, small.folder, small.data, max_seconds=0.0)
    assert (first.n, first.stopped) == (10, "time")
    rest, later = answer(job, small.folder, small.data, earlier=str(path))
    whole, at_once = answer(job, small.folder, small.data)
    assert first.read_share == pytest.approx(10 / whole.n)
    assert (rest.n, rest.stopped, rest.read_share) == (whole.n, "", 1.0) and rest.seconds > first.seconds
    for one, other in zip(load_predictions(later).answer, load_predictions(at_once).answer, strict=True):
        np.testing.assert_array_equal(one, other)
    some, _ = answer(job, small.folder, small.data, most=12)
    assert (some.n, some.stopped, some.read_share) == (12, "", 1.0)


def test_predictions_of_an_embedder_hold_a_gallery(job: Make, make_small: Make) -> None:
    """Given vectors as answers, Then those of the calibration items are kept, too; of classes they are not."""
    small = make_small("cnn")
    assert not load_predictions(answer(job, small.folder, small.data)[1]).gallery
    spec = load_pipeline(small.folder).spec
    text = (small.folder / "pipeline.json").read_text(encoding="utf-8")
    (small.folder / "pipeline.json").write_text(text.replace('"class"', '"embedding"'), encoding="utf-8")
    stored = load_predictions(answer(job, small.folder, small.data)[1])
    assert stored.answer_kind == "embedding" != spec.answer_kind
    assert len(stored.gallery) == 24 and stored.gallery[0].shape == stored.answer[0].shape


def test_five_hundred_arrays_prove_a_version(job: Make, make_small: Make, tmp_path: Path) -> None:
    """Given 500 items labelled by the model itself, then the same answers are safe and others regressed."""
    small = make_small("constants")
    values = np.random.default_rng(0).normal(size=(500, 20)).astype(np.float32)
    pipeline = load_pipeline(small.folder)
    session = open_session(small.folder, "onnxruntime-cpu", {}, 1)
    labels = np.array([pipeline.answer(session, {"x": row[None]}).argmax() for row in values])
    np.savez(tmp_path / "d.npz", x=values, y=labels)
    data = data_for(job, small.folder, tmp_path / "d.npz")
    _, old = answer(job, small.folder, data)
    same = judged(job, data, old, old)
    assert same.verdict == "safe" and same.accuracy == 1.0 and same.n == 400
    stored = load_predictions(old)
    wrong = [np.roll(row, 1) if i % 10 == 0 else row for i, row in enumerate(stored.answer)]
    save_predictions(tmp_path / "w.npz", replace(stored, answer=wrong, predicted=np.argmax(wrong, 1)))
    assert judged(job, data, old, tmp_path / "w.npz").verdict == "regressed"


def square_root(make_small: Make, shape: list[Any], name: str = "x") -> Any:
    """A model of the "constants" kind that takes the root of its inputs: NaN for negative ones."""
    floats = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Sqrt", [name], ["s"]), helper.make_node("Slice", ["s", "zero", "four", "one"], ["y"])],
        "root",
        [floats(name, 1, shape)],
        [floats("y", 1, [shape[0], 4])],
        [helper.make_tensor(n, 7, [1], [v]) for n, v in (("zero", 0), ("four", 4), ("one", 1))],
    )
    graph.initializer.append(helper.make_tensor("axis", 7, [1], [1]))
    graph.node[1].input[3:] = ["axis"]
    return make_small("constants", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


def test_nan_predictions_are_counted(job: Make, make_small: Make) -> None:
    """Given a model whose output is no number, then it is counted, and nothing can be compared."""
    folder = square_root(make_small, ["n", 20]).folder
    data = data_for(job, folder)
    result, path = answer(job, folder, data)
    assert result.not_finite > 55
    stored = load_predictions(path)
    assert stored.predicted is not None and (stored.predicted == -1).sum() == result.not_finite
    judgement = judged(job, data, path, path)
    assert any("NaN" in note for note in judgement.notes)


def test_model_that_fails_at_an_input_is_refused(job: Make, make_small: Make) -> None:
    """Given a model that needs another size than its description, Then it is refused."""
    folder = square_root(make_small, ["n", 21]).folder
    data = data_for(job, folder)
    with pytest.raises(InputRefused) as refused:
        answer(job, folder, data)
    assert refused.value.code == "run_failed" and refused.value.detail.startswith("Item 1 of the test set")


@pytest.mark.parametrize("words", ["Out of range", "Out of range.", "Out of\n range.."])
def test_failure_in_the_runtimes_own_words_ends_in_one_period(words: str) -> None:
    """Given an error of a runtime, whether it ends in a period or not, Then the refusal's sentence ends in one."""
    with pytest.raises(InputRefused) as refused, model_failures("title", "hint"):
        raise RuntimeError(words)
    assert refused.value.detail.endswith("Out of range.")


def test_time_is_bounded_and_cancel_stops(job: Make, make_small: Make) -> None:
    """Given no time at all, then ten items are answered; given a cancel, then it stops at once."""
    small = make_small("cnn")
    data = data_for(job, small.folder)
    result, _ = answer(job, small.folder, data, max_seconds=0.0)
    assert result.n == 10
    params = AnswerParams(model_dir=str(small.folder), data_dir=str(data), runtime="onnxruntime-cpu")
    with pytest.raises(JobCancelled):
        job("answer", params, cancel_after=3)


OUTPUTS = (
    PipelineOutput("logits", "float32", answer=True), PipelineOutput("extra", "float32"), PipelineOutput("n", "int64"),
)  # fmt: skip


class Passing:
    """A loaded model that gives what it gets, as two outputs of a size that changes, and a whole number."""

    device_ran, fallbacks = "cpu", ()

    def run(self, feeds: Any) -> dict[str, np.ndarray]:
        values = feeds["input_ids"].astype(np.float32)
        return {
            "logits": values[..., None],
            "extra": values[0, 0] * np.ones((1, 2), np.float32),
            "n": values.astype(int),
        }

    def close(self) -> None: ...


def test_padded_positions_are_left_out_and_all_float_outputs_kept(make_small: Make, tmp_path: Path) -> None:
    """Given token outputs with an attention mask and other outputs, then ragged rows without padding are stored."""
    small = make_small("transformer")
    spec = load_pipeline(small.folder).spec
    mask = PipelineInput("mask", "int64", (None, None), "attention_mask")
    pipeline = Pipeline(replace(spec, inputs=(*spec.inputs, mask), outputs=OUTPUTS, answer_kind="tensor"), small.folder)
    rows = [
        {"input_ids": np.arange(1, 7)[None], "mask": np.array([[1] * count + [0] * (6 - count)])} for count in (2, 5)
    ]
    write_prepared(tmp_path / "p", rows)
    answers = collect_predictions(pipeline, Passing(), Prepared(tmp_path / "p"), RecordingContext(tmp_path))
    assert [part.shape for part in answers.answer] == [(2, 1), (5, 1)] and answers.predicted is None
    assert list(answers.others) == ["extra"]
    save_predictions(tmp_path / "a.npz", replace(answers, ends=(2, 7)))
    again = load_predictions(tmp_path / "a.npz")
    assert again.ends == (2, 7)
    assert [part.ravel().tolist() for part in again.answer] == [[1, 2], [1, 2, 3, 4, 5]]
    assert again.others["extra"][1].tolist() == [1, 1] and again.answer_kind == "tensor"


def test_progress_counts_the_items_that_fit_the_time(
    make_small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given 400 items of a second each and 20 s for answers, Then the progress is of the items that fit, so that its
    time left never exceeds these 20 s, and it ends whole."""
    small = make_small("transformer")
    spec = load_pipeline(small.folder).spec
    pipeline = Pipeline(replace(spec, outputs=OUTPUTS, answer_kind="tensor"), small.folder)
    write_prepared(tmp_path / "p", [{"input_ids": np.arange(1, 7)[None]}] * 400)
    clock = iter(range(10_000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    ctx = RecordingContext(tmp_path)
    answers = collect_predictions(pipeline, Passing(), Prepared(tmp_path / "p"), ctx, 20.0)
    assert answers.stopped == "time"
    totals = [sent.total or 0 for sent in ctx.progress_sent]
    assert totals[0] == 400 and max(totals[2:-1]) <= 22 and ctx.progress_sent[-1].done == totals[-1]


def test_made_integers_stay_inside_their_table(job: Make, make_small: Make) -> None:
    """Given an embedding of 50 rows, then made tokens are below 50 and use most of them."""
    small = make_small("transformer")
    assert integer_bounds(small.folder) == {"input_ids": 50}
    items = Prepared(data_for(job, small.folder) / "test")
    tokens = np.concatenate([item["input_ids"].ravel() for item in items])
    assert tokens.min() >= 0 and tokens.max() < 50 and len(np.unique(tokens)) > 40
    assert len({item["input_ids"].shape for item in items}) > 4
