"""Contracts of a page that a phone opens and measures: its order, its state, and what the phone sends."""

import base64
import binascii
import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from workers.contracts.base import Frozen

SECONDS = 600.0
"""Longest time that a page can be reached."""
MOST_CASES, MOST_TIMES, MOST_AXES = 8, 500, 8
ITEM_BYTES = {
    "float32": 4, "float64": 8, "int64": 8, "uint64": 8, "int32": 4, "uint32": 4, "int16": 2, "uint16": 2, "int8": 1,
    "uint8": 1, "bool": 1,
}  # fmt: skip
BrowserName = Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z0-9 ]*$")]
"""Name of a browser and its system, made from a table; it can hold no markup."""
Milliseconds = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class PhoneOrder(Frozen):
    """Order to the process that serves the page; a file that only this account can read, because of the key.

    Attributes:
        bundle: Folder of the unpacked web bundle.
        state: File of the page's `PhoneState`, which the process replaces.
        host: Address in the local network under which the page may be requested.
        seconds: Time until the process ends.
    """

    bundle: str
    state: str
    host: str
    key: str = Field(min_length=12)
    seconds: float = Field(default=SECONDS, gt=0, le=SECONDS)


class BrowserFigures(Frozen):
    """Figures that a browser measured: times of one request, and how many golden inputs it answered alike.

    Attributes:
        n_times: Number of timed samples.
        calls_each: Requests in each sample, whose mean time counts, because clocks of browsers are coarse.
    """

    browser: BrowserName
    median_ms: Milliseconds
    p90_ms: Milliseconds
    n_times: Count
    calls_each: Count
    n_predictions: Count
    n_alike: Count


class PhoneState(Frozen):
    """State of the page: open for the first device, in use, measured, failed in the browser, or over.

    Attributes:
        signs: Number of requests of the device, which shows that it is still there.
        done: Timed samples so far, of `total`.
    """

    state: Literal["open", "used", "measured", "failed", "over"]
    browser: BrowserName = ""
    signs: int = Field(default=0, ge=0)
    done: Count = 0
    total: Count = 0
    figures: BrowserFigures | None = None


class KeyPost(Frozen):
    """The key that a device sends for its session."""

    key: str = Field(max_length=64)


class ProgressPost(Frozen):
    """A sign of the device: the timed samples so far, or that its browser cannot start the model."""

    done: Count = 0
    total: Count = 0
    failed: bool = False


class PostedArray(Frozen):
    """An array as the page sends it; `base64` holds its little-endian items."""

    dtype: str = Field(max_length=10)
    shape: tuple[Annotated[int, Field(ge=0, le=1 << 31)], ...] = Field(max_length=MOST_AXES)
    base64: str

    @model_validator(mode="after")
    def _check(self) -> "PostedArray":
        if self.dtype not in ITEM_BYTES:
            raise ValueError("the kind of numbers is unknown")
        try:
            size = len(base64.b64decode(self.base64, validate=True))
        except binascii.Error as error:
            raise ValueError("the items are no base64") from error
        if size != math.prod(self.shape) * ITEM_BYTES[self.dtype]:
            raise ValueError("the items do not fit the shape")
        return self


class ResultPost(Frozen):
    """Times in milliseconds of one request, and the predictions for the first golden inputs."""

    times_ms: tuple[Milliseconds, ...] = Field(min_length=1, max_length=MOST_TIMES)
    calls_each: int = Field(ge=1, le=1_000_000)
    predictions: tuple[PostedArray, ...] = Field(max_length=MOST_CASES)
