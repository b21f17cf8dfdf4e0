"""Results of a measurement under load: batch sizes, request rates, a limit of latency, cold start, energy, cost."""

from typing import Literal

from pydantic import Field, JsonValue

from workers.contracts.base import Frozen
from workers.contracts.specs import LatencySummary

Scenario = Literal["single-stream", "multi-stream", "server", "offline"]
Part = Literal["sweep", "serving", "prompts", "capacity"]

LOADGEN_WORDS = "measured with MLCommons LoadGen; not an MLPerf result"
"""How figures of its scenarios must be worded: official results need its rules and a review."""


class LoadParams(Frozen):
    """kind ``load``: one part of the measurement, of one model alone.

    `seconds` is the time that the part measures for, without warm-up. `limit_ms` is the latency that 99 % of the
    answers of ``capacity`` have to keep. `energy_files` are counters of the processor that may be read. `round` tells
    repeated measurements apart and changes nothing.
    """

    model_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    part: Part
    seconds: float = Field(default=10.0, gt=0)
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    limit_ms: float | None = Field(default=None, gt=0)
    energy_files: tuple[str, ...] = ()
    round: int = 0


class Energy(Frozen):
    """Joules that a counter told over `seconds`, everything that ran on the device meanwhile included. `tokens` were
    made by a language model's answers, whose prompts were read as well.

    `joules` is None where nothing may be said; `note` then tells why. It is never estimated.
    """

    joules: float | None = None
    seconds: float = 0.0
    answers: int = 0
    tokens: int = 0
    source: str = ""
    note: str = ""


class ScenarioResult(Frozen):
    """One scenario of MLCommons LoadGen. `valid` and `reasons` are its own verdict; what is invalid is no measurement.

    `n` requests of `batch` items in `seconds`. Percentiles are LoadGen's (from arrival to answer); bounds of p50 (95 %,
    order statistics) are of the same calls and given for single-stream only. Offline has none: everything is asked at
    once, so `latency` is that of single calls there. `throughput_*` count items; its bounds (95 %) come from 20
    stretches of the run, and are None where there are too few requests. `target_per_s` is what was asked for.
    """

    scenario: Scenario
    batch: int
    valid: bool
    reasons: tuple[str, ...] = ()
    n: int
    seconds: float
    throughput_per_s: float
    throughput_low: float | None = None
    throughput_high: float | None = None
    latency: LatencySummary
    target_per_s: float | None = None
    bound_ms: float | None = None
    version: str


class SweepPoint(Frozen):
    """One batch size: `n` requests of `batch` items, items a second with 95 % bounds."""

    batch: int
    n: int
    throughput_per_s: float
    throughput_low: float | None
    throughput_high: float | None
    latency: LatencySummary


class SweepResult(Frozen, extra="ignore"):
    """Throughput over batch sizes. Fields that versions before 0.2 wrote beside these are ignored.

    `knee_batch` is the smallest batch with 95 % of the best throughput, and `energy` was measured with it. `stopped`
    says why larger batches were not measured, empty if all were.
    """

    points: tuple[SweepPoint, ...]
    knee_batch: int
    stopped: str = ""
    energy: Energy | None = None

    @property
    def best(self) -> SweepPoint:
        """Return the batch size with the most answers a second."""
        return max(self.points, key=lambda point: point.throughput_per_s)


class RatePoint(Frozen):
    """Requests that arrive at random (Poisson) at `rate_per_s`; latency runs from arrival to answer."""

    rate_per_s: float
    load_share: float
    latency: LatencySummary


class ServingResult(Frozen, extra="ignore"):
    """Latency over request rate, each request answered by itself. Fields that versions before 0.2 wrote are ignored."""

    capacity_per_s: float
    alone: tuple[RatePoint, ...]


class CapacityTry(Frozen):
    """One rate: `n` requests in `seconds`, `target_per_s` of which came a second, at random moments (Poisson).

    `kept`: 99 % were answered within the limit, as LoadGen judges it; None where it had too few to say.
    """

    target_per_s: float
    kept: bool | None
    n: int
    seconds: float
    latency: LatencySummary


