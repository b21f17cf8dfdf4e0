"""Compute round ends and ticks of axes."""

from collections.abc import Sequence
from math import ceil, floor, log10

from workers.contracts.translation import localized

_NICE = (1.0, 1.2, 1.5, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def nice_top(value: float) -> float:
    """Return the smallest round number that is not below `value`."""
    if value <= 0:
        return 1.0
    scale = 10.0 ** floor(log10(value))
    return next(n * scale for n in (*_NICE, 15.0) if n * scale >= value * (1 - 1e-9))


def ticks(top: float, most: int = 4) -> list[float]:
    """Return round values from 0 to `top`, with at most `most` steps."""
    if top <= 0:
        return [0.0]
    scale = 10.0 ** (floor(log10(top)) - 1)
    step = next(s * scale * ten for ten in (1.0, 10.0) for s in _STEPS if ceil(top / (s * scale * ten) - 1e-9) <= most)
    return [round(i * step, 12) for i in range(floor(top / step + 1e-9) + 1)]


def time_ticks(end_s: float, most: int = 7) -> list[int]:
    """Return full seconds, minutes or hours from 0 to `end_s`, with at most `most` steps."""
    step = next((s for s in _TIME_STEPS_S if end_s / s <= most), ceil(end_s / most / 3600) * 3600)
    return list(range(0, floor(end_s + 1e-9) + 1, step))


def clock(seconds: float) -> str:
    """Return seconds as a clock time: 0:07, 12:30, 1:02:30."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes = f"{rest // 60:02d}" if hours else f"{rest // 60}"
    return f"{hours}:{minutes}:{rest % 60:02d}" if hours else f"{minutes}:{rest % 60:02d}"


def tick_text(value: float) -> str:
    """Return a tick with as few digits as it needs: 0, 5, 2.5, 0.05, 12,000."""
    return localized(value, ",.0f" if abs(value) >= 10 or value == int(value) else "g")


def tick_texts(values: Sequence[float]) -> list[str]:
    """Return the ticks of one axis, all with as many decimals as the finest one needs: 91.5, 92.0, 92.5."""
    digits = next((n for n in range(6) if all(abs(round(value, n) - value) < 1e-9 for value in values)), 6)
    return [localized(value, f",.{digits}f") for value in values]


def ticks_between(low: float, high: float, most: int = 5) -> list[float]:
    """Return at most `most` round values inside a range."""
    if not high > low:
        return [low]
    scale = 10.0 ** (floor(log10(high - low)) - 1)
    steps = (s * scale * ten for ten in (1.0, 10.0, 100.0) for s in _STEPS)
    step = next(s for s in steps if floor(high / s + 1e-9) - ceil(low / s - 1e-9) + 1 <= most)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]
