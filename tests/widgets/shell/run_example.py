"""A run with example values, for pictures and tests of the shell; never for the product."""

import numpy as np

from widgets.pages.optimize.page import OptimizePage, OptimizeValue, StepValue

NOW_S = 41.0
_VARIANTS = (
    ("v0", "Original", 10.4, 5, 13, 0),
    ("v2", "Faster engine", 6.9, 15, 23, 2),
    ("v3", "INT8, all layers", 2.9, 28, 36, 3),
)


def latencies(start_s: float, end_s: float, median_ms: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Requests one after the other, now and then a slow one."""
    rng = np.random.default_rng(seed)
    n = int((end_s - start_s) * 1000 / median_ms)
    values = median_ms * (1 + rng.normal(0, 0.02, n) + (rng.random(n) > 0.99) * 0.35)
    return start_s + np.arange(n) * median_ms / 1000, values


def steps() -> tuple[StepValue, ...]:
    """Seven steps, the fifth at work."""
    return (
        StepValue("Check the model", "done", "", "3 s", 0, 3),
        StepValue("Measure the original", "done", "", "10.4 ms", 3, 13, 0, (5, 13)),
        StepValue("Faster engine", "done", "same answers", "6.9 ms", 13, 23, 2, (15, 23)),
        StepValue("INT8, all layers", "warning", "5.9 % of answers changed", "2.9 ms", 23, 36, 3, (28, 36)),
        StepValue(
            "INT8, sensitive layers kept", "running", "calibration, picture 125 of 200", "", 36, 51,
            done_share=0.62, remaining_s=10,
        ),
        StepValue("Pruned by 30 %", "waiting", "", "", 51, 60),
        StepValue("Final run, side by side", "waiting", "", "", 60, 66),
    )  # fmt: skip


def running() -> OptimizeValue:
    """The run in the middle."""
    best = "Best so far: Faster engine, 1.5 times faster, same answers"
    return OptimizeValue("running", steps(), 0.62, 25, best)


def fill(page: OptimizePage, value: OptimizeValue) -> None:
    """Everything that a controller would send until now."""
    page.show_value(value)
    for number, (variant_id, _, median_ms, start, end, _color) in enumerate(_VARIANTS):
        page.view.plot.add(variant_id, *latencies(start, end, median_ms, number))
    page.view.plot.set_series([(v, f"{name} {ms} ms", color) for v, name, ms, _, _, color in _VARIANTS])
    page.view.plot.set_best([(13, 10.4, "best so far 10.4 ms"), (23, 6.9, "best so far 6.9 ms")])
    page.view.plot.set_now(NOW_S)