class CapacityResult(Frozen):
    """The most items a second of which 99 % are answered within `limit_ms`; None where no rate that was tried kept it.

    `too_many_per_s` is the slowest rate that did not; None where each did. Of `compared` inputs that were asked for at
    that rate, `changed` gave another answer than one at a time; None where nothing was compared.
    """

    limit_ms: float
    per_s: float | None
    too_many_per_s: float | None
    tries: tuple[CapacityTry, ...]
    compared: int | None = None
    changed: int | None = None


class PromptPoint(Frozen):
    """A language model after prompts of `prompt_tokens`: the first token comes after `first_ms`, the others at
    `tokens_per_s`; medians of `n` answers. `memory_bytes`: the most that was held above the level before loading, the
    cache of all these tokens included; None where the system does not tell."""

    prompt_tokens: int
    first_ms: float
    tokens_per_s: float | None
    n: int
    memory_bytes: int | None


class LoadResult(Frozen):
    """Result of one part. `busy_share` is the share of the processor that other programs took meanwhile."""

    part: Part
    sweep: SweepResult | None = None
    serving: ServingResult | None = None
    prompts: tuple[PromptPoint, ...] = ()
    capacity: CapacityResult | None = None
    busy_share: float | None = None
    fallbacks: tuple[str, ...] = ()


class ColdModel(Frozen):
    """A model that shall start in fresh processes."""

    model_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}


class ColdParams(Frozen):
    """kind ``cold``: each model `repeats` times in a fresh process, all models in turn."""

    models: tuple[ColdModel, ...]
    data_dir: str
    repeats: int = Field(default=5, ge=1)
    round: int = 0


class ColdTimes(Frozen):
    """Milliseconds from the start of a process to its first answer, one each; `load_ms` is the model's part of them."""

    total_ms: tuple[float, ...]
    load_ms: tuple[float, ...]


class ColdResult(Frozen):
    """In the order of the models."""

    times: tuple[ColdTimes, ...]


class VersionLoad(Frozen, extra="ignore"):
    """One version under load. A part that could not be measured is None, and `missing` says why in words.

    Fields that versions before 0.2 wrote beside these are ignored.
    """

    variant_id: str
    title: str
    runtime: str
    sweep: SweepResult | None = None
    serving: ServingResult | None = None
    cold: ColdTimes | None = None
    prompts: tuple[PromptPoint, ...] = ()
    capacity: CapacityResult | None = None
    missing: tuple[str, ...] = ()
    busy_share: float | None = None


class Paired(Frozen):
    """Answers a second of both versions at their best batch sizes, measured in turn in fresh processes.

    `ratio` is variant/original with bounds (95 % each, t interval over `sets` of processes); `n` requests of each.
    """

    original_batch: int
    variant_batch: int
    original_per_s: float
    variant_per_s: float
    ratio: float
    ratio_low: float | None
    ratio_high: float | None
    n: int
    sets: int
    busy_share: float | None = None


class CardLoad(Frozen):
    """What the card of a bundle says of load: the original and this version, side by side.

    `paired` is None where both were not measured in turn. Costs are of a million answers in `currency`, None without a
    price of the person's.
    """

    made_at: str
    seconds: float
    processor: str
    cores: int
    original: VersionLoad
    this: VersionLoad
    paired: Paired | None = None
    original_cost: float | None = None
    this_cost: float | None = None
    currency: str = ""
    price_words: str = ""

    @property
    def knee_batch(self) -> int | None:
        """Return this version's smallest batch with 95 % of its best throughput, None where none was measured."""
        return self.this.sweep.knee_batch if self.this.sweep is not None else None

    @property
    def joules(self) -> float | None:
        """Return the energy that was measured of this version, None where no counter told it."""
        sweep = self.this.sweep
        return sweep.energy.joules if sweep is not None and sweep.energy is not None else None
