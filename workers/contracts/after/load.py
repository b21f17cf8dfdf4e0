"""Contracts of measurements under load: batch sizes, request rates, latency limit, cold start, energy, cost."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.specs import LatencySummary, RunParams
from workers.contracts.text import Text

Scenario = Literal["single-stream", "server", "offline"]
Part = Literal["sweep", "serving", "prompts", "capacity"]

LOADGEN_WORDS = "measured with MLCommons LoadGen; not an MLPerf result"
"""Required wording for figures of LoadGen scenarios: official results need MLPerf's rules and a review."""


class LoadParams(RunParams):
    """Parameters of the kind ``load``: one part of the measurement, of one model alone.

    Attributes:
        seconds: Duration of the part without warm-up.
        limit_ms: Latency that 99 % of the requests of the part ``capacity`` have to keep.
        energy_files: Readable energy counters of the processor.
        round: Number that distinguishes repeated measurements; it changes nothing else.
    """

    part: Part
    seconds: float = Field(default=10.0, gt=0)
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    limit_ms: float | None = Field(default=None, gt=0)
    energy_files: tuple[str, ...] = ()
    round: int = 0


class Energy(Frozen):
    """Energy that a counter measured over `seconds`, including everything else that ran on the device.

    Attributes:
        joules: None if no figure can be given; `note` then gives the reason. It is never estimated.
        tokens: Tokens that a language model generated; it read the prompts as well.
    """

    joules: float | None = None
    seconds: float = 0.0
    answers: int = 0
    tokens: int = 0
    source: str = ""
    note: Text = ""


class SweepPoint(Frozen):
    """Measurement of one batch size: `n` requests of `batch` items; items per second with 95 % bounds."""

    batch: int
    n: int
    throughput_per_s: float
    throughput_low: float | None
    throughput_high: float | None
    latency: LatencySummary


class SweepResult(Frozen, extra="ignore"):
    """Throughput over batch sizes; fields that versions before 0.2 wrote beside these are ignored.

    Attributes:
        knee_batch: The smallest batch with 95 % of the best throughput; `energy` was measured with it.
        stopped: Reason why larger batches were not measured; empty if all were.
    """

    points: tuple[SweepPoint, ...]
    knee_batch: int
    stopped: str = ""
    energy: Energy | None = None

    @property
    def best(self) -> SweepPoint:
        """Return the batch size with the highest throughput."""
        return max(self.points, key=lambda point: point.throughput_per_s)


class RatePoint(Frozen, extra="ignore"):
    """Latency, from arrival to prediction, of requests that arrive at random (Poisson) at `rate_per_s`.

    Fields that versions before 0.2 wrote beside these are ignored.
    """

    rate_per_s: float
    latency: LatencySummary


class ServingResult(Frozen, extra="ignore"):
    """Latency over request rate, one item per request; fields that versions before 0.2 wrote are ignored."""

    alone: tuple[RatePoint, ...]


class CapacityTry(Frozen):
    """One request rate that was tried: `n` requests in `seconds`.

    Attributes:
        target_per_s: Rate of requests per second, at random moments (Poisson).
        kept: 99 % of the requests met the limit by LoadGen's judgement; None if there were too few to judge.
    """

    target_per_s: float
    kept: bool | None
    n: int
    seconds: float
    latency: LatencySummary


class CapacityResult(Frozen):
    """Highest rate of items at which 99 % of the requests meet `limit_ms`.

    Attributes:
        per_s: Items per second; None if no rate that was tried met the limit.
        too_many_per_s: The slowest rate that missed the limit; None if all met it.
        compared: Number of inputs evaluated at that rate and also one at a time; None if nothing was compared.
        changed: Number of these whose predictions differ.
    """

    limit_ms: float
    per_s: float | None
    too_many_per_s: float | None
    tries: tuple[CapacityTry, ...]
    compared: int | None = None
    changed: int | None = None


class Speech(Frozen):
    """Speed of a language model after prompts of `prompt_tokens`; medians of `n` answers.

    Attributes:
        first_ms: Milliseconds to the first token.
        tokens_per_s: Rate of the other tokens.
    """

    prompt_tokens: int
    first_ms: float
    tokens_per_s: float | None
    n: int

    @property
    def prompt_tokens_per_s(self) -> float:
        """Return the rate at which the prompt is read, until the first token is known."""
        return 1000 * self.prompt_tokens / self.first_ms


class MemoryRoof(Frozen):
    """Bound that memory sets to a language model's speed, measured by the process that measured the speed.

    Attributes:
        token_bytes: Bytes of weights that are read for each token.
        read_bytes_per_s: Bytes of memory that the same cores read in a second.
    """

    token_bytes: int
    read_bytes_per_s: float

    def share(self, tokens_per_s: float) -> float:
        """Return which share of the possible speed this one is; above 1 where the caches hold weights."""
        return tokens_per_s * self.token_bytes / self.read_bytes_per_s


class PromptPoint(Speech):
    """The same with the memory that it took.

    Attributes:
        memory_bytes: Peak memory above the level before loading, including the cache of all these tokens; None if the
            system does not report it.
    """

    memory_bytes: int | None


class LoadResult(Frozen):
    """Result of one part; `busy_share` is the share of the processor that other programs used meanwhile."""

    part: Part
    sweep: SweepResult | None = None
    serving: ServingResult | None = None
    prompts: tuple[PromptPoint, ...] = ()
    capacity: CapacityResult | None = None
    busy_share: float | None = None
    fallbacks: tuple[Text, ...] = ()


class ColdParams(Frozen):
    """Parameters of the kind ``cold``: start each model `repeats` times in a fresh process, all models in turn."""

    models: tuple[RunParams, ...]
    data_dir: str
    repeats: int = Field(default=5, ge=1)
    round: int = 0


class ColdTimes(Frozen):
    """Milliseconds from process start to the first prediction, one per start; `load_ms` is the model's part of them."""

    total_ms: tuple[float, ...]
    load_ms: tuple[float, ...]


class VersionLoad(Frozen, extra="ignore"):
    """Measurements of one version under load; fields that versions before 0.2 wrote beside these are ignored.

    A part that could not be measured is None, and `missing` gives the reason as a sentence.
    """

    variant_id: str
    title: Text
    runtime: str
    sweep: SweepResult | None = None
    serving: ServingResult | None = None
    cold: ColdTimes | None = None
    prompts: tuple[PromptPoint, ...] = ()
    capacity: CapacityResult | None = None
    missing: tuple[Text, ...] = ()
    busy_share: float | None = None


class Paired(Frozen):
    """Throughput of two versions at their best batch sizes, measured alternately in fresh processes.

    Attributes:
        ratio: Throughput of the variant divided by that of the original, with bounds (95 % each, t interval over `sets`
            of processes).
        n: Number of requests of each version.
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
    """Load measurements in the card of a bundle: the original and this version.

    Attributes:
        paired: None if the two were not measured alternately.
        original_cost: Cost of a million predictions in `currency`; None if the user set no price.
        this_cost: The same for this version.
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
    price_words: Text = ""

    @property
    def knee_batch(self) -> int | None:
        """Return this version's smallest batch with 95 % of its best throughput; None if none was measured."""
        return self.this.sweep.knee_batch if self.this.sweep is not None else None

    @property
    def joules(self) -> float | None:
        """Return the measured energy of this version in joules; None if no counter reported it."""
        sweep = self.this.sweep
        return sweep.energy.joules if sweep is not None and sweep.energy is not None else None
