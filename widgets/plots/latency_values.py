"""Define the values of the latency graph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SeriesValue:
    """One line: `number` 0 is the original, then the versions in order; `label` is the name beside the line."""

    id: str
    label: str
    number: int


@dataclass(frozen=True)
class BestPoint:
    """A step of the best line: from `at_s` on, the fastest version within the limit takes `latency_ms`."""

    at_s: float
    latency_ms: float
    label: str = ""
