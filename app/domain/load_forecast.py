"""What is expected at other sizes from what was measured; it is never shown as a measurement."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.contracts.wording import percent


@dataclass(frozen=True)
class Forecast:
    """Answers a second that are expected where `what` holds; `basis` says in a sentence what it rests on."""

    what: str
    throughput_per_s: float
    basis: str


def other_batch(points: Sequence[tuple[int, float]], batch: int) -> Forecast | None:
    """From (batch, ms for it) of measured batches: a fixed part and a part for each item (least squares, both ≥ 0).

    None with fewer than two batch sizes.
    """
    if len({size for size, _ in points}) < 2:
        return None
    mean_size = sum(size for size, _ in points) / len(points)
    mean_ms = sum(ms for _, ms in points) / len(points)
    spread = sum((size - mean_size) ** 2 for size, _ in points)
    each_ms = max(0.0, sum((size - mean_size) * (ms - mean_ms) for size, ms in points) / spread)
    fixed_ms = max(0.0, mean_ms - each_ms * mean_size)
    total_ms = fixed_ms + each_ms * batch
    if total_ms <= 0:
        return None
    basis = f"a request costs {fixed_ms:.2g} ms and each item {each_ms:.2g} ms, fitted to {len(points)} batch sizes"
    return Forecast(f"batches of {batch}", 1000 * batch / total_ms, basis)


def more_cores(one_core_per_s: float, all_per_s: float, cores: int, wanted: int) -> Forecast | None:
    """Amdahl's law (AFIPS 1967): the part that does not get faster by cores, from one core and from all of them.

    None with one core, or where nothing was measured.
    """
    if cores < 2 or one_core_per_s <= 0 or all_per_s <= 0:
        return None
    gain = min(float(cores), max(1.0, all_per_s / one_core_per_s))
    serial = (cores / gain - 1) / (cores - 1)
    expected = one_core_per_s / (serial + (1 - serial) / wanted)
    basis = f"{percent(serial, 0)} of the work gains nothing from cores, by one core against {cores}"
    return Forecast(f"{wanted} cores of this kind", expected, basis)


def larger_picture(throughput_per_s: float, factor: int = 2) -> Forecast:
    """Work grows with the number of pixels; for a model that takes pictures of other sizes at all."""
    words = {2: "pictures twice as wide and high"}
    what = words.get(factor, f"pictures {factor} times as wide and high")
    return Forecast(what, throughput_per_s / factor**2, "the work grows with the number of pixels")
