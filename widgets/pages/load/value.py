"""What the page "Under load" is given."""

from dataclasses import dataclass

from widgets.plots.curve_plot import Curve


@dataclass(frozen=True)
class TimeValue:
    """One preset of time: the seconds of each part, and about how long the measurement takes, in words."""

    seconds: float
    about: str


@dataclass(frozen=True)
class LoadAskValue:
    """Before the start: versions as (id, title), the one that is chosen ("" the original alone), presets of time.

    `limit_ms` is the limit of latency of the last measurement, None for none.
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
    """A card of names and values. `about` is the sentence above them."""

    title: str
    about: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PriceValue:
    """`per_hour` is None before a person has said it. `costs` are (version, cost of a million answers)."""

    per_hour: float | None
    currency: str
    utilization_pct: float
    told: str
    costs: tuple[tuple[str, str], ...]
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class LoadValue:
    """All that was measured, in words and curves."""

    headline: str
    subtitle: str
    figures: tuple[FigureValue, ...]
    throughput: tuple[Curve, ...]
    latency: tuple[Curve, ...]
    facts: tuple[FactsValue, ...]
    price: PriceValue
    note: str
    command: str
