"""How brightness becomes numbers, as people say it: −1 to 1 is 0 to 1 less one half, divided by one half."""

from dataclasses import dataclass
from typing import Literal

from workers.contracts.pipeline import ImageSteps

Said = Literal["0..1", "-1..1", "0..255"]
SAID: tuple[Said, ...] = ("0..1", "-1..1", "0..255")
HALF = 0.5
CLOSE = 1e-6


@dataclass(frozen=True)
class Brightness:
    """Numbers in the range `said`, less `mean`, divided by `std` (one value, or one for each color)."""

    said: Said
    mean: tuple[float, ...]
    std: tuple[float, ...]


def brightness_of(image: ImageSteps) -> Brightness:
    """In the person's words: mean and spread of one half from 0 to 1 are −1 to 1 with nothing more."""
    if image.range == "0..1" and all(abs(value - HALF) < CLOSE for value in (*image.mean, *image.std)):
        return Brightness("-1..1", (0.0,) * len(image.mean), (1.0,) * len(image.std))
    return Brightness(image.range, image.mean, image.std)


def steps_of(value: Brightness) -> tuple[Literal["0..1", "0..255"], tuple[float, ...], tuple[float, ...]]:
    """Range, mean and spread as the pipeline knows them: ((2x − 1) − m) / s = (x − (½ + m/2)) / (s/2)."""
    if value.said == "-1..1":
        return "0..1", tuple(HALF + HALF * mean for mean in value.mean), tuple(HALF * std for std in value.std)
    return value.said, value.mean, value.std


def is_mixed_up(value: Brightness) -> bool:
    """Whether mean or spread belong to another range: .485 is nothing beside 255, and 123.68 far beyond 1."""
    if value.said == "0..255":
        small_mean = any(mean != 0 for mean in value.mean) and all(abs(mean) <= 1 for mean in value.mean)
        return small_mean or all(abs(std) < 1 for std in value.std)
    return any(abs(number) > 2 for number in (*value.mean, *value.std))
