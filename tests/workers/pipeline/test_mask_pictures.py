"""Masks as people see them: on their own picture, of its size."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from workers.pipeline.postprocess.mask_pictures import mask_picture
from workers.pipeline.spec import ImageSteps, MaskSteps, PipelineError, PipelineSpec

NAMES = ("Ground", "Coat", "Bag")


@pytest.fixture
def spec(make: Callable[..., Any]) -> Callable[..., PipelineSpec]:
    def of(**steps: Any) -> PipelineSpec:
        pipeline = make(
            [{"name": "x", "dtype": "float32", "shape": (None, 3, 64, 64), "source": "image"}],
            ImageSteps(**steps),
            answer_kind="mask",
            classes=NAMES,
            postprocess=MaskSteps(output="y"),
        )
        return pipeline.spec

    return of


def test_a_letterboxed_mask_lies_on_the_picture(spec: Callable[..., PipelineSpec]) -> None:
    """Given a picture twice as wide as high, and a mask of half the input's size, then its lower half of the thing is
    the lower half of the picture: the bars above and below fall away."""
    mask = np.zeros((32, 32), np.float32)
    mask[16:, :] = 1
    mask[:8, :] = 2  # in the bar, which is no part of the picture
    picture = mask_picture(mask, spec(resize=(64, 64), letterbox=True), (200, 100), (64, 64))
    values = np.asarray(picture)
    assert (picture.mode, picture.size) == ("P", (200, 100))
    assert (values[:50] == 0).all() and (values[50:] == 1).all()
    colors = np.asarray(picture.convert("RGB"))
    assert colors[0, 0].tolist() == [0, 0, 0] and colors[99, 0].any()


def test_what_was_cut_off_has_no_class(spec: Callable[..., PipelineSpec]) -> None:
    """Given the middle of a picture was fed, then only the middle has the class."""
    picture = mask_picture(np.ones((64, 64), np.float32), spec(resize=64, crop=64), (128, 64), (64, 64))
    values = np.asarray(picture)
    assert values[:, 32:96].all() and not values[:, :32].any() and not values[:, 96:].any()


def test_more_classes_than_a_picture_has_colors_are_refused(spec: Callable[..., PipelineSpec]) -> None:
    """Given class 256, then a clear refusal and no wrong color."""
    with pytest.raises(PipelineError, match="256 classes"):
        mask_picture(np.full((4, 4), 256.0), spec(resize=(64, 64)), (8, 8), (64, 64))
