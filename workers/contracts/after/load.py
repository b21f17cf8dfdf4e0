"""What is measured of a model under load: scenarios, batch sizes, arrivals, cache, cold start, energy."""

from typing import Literal

from pydantic import Field, JsonValue

from workers.contracts.base import Frozen
from workers.contracts.specs import LatencySummary

Scenario = Literal["single-stream", "multi-stream", "server", "offline"]
Part = Literal["single-stream", "multi-stream", "server", "offline", "sweep", "serving", "cache", "prompts", "capacity"]

LOADGEN_WORDS = "measured with MLCommons LoadGen; not an MLPerf result"
"""How figures of its scenarios must be worded: official results need its rules and a review."""


class LoadParams(Frozen):
    """kind ``load``: one part of it, of one model alone.

    `seconds` is what each scenario (or the whole part) measures for, warming up not counted. `batch` is the number of
    items in one request of the scenarios, and the largest batch that ``serving`` gathers. `limit_ms` is what 99 % of
    the answers of ``capacity`` have to keep. `energy_files` are counters of the processor that may be read. `round`
    tells repeated measurements apart and changes nothing.
    """

    model_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    part: Part
    seconds: float = Field(default=10.0, gt=0)
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    batch: int = Field(default=1, ge=1)
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
    energy: Energy | None = None


class SweepPoint(Frozen):
    """One batch size: `n` requests of `batch` items, items a second with 95 % bounds."""

    batch: int
    n: int
    throughput_per_s: float
    throughput_low: float | None
    throughput_high: float | None
    latency: LatencySummary


class SweepResult(Frozen):
    """`knee_batch`: the smallest batch with 95 % of the best throughput. `one_core` is batch 1 with one thread.

    `stopped` says why larger batches were not measured, empty if all were.
    """

    points: tuple[SweepPoint, ...]
    knee_batch: int
    threads: int
    one_core: SweepPoint | None = None
    stopped: str = ""


class RatePoint(Frozen):
    """Requests that arrive at random (Poisson) at `rate_per_s`; latency runs from arrival to answer."""

    rate_per_s: float
    load_share: float
    latency: LatencySummary


class BatchingResult(Frozen):
    """Requests gathered into batches: simulated on the measured curve, then measured with the very same arrivals.

    `error_p50` and `error_p90` are (expected − measured)/measured.
    """

    max_batch: int
    max_wait_ms: float
    rate_per_s: float
    n: int
    expected_p50_ms: float
    expected_p90_ms: float
    expected_mean_batch: float
    measured: LatencySummary
    measured_mean_batch: float
    error_p50: float
    error_p90: float


class ServingResult(Frozen):
    """`alone`: each request by itself, at several rates. `batching` is None where the model takes no batches."""

    capacity_per_s: float
    alone: tuple[RatePoint, ...]
    batching: BatchingResult | None = None
    why_no_batching: str = ""


class CacheResult(Frozen):
    """Answers kept for inputs that come again, measured with requests whose inputs follow a Zipf distribution.

    `expected_hit_rate` is Che's approximation, `hit_rate` what was measured over `n` requests with its 95 % bounds.
    Latencies are medians, throughputs answers a second; both without and with the cache.
    """

    items: int
    capacity: int
    exponent: float
    n: int
    expected_hit_rate: float
    hit_rate: float
    hit_rate_low: float
    hit_rate_high: float
    without_p50_ms: float
    with_p50_ms: float
    hit_p50_ms: float | None
    without_per_s: float
    with_per_s: float


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
    """What the asked part gave. `busy_share` is the share of the processor that other programs took meanwhile."""

    part: Part
    scenario: ScenarioResult | None = None
    sweep: SweepResult | None = None
    serving: ServingResult | None = None
    cache: CacheResult | None = None
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


class CardLoad(Frozen):
    """What a bundle's card says of load: the original's and this version's scenarios, side by side.

    `ratio` is this version's throughput over the original's, measured in turn, with 95 % bounds; None where both were
    not. Costs are of a million answers in `currency`, None without a price of the person's. `knee_batch` is this
    version's smallest batch with 95 % of the best throughput, None where batch sizes were not measured.
    """

    made_at: str
    seconds: float
    processor: str
    cores: int
    original: tuple[ScenarioResult, ...] = ()
    this: tuple[ScenarioResult, ...] = ()
    original_cold: ColdTimes | None = None
    this_cold: ColdTimes | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    n: int = 0
    original_cost: float | None = None
    this_cost: float | None = None
    currency: str = ""
    price_words: str = ""
    knee_batch: int | None = None
