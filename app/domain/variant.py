"""A variant of a model with everything that was measured about it (VARIANT of CLI.md)."""

from dataclasses import dataclass

from app.domain.record import Stored
from app.domain.screening import Screening, Untested
from workers.contracts.specs import Judgement, Recipe


@dataclass(frozen=True)
class Measurement(Stored):
    """Times of single requests in milliseconds, memory and sizes in bytes; None where it was not measured.

    `speedup` is the original's mean time over this one's, `p90_speedup` the same of the 90th percentiles. Of versions
    that were measured in turn all times are on the scale of the original that is shown (`run.figures`).
    `latency_p50_low_ms` to `latency_p50_high_ms` hold the median with 95 %; `set_p50_ms` are the medians of the sets.
    `busy_share` is what other programs used of all cores in its own turns.
    `under_load`: other programs disturbed it. `cpu_speedup` is the ratio of processor times, and `agreed_low` the least
    lower bound of all ways to compare (wall time, processor time, undisturbed requests): what counts under load.
    """

    latency_p50_ms: float | None = None
    latency_p90_ms: float | None = None
    latency_p99_ms: float | None = None
    latency_max_ms: float | None = None
    throughput_per_s: float | None = None
    peak_memory_bytes: int | None = None
    load_ms: float | None = None
    n: int = 0
    speedup: float | None = None
    speedup_low: float | None = None
    speedup_high: float | None = None
    sets: int = 0
    busy_share: float | None = None
    latency_p50_low_ms: float | None = None
    latency_p50_high_ms: float | None = None
    set_p50_ms: tuple[float, ...] = ()
    under_load: bool | None = None
    cpu_speedup: float | None = None
    agreed_low: float | None = None
    latency_mean_ms: float | None = None
    p90_speedup: float | None = None

    @property
    def shown_speedup(self) -> float | None:
        """The factor that may stand beside the two times; under load the bound that all ways to compare agree on."""
        return self.agreed_low if self.under_load else self.speedup

    @property
    def typical_ms(self) -> float | None:
        """The mean, which is what is compared; the median where it was measured before means were kept."""
        return self.latency_p50_ms if self.latency_mean_ms is None else self.latency_mean_ms


@dataclass(frozen=True)
class Variant(Stored):
    """`state`: planned, applied, answered, measured, confirmed, dropped. `artifact_key` is its place in the store.

    `judgement` rests on test examples, and is None for what was not tested; `screening` on those for calibration.
    """

    id: str
    run_id: str
    index: int
    title: str
    recipe: Recipe
    runtime: str
    precision: str
    state: str
    artifact_key: str | None = None
    answers_key: str | None = None
    size_bytes: int | None = None
    size_ratio: float | None = None
    measurement: Measurement = Measurement()
    judgement: Judgement | None = None
    screening: Screening | None = None
    notes: tuple[str, ...] = ()
    is_baseline: bool = False
    weights_kept: bool = True

    @property
    def is_measured(self) -> bool:
        """Whether requests to it were timed."""
        return self.measurement.n > 0

    @property
    def untested(self) -> Untested:
        """Why a gain was not tested; "" where it was, or where its turn may come."""
        return "" if self.screening is None else self.screening.untested

    @property
    def is_side_by_side(self) -> bool:
        """Its figures were taken in turn with the original's; else they are a first look at another moment."""
        return self.state == "confirmed"


@dataclass(frozen=True)
class LatencyPoint:
    """One timed request: seconds since the run's start, milliseconds."""

    variant_id: str
    at_s: float
    latency_ms: float
