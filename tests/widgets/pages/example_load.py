"""Example values of the page "Under load". Loaded after `examples`, whose names it joins."""

from dataclasses import replace
from typing import Any

from widgets.pages.load.value import LoadFormValue, LoadValue, PriceValue
from widgets.plots.curve_plot import Curve
from widgets.plots.point_plot import PlotPoint


def ask_load(**changed: Any) -> LoadFormValue:
    base = LoadFormValue(
        versions=(("a", "INT8, sensitive layers kept"), ("b", "Faster engine")),
        chosen="a",
        times=((10.0, "About 2 minutes in all"), (60.0, "About 5 minutes in all")),
    )
    return replace(base, **changed)


def price(**changed: Any) -> PriceValue:
    base = PriceValue(
        per_hour=None,
        currency="USD",
        utilization_pct=50.0,
        message="Nothing is assumed: enter your price, or start from an example.",
        costs=(),
        examples=(("one", "A small computer: 0.08 USD"), ("two", "One with a GPU: 1.01 USD")),
    )
    return replace(base, **changed)


def priced() -> PriceValue:
    costs = (("Original", "0.0353 USD"), ("INT8, sensitive layers kept", "0.0168 USD"))
    return price(per_hour=0.0816, costs=costs, message="your own price (2026-03-04).")


def curves(scale: float = 1.0) -> tuple[Curve, ...]:
    def points(first: float) -> tuple[PlotPoint, ...]:
        values = [(size, scale * first * size**0.3) for size in (1, 2, 4, 8, 16)]
        return tuple(
            PlotPoint(size, y, f"{size}: {y:.0f}", 0.95 * y, 1.05 * y, is_marked=size == 8) for size, y in values
        )

    return Curve("Original", 0, points(400.0)), Curve("INT8, sensitive layers kept", 1, points(900.0))


def loaded(**changed: Any) -> LoadValue:
    base = LoadValue(
        headline="On this computer “INT8” answers about 1,350 requests a second, 2.1 times the original's",
        subtitle="10 s for each part on this processor.",
        figures=(
            ("2.1 ×", "as many answers", "2.00 to 2.20 (95 %); in turn, n 300 each."),
            ("1,350", "a second", "Answers, in batches of 8; the original 641 in batches of 4."),
            ("0.42 s", "cold start", "From the start of a process to its first answer; 5 starts."),
        ),
        throughput=curves(),
        latency=curves(0.01),
        facts=(
            ("Cold start", "Each time in a fresh process.", (("Original", "half within 420 ms, n 5"),)),
            ("Energy", "", (("Original", "This computer does not tell how much energy it takes."),)),
        ),
        price=price(),
        note="Other programs used up to 31 % of the processor meanwhile.",
    )
    return replace(base, **changed)
