"""Define the values of the page "Under load"."""

from dataclasses import dataclass

from widgets.plots.curve_plot import Curve

Facts = tuple[str, str, tuple[tuple[str, str], ...]]
"""A card: its title, the sentence below it, and pairs of name and value."""


@dataclass(frozen=True)
class LoadFormValue:
    """The form: versions as (id, title), the chosen one ("" is the original alone), and the durations.

    `times` are the seconds of each part and the approximate total as text. `limit_ms` is the latency limit of the last
    test, None for none.
    """

    versions: tuple[tuple[str, str], ...]
    chosen: str
    times: tuple[tuple[float, str], ...]
    can_go_back: bool = False
    limit_ms: float | None = None


@dataclass(frozen=True)
class PriceValue:
    """A price with costs; `per_hour` is None before the user enters one.

    `costs` are (version, cost of a million predictions).
    """

    per_hour: float | None
    currency: str
    utilization_pct: float
    message: str
    costs: tuple[tuple[str, str], ...]
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class LoadValue:
    """All results as texts and curves; `figures` are a value, its unit and a line below."""

    headline: str
    subtitle: str
    figures: tuple[tuple[str, str, str], ...]
    throughput: tuple[Curve, ...]
    latency: tuple[Curve, ...]
    facts: tuple[Facts, ...]
    price: PriceValue
    note: str
