"""How long batches take as a server gathers them, the joining of single requests included."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workers.measure.load.batching import Floats, service_times


@dataclass(frozen=True)
class BatchTimes:
    """Seconds of single calls by batch size."""

    seconds: dict[int, Floats]

    def median(self, batch: int) -> float:
        """Of a batch of any size, between those that were measured on a straight line."""
        return service_times([(size, float(np.median(times))) for size, times in self.seconds.items()])(batch)

    def drawn(self, seed: int) -> Callable[[int], float]:
        """A service whose times vary as those did that were measured at the nearest size; repeatable by `seed`."""
        rng = np.random.default_rng(seed)
        typical = {batch: self.median(batch) for batch in range(1, max(self.seconds) + 1)}
        sizes = np.array(sorted(self.seconds))
        nearest = {batch: int(sizes[np.argmin(abs(sizes - batch))]) for batch in typical}

        def service(batch: int) -> float:
            times = self.seconds[nearest[batch]]
            return float(times[rng.integers(times.size)]) * typical[batch] / typical[nearest[batch]]

        return service


def measured_service(
    answer: Callable[[int, int], None], max_batch: int, seconds: float, check: Callable[[], None]
) -> BatchTimes:
    """Sizes 1, 2, 4, … `max_batch` in turn for `seconds`; each once untimed, and three times at least."""
    sizes = sorted({*(1 << power for power in range(max_batch.bit_length())), max_batch} - {0})
    sizes = [size for size in sizes if size <= max_batch]
    for size in sizes:
        check()
        answer(0, size)
    found: dict[int, list[float]] = {size: [] for size in sizes}
    clock = time.perf_counter
    started, turns = clock(), 0
    while turns < 3 or clock() - started < seconds:
        for size in sizes:
            check()
            begin = clock()
            answer(turns, size)
            found[size].append(clock() - begin)
        turns += 1
    return BatchTimes({size: np.asarray(times) for size, times in found.items()})
