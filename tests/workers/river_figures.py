"""Where river's detectors find what is planted: `python tests/workers/river_figures.py` writes river_figures.json.

river 0.26.0 allows Python 3.11, but cannot be imported there (it subscripts `csv.DictReader`, which 3.12 allows), so that
it stands in no lock; this script lends it that subscript, and the test reads what it found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIGURES = Path(__file__).with_suffix(".json")
BLOCKS, SLOWER_AT = 200, 120
REQUESTS, SHIFTED_AT, SHIFT = 4000, 2000, 0.8
SEEDS = range(10)


def latencies(seed: int, slower: bool) -> NDArray[np.float64]:
    """log2 of the median ms of 200 blocks: days and nights, noise, and from block 120 on twice as long."""
    rng = np.random.default_rng(seed)
    found = 3 + 0.2 * np.sin(np.arange(BLOCKS) / 7) + rng.normal(0, 0.08, BLOCKS)
    found[SLOWER_AT:] += 1.0 * slower
    return found


def requests(seed: int, shifted: bool) -> NDArray[np.float64]:
    """A figure of 4,000 requests, of which the second half may be larger by .8 standard deviations."""
    found = np.random.default_rng(100 + seed).normal(0, 1, REQUESTS)
    found[SHIFTED_AT:] += SHIFT * shifted
    return found


def first(detector: Any, values: NDArray[np.float64]) -> int | None:
    """After how many values the detector speaks."""
    for number, value in enumerate(values, 1):
        detector.update(float(value))
        if detector.drift_detected:
            return number
    return None


def main() -> None:
    """Page and Hinkley with the allowance and threshold of `slowing.py`, ADWIN at the level of `series.py`."""
    import csv

    csv.DictReader.__class_getitem__ = classmethod(lambda kind, _: kind)  # type: ignore[attr-defined]
    import river  # type: ignore[import-not-found]
    from river import drift  # type: ignore[import-not-found]

    def page_hinkley() -> Any:
        return drift.PageHinkley(min_instances=10, delta=0.5, threshold=1.7, alpha=1.0, mode="up")

    figures = {
        "river": river.__version__,
        "slower": [first(page_hinkley(), latencies(seed, True)) for seed in SEEDS],
        "not_slower": [first(page_hinkley(), latencies(seed, False)) for seed in SEEDS],
        "shifted": [first(drift.ADWIN(delta=1e-6), requests(seed, True)) for seed in SEEDS],
        "not_shifted": [first(drift.ADWIN(delta=1e-6), requests(seed, False)) for seed in SEEDS],
    }
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
