"""The job ``explain`` beside the search: interfaces that differ, inner values, cancelling and the measure of error."""

import os
import sys
from pathlib import Path

import numpy as np
import planted as make
import pytest
from evaluated import small_spec
from recording import RecordingContext

from workers.contracts.after.changes import ChangedNode, DiffResult, ExplainParams, Reason
from workers.contracts.errors import JobCancelled
from workers.contracts.jobs import OpenParams
from workers.contracts.paths import from_text
from workers.contracts.specs import RunParams
from workers.explain.explain_job import explain, inner_causes, paired
from workers.explain.running import Outcome, relative_error
from workers.model_io.opening import open_model
from workers.pipeline.spec import ArraySteps, ImageSteps

BEFORE = Outcome(1.0, 3, 4, agrees=False)


@pytest.mark.parametrize(("code", "codes"), [("rounding", ["rounding"]), ("weights", ["weights"]), ("operator", [])])
def test_reason_of_inner_values_gives_the_cause(code: str, codes: list[str]) -> None:
    """Given why inner values differ, Then rounding and weights are causes, and a reason that is not known is none."""
    node = ChangedNode(a="conv", b="conv", op="Conv", status="rounded", dtype_a="f32", dtype_b="int8")
    diff = DiffResult(nodes=(node,), difference=Reason(code=code, text="Why.", nodes=("conv",)))
    assert [cause.code for cause in inner_causes(diff, BEFORE)] == codes
    assert not inner_causes(diff.model_copy(update={"difference": None}), BEFORE)


def test_second_model_is_fed_as_the_first() -> None:
    """Given a picture model and one that was opened as plain arrays, Then the second gets the first's preparation."""
    first = small_spec("image-classification", "image", (None, 3, 8, 8), (None, 3), ImageSteps(resize=8))
    own = small_spec("arrays", "array", (None, 3, 8, 8), (None, 3), ArraySteps(), kind="tensor")
    spec = paired(first, own)
    assert spec.preprocess == first.preprocess and spec.inputs[0].source == "image" and spec.answer_kind == "class"


def test_error_is_relative_to_the_spread_of_the_answers() -> None:
    """Given answers around a large constant, Then an error of half of their spread is one half, and NaN is infinite."""
    rng = np.random.default_rng(0)
    first = [1000 + rng.normal(0, 2, 8).astype(np.float32) for _ in range(50)]
    second = [row + np.float32(1) for row in first]
    assert relative_error(first, second)[0] == pytest.approx(0.5, rel=0.1)
    assert relative_error(first, [row * np.nan for row in second])[0] == float("inf")


def test_cancel_ends_the_search(tmp_path: Path) -> None:
    """Given a user who cancels during the search, Then the job ends."""
    make.pictures(tmp_path / "pictures", 4)
    model = make.picture_model(tmp_path / "one" / "model.onnx")
    opened = open_model(OpenParams(path=str(model)), RecordingContext(tmp_path))
    np.savez(tmp_path / "expected.npz", output=np.zeros((4, 5)) + np.arange(4)[:, None])
    params = ExplainParams(
        first=RunParams(model_dir=str(tmp_path / opened.model_dir), runtime=opened.runtime),
        expected=str(tmp_path / "expected.npz"), data_path=str(tmp_path / "pictures"),
    )  # fmt: skip
    ctx = RecordingContext(tmp_path, cancel_after=30)
    with pytest.raises(JobCancelled):
        explain(params, ctx)
    assert any(one.stage == "Trying the usual differences" for one in ctx.progress_sent)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_places_whose_names_are_no_text_fit_the_jobs_message(tmp_path: Path) -> None:
    """Given examples and expected outputs at places whose names are no text in any encoding, Then the job gets them."""
    place = tmp_path / os.fsdecode(b"\xff")
    params = ExplainParams(
        first=RunParams(model_dir="model", runtime="onnxruntime-cpu"), expected=str(place), data_path=str(place)
    )
    again = ExplainParams.model_validate_json(params.model_dump_json())
    assert from_text(again.data_path) == from_text(again.expected or "") == place
