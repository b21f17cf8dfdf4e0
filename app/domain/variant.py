"""Define a variant of a model with all its measurements (VARIANT of docs/command-line.md)."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from app.domain.record import FileName, Moment, Stored
from workers.contracts.base import Frozen
from workers.contracts.specs import Judgement, Recipe
from workers.contracts.text import Text

Untested = Literal["", "dominated", "behind", "no_time"]


class Screening(Frozen):
    """Result of a version on the calibration set: of `n` examples, `changed` differ from the original.

    `n` is 0 without calibration examples. `similarity` (0 to 1) is the mean similarity of results, 0 if the task does
    not measure it. `regressed` is true if the version certainly loses more than the limit. `untested` says why a gain
    was not tested: a safe version is as good, an earlier one was not safe, or the time was up. `answer_speedup` is how
    many times faster than the original it predicted these examples, 0 if unknown. It differs from the speedup of a
    request where examples are read in another way than requests, as texts that are judged token by token.
    """

    n: int = 0
    changed: int = 0
    regressed: bool = False
    similarity: float = 0.0
    untested: Untested = ""
    answer_speedup: float = 0.0

    @property
    def share(self) -> float:
        """Return the share of changed results, 0 if nothing is known."""
        return self.changed / self.n if self.n else 0.0


def _finite(ratio: float | None) -> float | None:
    return ratio if ratio is None or math.isfinite(ratio) else None


Ratio = Annotated[float | None, AfterValidator(_finite)]
"""A ratio of two times; NaN and infinity, which only a damaged database holds, are read as not measured."""


@dataclass(frozen=True)
class Measurement(Stored):
    """Request times in milliseconds, memory and sizes in bytes; None if not measured.

    `speedup` is the original's mean time divided by this variant's, `p90_speedup` the same for the 90th percentiles.
    Times of variants measured side by side are on the scale of the displayed original (`run.figures`).
    `latency_p50_low_ms` and `latency_p50_high_ms` are the 95 % interval of the median, `set_p50_ms` the medians of the
    sets. `busy_share` is the other programs' use of all cores in this variant's turns. `under_load` is true if other
    programs disturbed the measurement. `cpu_speedup` and `wall_speedup` are the ratios of both times. `agreed_low` is
    the least lower bound of all comparisons, which counts under load. `undisturbed` is true if other programs were busy
    and the speedup and its bounds come from the requests that they did not delay. `taken_at` is the time of a
    measurement from an earlier run, None if this run measured. `memory_share` is a language model's speed as a share of
    what reading its weights from memory allows.
    """

    latency_p50_ms: float | None = None
    latency_p90_ms: float | None = None
    latency_p99_ms: float | None = None
    latency_max_ms: float | None = None
    throughput_per_s: float | None = None
    peak_memory_bytes: int | None = None
    load_ms: float | None = None
    n: int = 0
    speedup: Ratio = None
    speedup_low: Ratio = None
    speedup_high: Ratio = None
    sets: int = 0
    busy_share: float | None = None
    latency_p50_low_ms: float | None = None
    latency_p50_high_ms: float | None = None
    set_p50_ms: tuple[float, ...] = ()
    under_load: bool | None = None
    cpu_speedup: Ratio = None
    wall_speedup: Ratio = None
    agreed_low: Ratio = None
    undisturbed: bool = False
    latency_mean_ms: float | None = None
    p90_speedup: Ratio = None
    taken_at: Moment | None = None
    memory_share: float | None = None

    @property
    def shown_speedup(self) -> float | None:
        """Return the factor to show with the two times; under load the bound on which all comparisons agree."""
        return self.agreed_low if self.under_load else self.speedup

    @property
    def meaningful_speedup(self) -> float | None:
        """Return `shown_speedup`, but None for a lower bound below 1: such a version may be slower or faster."""
        speedup = self.shown_speedup
        return None if self.under_load and speedup is not None and speedup < 1 else speedup

    @property
    def typical_ms(self) -> float | None:
        """Return the mean time, which is compared; for records without a mean, the median."""
        return self.latency_p50_ms if self.latency_mean_ms is None else self.latency_mean_ms


PORTABLE_RUNTIMES = ("onnxruntime-cpu", "onnxruntime-cuda")
PLAIN_SETTINGS = frozenset({"num_threads", "graph_optimization", "constants"})
"""Settings that each target for ONNX honors (`TargetSpec.settings`)."""


@dataclass(frozen=True)
class Variant(Stored):
    """One version of a model in a run, owned by the database.

    `state` is planned, applied, answered, measured, confirmed or dropped. `artifact_key` is its place in the store.
    `judgement` comes from the test set and is None if not tested; `screening` comes from the calibration set.
    """

    id: FileName
    run_id: str
    index: int
    title: Text
    recipe: Recipe
    runtime: str
    precision: str
    state: str
    artifact_key: FileName | None = None
    answers_key: FileName | None = None
    size_bytes: int | None = None
    size_ratio: float | None = None
    measurement: Measurement = Measurement()
    judgement: Judgement | None = None
    screening: Screening | None = None
    notes: tuple[Text, ...] = ()
    is_baseline: bool = False
    weights_kept: bool = True

    @property
    def is_measured(self) -> bool:
        """Return whether requests to it were timed."""
        return self.measurement.n > 0

    @property
    def untested(self) -> Untested:
        """Return why a gain was not tested, "" if it was or may still be tested."""
        return "" if self.screening is None else self.screening.untested

    @property
    def is_portable(self) -> bool:
        """Return whether it is plain ONNX in ONNX Runtime, which web pages, hub folders, Triton and MLflow accept."""
        settings = set(self.recipe.settings) - PLAIN_SETTINGS
        return self.recipe.elsewhere is None and self.runtime in PORTABLE_RUNTIMES and not settings

    @property
    def is_side_by_side(self) -> bool:
        """Return whether it was measured side by side with the original, not only alone at another time."""
        return self.state == "confirmed"


@dataclass(frozen=True)
class LatencyPoint:
    """One timed request: `at_s` in seconds since the run's start, `latency_ms` in milliseconds."""

    variant_id: str
    at_s: float
    latency_ms: float
