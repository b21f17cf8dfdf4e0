"""A session that takes pixels and prepared inputs alike: the inverse is exact, and nothing is rounded silently."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from special_models import PICTURE_STEPS

from workers.infer import pixels
from workers.pipeline import images
from workers.pipeline.spec import ImageSteps

OWN = {
    "input": "image",
    **{name: getattr(PICTURE_STEPS, name) for name in ("mean", "std", "range", "channels", "layout")},
}
EACH = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)


class Seen:
    """Keeps what it was given."""

    device_ran, fallbacks = "cpu", ("a note",)

    def __init__(self, settings: Any = None) -> None:
        self.settings, self.given, self.closed = settings, None, False

    def run(self, feeds: Any) -> dict[str, np.ndarray]:
        self.given = dict(feeds)
        return {}

    def close(self) -> None:
        self.closed = True


def session_of(settings: dict) -> tuple[Any, Seen]:
    opened: list[Seen] = []

    def load(path: Path, given: Any, threads: int) -> Any:
        opened.append(Seen(given))
        return opened[0]

    return pixels.open_pixels(load, Path("model.onnx"), settings, 1), opened[0]


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize(
    "steps",
    [
        PICTURE_STEPS,
        ImageSteps(),
        ImageSteps(range="0..255", layout="nhwc"),
        ImageSteps(range="0..255", mean=(127.5,), std=(127.5,), channels="bgr", layout="nhwc"),
        ImageSteps(mean=(0.5, 0.5, 0.5), std=(-0.5, 0.5, 0.1)),
    ],
)
def test_each_of_256_values_comes_back(steps: ImageSteps, dtype: str) -> None:
    """Given each value that a pixel can have, Then it comes back from what it was prepared to, in all kinds of numbers."""
    values = np.stack([EACH[..., 0], EACH[..., 1][:, ::-1], 255 - EACH[..., 2]], axis=-1)
    plain = steps
    prepared = images.normalized(values, plain).astype(dtype)
    back = pixels.as_pixels(prepared, vars(plain))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("change", [0.004, np.nan, np.inf, 1e6, -100.0])
def test_values_between_pixels_are_refused(change: float) -> None:
    """Given one number that lies between two values, beyond them or nowhere, Then it is refused, and the model does not run."""
    session, inner = session_of({"pixels": OWN})
    values = images.normalized(EACH, PICTURE_STEPS)
    values[0, 1, 2, 3] += change
    with pytest.raises(ValueError, match="8-bit pixels"):
        session.run({"image": values})
    assert inner.given is None


def test_pixels_and_other_inputs_go_on_as_they_are() -> None:
    session, inner = session_of({"pixels": OWN, "num_threads": 2})
    other = np.ones(3, np.float32)
    session.run({"image": EACH, "other": other})
    assert inner.given is not None and inner.given["image"] is EACH and inner.given["other"] is other
    assert inner.settings == {"num_threads": 2} and session.fallbacks == ("a note",) and session.device_ran == "cpu"
    session.close()
    assert inner.closed


def test_sizes_that_were_set_for_the_original_are_turned() -> None:
    """Given sizes as the original takes them, Then the file gets them with channels last."""
    _, inner = session_of({"pixels": OWN, "shapes": {"image": [1, 3, 8, -1], "other": [2]}})
    assert inner.settings["shapes"] == {"image": [1, 8, -1, 3], "other": [2]}
    _, inner = session_of({"pixels": {**OWN, "layout": "nhwc"}, "shapes": {"image": [1, 8, 9, 3]}})
    assert inner.settings["shapes"] == {"image": [1, 8, 9, 3]}


@pytest.mark.parametrize(
    "own", [{}, {**OWN, "more": 1}, {**OWN, "layout": "chwn"}, {**OWN, "mean": 0.5}, {**OWN, "channels": ["rgb"]}, "x"]
)
def test_broken_settings_are_refused(own: Any) -> None:
    with pytest.raises(ValueError, match="setting 'pixels'"):
        session_of({"pixels": own})
