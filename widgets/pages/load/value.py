"""Define the values of the page "Under load"."""

from dataclasses import dataclass

from widgets.plots.curve_plot import Curve


@dataclass(frozen=True)
class TimeValue:
    """A duration: the seconds of each part, and the approximate total as text."""

    seconds: float
    about: str


@dataclass(frozen=True)
class LoadAskValue:
    """The form: versions as (id, title), the chosen one ("" is the original alone), and the durations.

    `limit_ms` is the latency limit of the last test, None for none.
    """

    versions: tuple[tuple[str, str], ...]
    chosen: str
    times: tuple[TimeValue, ...]
    can_go_back: bool = False
    limit_ms: float | None = None


@dataclass(frozen=True)
class FigureValue:
    """One of the large figures."""

    value: str
    unit: str
    text: str


@dataclass(frozen=True)
class FactsValue:
    """A card of names and values; `about` is the sentence above them."""

    title: str
    about: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PriceValue:
    """A price with costs; `per_hour` is None before the user enters one.

    `costs` are (version, cost of a million predictions).
    """

    per_hour: float | None
    currency: str
    utilization_pct: float
    told: str
    costs: tuple[tuple[str, str], ...]
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class LoadValue:
    """All results as texts and curves."""

    headline: str
    subtitle: str
    figures: tuple[FigureValue, ...]
    throughput: tuple[Curve, ...]
    latency: tuple[Curve, ...]
    facts: tuple[FactsValue, ...]
    price: PriceValue
    note: str
    command: str
