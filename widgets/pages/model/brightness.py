"""Convert brightness ranges: −1 to 1 equals 0 to 1 minus one half, divided by one half."""

from dataclasses import dataclass
from typing import Literal

from workers.contracts.pipeline import ImageSteps

Said = Literal["0..1", "-1..1", "0..255"]
SAID: tuple[Said, ...] = ("0..1", "-1..1", "0..255")
HALF = 0.5
CLOSE = 1e-6


@dataclass(frozen=True)
class Brightness:
    """Numbers in the range `said`, minus `mean`, divided by `std` (one value, or one per color)."""

    said: Said
    mean: tuple[float, ...]
    std: tuple[float, ...]


def brightness_of(image: ImageSteps) -> Brightness:
    """Return the usual form of a brightness: mean and deviation of one half on 0 to 1 are the range −1 to 1."""
    if image.range == "0..1" and all(abs(value - HALF) < CLOSE for value in (*image.mean, *image.std)):
        return Brightness("-1..1", (0.0,) * len(image.mean), (1.0,) * len(image.std))
    return Brightness(image.range, image.mean, image.std)


def steps_of(value: Brightness) -> tuple[Literal["0..1", "0..255"], tuple[float, ...], tuple[float, ...]]:
    """Return range, mean and deviation of the pipeline: ((2x − 1) − m) / s = (x − (½ + m/2)) / (s/2)."""
    if value.said == "-1..1":
        return "0..1", tuple(HALF + HALF * mean for mean in value.mean), tuple(HALF * std for std in value.std)
    return value.said, value.mean, value.std


def is_mixed_up(value: Brightness) -> bool:
    """Return whether mean or deviation belong to another range: .485 is too small for 255, 123.68 too large for 1."""
    if value.said == "0..255":
        small_mean = any(mean != 0 for mean in value.mean) and all(abs(mean) <= 1 for mean in value.mean)
        return small_mean or all(abs(std) < 1 for std in value.std)
    return any(abs(number) > 2 for number in (*value.mean, *value.std))
