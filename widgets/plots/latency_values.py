"""What the latency graph is given."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SeriesValue:
    """One line: `number` 0 is the original, then variants in order; `label` is what stands at the line."""

    id: str
    label: str
    number: int


@dataclass(frozen=True)
class BestPoint:
    """From `at_s` on, the fastest variant within the limit needed `latency_ms`."""

    at_s: float
    latency_ms: float
    label: str = ""
