"""Convert one sample's prediction to the result that a bundle's run.py prints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_models import classes

from workers.pipeline.answering import answered
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import BoxesSteps, MaskSteps, PipelineError, TranscriptSteps


def pipeline_of(
    kind: str, postprocess: MaskSteps | TranscriptSteps | BoxesSteps | None, names: tuple[str, ...]
) -> Pipeline:
    spec = classes("x", "float32", (4,), 3, "y")
    return Pipeline(replace(spec, answer_kind=kind, classes=names, postprocess=postprocess), Path())


def test_answered_mask_has_shares_and_is_written(tmp_path: Path) -> None:
    """Given a mask of two classes, Then the result has each one's share of the picture, and the mask is written as a
    picture."""
    pipeline = pipeline_of("mask", MaskSteps(output="y"), ("wall", "door"))
    values = np.array([[[0, 0, 1, 0], [0, 0, 1, 0]]], np.float32)
    result = answered(pipeline, values, None, tmp_path / "mask.png")
    assert result["shares"] == {"wall": 0.75, "door": 0.25}
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.png")), values[0])


def test_answered_masks_of_two_pictures_are_refused() -> None:
    """Given two pictures in one file, then a clear refusal."""
    pipeline = pipeline_of("mask", MaskSteps(output="y"), ("wall", "door"))
    with pytest.raises(PipelineError, match="2 samples"):
        answered(pipeline, np.zeros((2, 3, 3), np.float32), None)


def test_answered_transcript_is_its_text_alone() -> None:
    """Given numbers of characters, then the text alone: no shape that a reader would have to know."""
    pipeline = pipeline_of("transcript", TranscriptSteps(output="y"), ("", "h", "i"))
    assert answered(pipeline, np.array([[1, 2]], np.float32), None) == {"answer": "hi"}


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["class", "tensor", "mask", "detection", "transcript"])
def test_an_answer_that_json_cannot_hold_is_refused(kind: str, number: float) -> None:
    """Given NaN or infinity from the model, Then the prediction is refused, because JSON has no such numbers."""
    steps = {"mask": MaskSteps(output="y"), "transcript": TranscriptSteps(output="y")}.get(kind)
    steps = BoxesSteps(form="end_to_end", boxes="y") if kind == "detection" else steps
    values = np.full((1, 6), 0.5, np.float32)
    values[0, 2] = number
    if kind == "detection":
        values = values[None]
    with pytest.raises(PipelineError, match="no numbers"):
        answered(pipeline_of(kind, steps, ("a", "b", "c", "d", "e", "f")), values, None)
