"""Run models that prepare their images themselves: from 8-bit pixels, or from the original's prepared inputs.

Pixels are uint8 (n, height, width, channels), red first: decoded, resized and cropped, nothing else. An input that was
prepared as for the original is turned back into its pixels, which is exact. Inputs that do not come from such pixels
are refused, never rounded. Works with every runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, CardSpans, OnCard, Session, check_entries

Load = Callable[[Path, Mapping[str, Any], int], Session]

KNOWN: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("mean", "std"), (list, tuple)),
    **dict.fromkeys(("input", "range", "channels", "layout"), (str,)),
}
WORDS = {"range": ("0..1", "0..255"), "channels": ("rgb", "bgr", "gray"), "layout": ("nchw", "nhwc")}

TO_NHWC = (0, 2, 3, 1)
MOST_APART = 1e-3
"""Largest accepted distance from a whole pixel value, in steps between two of the 256 values.

Rounding in 32-bit numbers there and back causes a tenth of it.
"""


def as_pixels(values: NDArray[Any], own: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Turn prepared images back into the pixels from which they were made.

    Args:
        values: floats (n, C, H, W) or (n, H, W, C).
        own: the setting ``pixels`` with mean, std, range, channels and layout.

    Returns:
        Pixels (n, H, W, C) as uint8.

    Raises:
        ValueError: the values do not come from 8-bit pixels.
    """
    if values.ndim != 4 or values.dtype.kind != "f":
        raise ValueError(f"it takes pictures as numbers with 4 axes, not {values.dtype} with {values.ndim}")
    if own["layout"] == "nchw":
        values = values.transpose(TO_NHWC)
    steps = values * np.asarray(own["std"], np.float32) + np.asarray(own["mean"], np.float32)
    if own["range"] == "0..1":
        steps = steps * np.float32(255)
    whole = np.rint(steps)
    allowed = max(MOST_APART, 255 * float(np.finfo(values.dtype).eps))
    with np.errstate(invalid="ignore"):
        fits = (np.abs(steps - whole) <= allowed).all()  # NaN fails this comparison
    if not fits or whole.min(initial=0) < 0 or whole.max(initial=255) > 255:
        raise ValueError(
            "this variant prepares pictures itself, and this input does not come from 8-bit pixels, so that it would "
            "have to be rounded; give it pixels, or take a version without this step"
        )
    pixels: NDArray[np.uint8] = whole.astype(np.uint8)
    return np.ascontiguousarray(pixels[..., ::-1] if own["channels"] == "bgr" else pixels)


class PixelSession:
    """A session that passes pixels on unchanged and turns the original's inputs into pixels first.

    The conversion counts against this version wherever prepared inputs are timed. Fettle's measurements convert them
    beforehand.
    """

    def __init__(self, session: Session, own: Mapping[str, Any]) -> None:
        """Wrap an open session; `own` is the checked setting ``pixels``."""
        self._session, self._own = session, dict(own)
        self._name = str(own["input"])
        self.device_ran, self.fallbacks = session.device_ran, session.fallbacks

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch of pixels or prepared inputs."""
        return self._session.run(self._given(feeds))

    def _given(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.generic]]:
        values = feeds.get(self._name)
        if values is None or values.dtype == np.uint8:
            return feeds
        return {**feeds, self._name: as_pixels(values, self._own)}

    def close(self) -> None:
        """Close the inner session."""
        self._session.close()


class CardPixelSession(PixelSession):
    """A pixel session on a card, which can measure the parts of a request."""

    def __init__(self, session: Session, own: Mapping[str, Any], card: OnCard) -> None:
        """Wrap an open session; `card` is the same session with its durations."""
        super().__init__(session, own)
        self._card = card

    def card_spans(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[CardSpans, Arrays]:
        """Run one request and return its durations, without the conversion to pixels, and its predictions."""
        return self._card.card_spans(self._given(feeds))


def open_pixels(load: Load, path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open the model with `load`.

    The setting ``shapes`` describes the original's input, as in every other version.

    Raises:
        ValueError: the setting ``pixels`` is incomplete.
    """
    own = checked(settings["pixels"])
    inner = {name: value for name, value in settings.items() if name != "pixels"}
    if "shapes" in inner:
        inner["shapes"] = own_shapes(settings)
    session = load(path, inner, threads)
    return CardPixelSession(session, own, session) if isinstance(session, OnCard) else PixelSession(session, own)


def own_shapes(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the setting ``shapes`` in the axis order of the file's own inputs.

    Raises:
        ValueError: an image input does not have 4 axes.
    """
    shapes, own = dict(settings.get("shapes") or {}), settings.get("pixels")
    sizes = shapes.get(own["input"]) if own else None
    if own is None or sizes is None or own["layout"] != "nchw":
        return shapes
    if len(sizes) != len(TO_NHWC):
        raise ValueError(f"setting 'shapes' cannot be {sizes!r} for a picture")
    return {**shapes, own["input"]: [sizes[axis] for axis in TO_NHWC]}


def checked(own: Any) -> dict[str, Any]:
    """Return the setting ``pixels`` after checking it.

    Raises:
        ValueError: an entry is missing, unknown or has a wrong value.
    """
    if not isinstance(own, Mapping):
        raise ValueError(f"setting 'pixels' needs {', '.join(KNOWN)}")
    check_entries("pixels", own, KNOWN, tuple(KNOWN))
    for name, allowed in WORDS.items():
        if own[name] not in allowed:
            raise ValueError(f"setting 'pixels' cannot hold {name} = {own[name]!r}")
    return dict(own)
