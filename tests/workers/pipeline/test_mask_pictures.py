"""Draw masks at the size of the user's picture."""

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


def test_mask_picture_removes_the_letterbox(spec: Callable[..., PipelineSpec]) -> None:
    """Given a picture twice as wide as high and a mask of half the input's size, Then the mask covers the picture
    without the bars."""
    mask = np.zeros((32, 32), np.float32)
    mask[16:, :] = 1
    mask[:8, :] = 2  # in the bar, which is no part of the picture
    picture = mask_picture(mask, spec(resize=(64, 64), letterbox=True), (200, 100), (64, 64))
    values = np.asarray(picture)
    assert (picture.mode, picture.size) == ("P", (200, 100))
    assert (values[:50] == 0).all() and (values[50:] == 1).all()
    colors = np.asarray(picture.convert("RGB"))
    assert colors[0, 0].tolist() == [0, 0, 0] and colors[99, 0].any()


def test_mask_picture_has_class_0_outside_the_crop(spec: Callable[..., PipelineSpec]) -> None:
    """Given a model that reads the middle of a picture, Then only the middle has a class."""
    picture = mask_picture(np.ones((64, 64), np.float32), spec(resize=64, crop=64), (128, 64), (64, 64))
    values = np.asarray(picture)
    assert values[:, 32:96].all() and not values[:, :32].any() and not values[:, 96:].any()


def test_mask_picture_with_too_many_classes_is_refused(spec: Callable[..., PipelineSpec]) -> None:
    """Given class 256, Then it is refused."""
    with pytest.raises(PipelineError, match="256 classes"):
        mask_picture(np.full((4, 4), 256.0), spec(resize=(64, 64)), (8, 8), (64, 64))
