"""Parameters and results of job kinds; `workers.runtime.kinds` says which function does each."""

from typing import Literal

from pydantic import Field, JsonValue, model_validator

from workers.contracts.after.load import Scenario
from workers.contracts.base import Frozen
from workers.contracts.data.reading import DataParams as DataParams
from workers.contracts.data.reading import DataResult as DataResult
from workers.contracts.data.seen import SeenBox
from workers.contracts.gpu import GpuCard, GpuState
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.paths import PathText as PathText
from workers.contracts.planning import Instructions
from workers.contracts.planning import PlanParams as PlanParams
from workers.contracts.planning import PlanResult as PlanResult
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.proof.proving import JudgePart
from workers.contracts.specs import (
    BlockLoad,
    Described,
    DescribedTarget,
    DeviceFacts,
    Judgement,
    LatencySummary,
    ModelArtifact,
    ModelInfo,
    RecipeStep,
)


class DescribeParams(Frozen):
    """kind ``describe``: what is there on this machine."""


class DescribeResult(Frozen):
    """`cards` are the NVIDIA GPUs that answer, `gpu` says whether they can be used, and if not, why."""

    device: DeviceFacts
    devices: tuple[Described, ...]
    runtimes: tuple[Described, ...]
    techniques: tuple[Described, ...]
    targets: tuple[DescribedTarget, ...]
    versions: dict[str, str]
    instructions: tuple[Instructions, ...] = ()
    cards: tuple[GpuCard, ...] = ()
    gpu: GpuState = GpuState()


class OpenParams(Frozen):
    """kinds ``inspect`` (reads only) and ``open`` (also converts into `work_dir`/model: the inner form, checked).

    `shapes` maps an input's name ("" for the only one) to its sizes; `preprocess` is the SPEC string of CLI.md.
    `item_shapes` are sizes of one item in the person's data, by the array's name, where the model leaves sizes open:
    they come first, then `shapes`, then what trials show. They are read from `data_path`.
    `to_prove` takes also what can be judged and not optimized: an OpenVINO IR, a bundle of ours.
    `task` is an id of ``--task`` and `score_threshold` what people set where results are read otherwise than was
    guessed (`workers.contracts.proof.results`).
    """

    path: PathText
    allow_code: bool = False
    shapes: dict[str, tuple[int, ...]] = {}
    preprocess: str | None = None
    architecture: str | None = None
    item_shapes: dict[str, tuple[int, ...]] = {}
    data_path: PathText | None = None
    to_prove: bool = False
    task: str | None = None
    score_threshold: float | None = Field(default=None, gt=0, lt=1)


class InspectResult(Frozen):
    """What can be told of a model that was not run."""

    info: ModelInfo


class OpenResult(Frozen):
    """`model_dir` is relative to the work folder and holds artifact.json, pipeline.json, info.json.

    `verdict` says what the license allows that `info` names. `runtime` is what the model is for.
    """

    info: ModelInfo
    artifact: ModelArtifact
    model_dir: str = "model"
    conversion_error: float | None = None  # largest |converted − source| relative to the largest output
    verdict: LicenseVerdict | None = None
    runtime: str = "onnxruntime-cpu"


class OpenBesideParams(Frozen):
    """kind ``open_beside``: the model of `opening`, made elsewhere, in the inner form and fed like the original.

    `model_dir` is the original's, run by `original_runtime` with `original_settings`; the items of `data_dir` say which
    sizes inputs have. `runtime` None: the model's usual one. `pairs` says which of its inputs and outputs stand for
    which of the original's ({original: other}), where names do not.
    """

    opening: OpenParams
    model_dir: str
    data_dir: str
    original_runtime: str = "onnxruntime-cpu"
    original_settings: dict[str, JsonValue] = {}
    runtime: str | None = None
    pairs: dict[str, str] = {}


class OpenBesideResult(Frozen):
    """`model_dir` is relative to the work folder; the model in it answers under the original's names."""

    info: ModelInfo
    artifact: ModelArtifact
    elsewhere: Elsewhere
    runtime: str
    model_dir: str = "model"
    conversion_error: float | None = None


class ApplyParams(Frozen):
    """kind ``apply``: runs techniques on a model, writes `work_dir`/model."""

    model_dir: str
    steps: tuple[RecipeStep, ...]
    data_dir: str | None = None


class ApplyResult(Frozen):
    artifact: ModelArtifact
    model_dir: str = "model"


Split = Literal["test", "calibration"]


class AnswerParams(Frozen):
    """kind ``answer``: runs the items of a split through a model, writes `work_dir`/answers.npz.

    After `max_seconds` it stops; the items that were answered until then are a fair sample of all. At `most` so many
    are asked, the first ones. `earlier` is an answers.npz of the same model and items that had less time: it is gone on
    with. `rule` is the version of what is asked of each item: predictions of another one are not taken from the store.
    """

    model_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    max_seconds: float | None = None
    split: Split = "test"
    most: int | None = Field(None, ge=1)
    earlier: str = ""
    rule: Literal[2] = 2


class AnswerResult(Frozen):
    """answers.npz: `answer` (n, …) float32 and, for classes, `predicted` (n,) int64.

    `stopped` says what ran out where `n` is less than what was asked. `seconds` are those of all `n` items, and
    `read_share` is the share of the numbers that the model gets of all asked items which these hold.
    """

    path: str = "answers.npz"
    n: int
    seconds: float
    read_share: float = 1.0
    not_finite: int = 0
    stopped: Literal["", "time", "memory"] = ""


class JudgeParams(Frozen):
    """kind ``judge``: compares two answers.npz over one data folder. `max_loss_pct` is relative, in percent.

    `rule` is the judge's own version: verdicts of another one are not taken from the store.
    Of the data folder only `items` count (None: all). `more` are examples that were added later; in the judgement's
    `changed` all items of all folders are counted on, in this order. `earlier` is how many looks at these examples came
    before: each further one has to prove more (`level_of_look`). With `split` calibration the answers are for those
    items of `data_dir`, without `more`; such a verdict says what to try, and proves nothing.
    """

    data_dir: str
    original_answers: str
    variant_answers: str
    rule: Literal[2] = 2
    max_loss_pct: float = 1.0
    items: tuple[int, ...] | None = None
    more: tuple[JudgePart, ...] = ()
    earlier: int = Field(0, ge=0)
    split: Split = "test"


class JudgeResult(Frozen):
    judgement: Judgement


class ExamplesParams(Frozen):
    """kind ``examples``: shows test items with both answers; pictures are drawn small into `work_dir`/examples.

    `side_px` is how large a picture may be, `text_chars` how long a text. With `sounds` a sound is written there, too,
    as a plain WAV file.
    """

    data_dir: str
    model_dir: str
    original_answers: str
    variant_answers: str
    items: tuple[int, ...]
    text_column: str | None = None
    label_column: str | None = None
    side_px: int = Field(112, ge=16, le=1024)
    text_chars: int = Field(300, ge=1, le=100_000)
    sounds: bool = False


class Example(Frozen):
    """`picture` is a PNG below the work folder; `text` stands for an input that is no picture. `kind` needs labels.

    `sound` is a WAV file there (one channel, 16 bits), `levels` the largest |samples| (0..1) of its 64 equal parts.
    `boxes_before` and `boxes_after` are what a detector finds in the picture, `mask_before` and `mask_after` PNGs there
    of the same size with what a model marks in it, `near_before` and `near_after` what a search with an embedding finds
    first. With `is_text` both answers are texts that models wrote; `reference` is the one that is right.
    """

    item: int
    picture: str | None = None
    text: str = ""
    before: str
    after: str
    label: str | None = None
    kind: Literal["worse", "better", "other"] = "other"
    sound: str | None = None
    levels: tuple[float, ...] = ()
    boxes_before: tuple[SeenBox, ...] = ()
    boxes_after: tuple[SeenBox, ...] = ()
    mask_before: str | None = None
    mask_after: str | None = None
    near_before: tuple[str, ...] = ()
    near_after: tuple[str, ...] = ()
    is_text: bool = False
    reference: str = ""


class ExamplesResult(Frozen):
    rows: tuple[Example, ...]


class MeasureParams(Frozen):
    """kind ``measure``: loads one model, sends Ready("loaded"), then runs each `RunBlock` until the last."""

    model_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    batch: int = 1
    series: str = "latency_ms"


class Speech(Frozen):
    """How fast a language model speaks after prompts of `prompt_tokens`: the first token comes after `first_ms`, the
    others at `tokens_per_s`; medians of `n` answers.
    """

    prompt_tokens: int
    first_ms: float
    tokens_per_s: float | None
    n: int


class MeasureResult(Frozen):
    """`peak_memory_bytes`: peak resident set less the level before loading; on a GPU the peak of its own memory until
    the first answer. `device_ran` says what really ran it. `speech` is a language model's, by the length of
    the prompt. `card` is what a card's own clock and counters say, of one set; a processor has none.
    """

    load_ms: float
    first_ms: float
    peak_memory_bytes: int | None
    device_ran: str
    fallbacks: tuple[str, ...] = ()
    speech: tuple[Speech, ...] = ()
    card: CardFigures | None = None

    @model_validator(mode="after")
    def _of_a_card(self) -> "MeasureResult":
        if self.card is not None and not self.device_ran.startswith("cuda"):
            raise ValueError(f"figures of a card for what ran on {self.device_ran}")
        return self


class SummarizeParams(Frozen):
    """kind ``summarize``: `latencies_ms[variant][set]` are single requests; variant 0 is what to compare with.

    `loads[variant][set][block]` tells what the system did meanwhile, blocks in the order of their requests; () where
    it is not known. `family` is how many versions were compared in all, where others were measured in other rounds;
    `looks` counts the rounds, after each of which it was looked at what is faster.
    `rule` is that of the figures: those of another one are not taken from the store.
    """

    latencies_ms: tuple[tuple[tuple[float, ...], ...], ...]
    loads: tuple[tuple[tuple[BlockLoad, ...], ...], ...] = ()
    family: int | None = None
    looks: int = Field(1, ge=1)
    rule: Literal[2] = 2


class SpeedSummary(Frozen):
    """`speedup` is the ratio of the mean times of the same requests, variant 0 / this one, over sets of processes;
    `speedup_low` holds with 95 % for all versions together (`workers.measure.speedup`). `p90_speedup` is the same ratio
    of the 90th percentiles.

    `under_load`: other programs disturbed either of both; `speedup` is then the least of all ways to compare, as in
    `workers.measure.agreeing`. `cpu_speedup` and `agreed_low` are that module's, too; None where they cannot be known.
    """

    latency: LatencySummary
    set_p50_ms: tuple[float, ...] = ()
    under_load: bool | None = None
    cpu_speedup: float | None = None
    agreed_low: float | None = None
    p90_speedup: float | None = None
    throughput_per_s: float
    speedup: float
    speedup_low: float | None
    speedup_high: float | None


class SummarizeResult(Frozen):
    summaries: tuple[SpeedSummary | None, ...]


class BenchParams(Frozen):
    """kind ``bench``: one model alone, a sweep over batch sizes.

    `engine`: the scenarios of MLCommons LoadGen, or loops of our own (which have no multi-stream).
    """

    model_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    batches: tuple[int, ...] = (1,)
    scenario: Scenario = "single-stream"
    seconds: float = 10.0
    engine: Literal["loadgen", "own"] = "loadgen"


class BenchPoint(Frozen):
    """`valid` and `reasons` are LoadGen's verdict on its own run; None for our own loops. `card` is what a card's own
    clock and counters say; the memory is then the card's.
    """

    batch: int
    latency: LatencySummary
    throughput_per_s: float
    peak_memory_bytes: int | None
    valid: bool | None = None
    reasons: tuple[str, ...] = ()
    card: CardFigures | None = None


class BenchResult(Frozen):
    """`measured_with` says how, in the words that must be told with the figures. `speech` is a language model's."""

    points: tuple[BenchPoint, ...]
    knee_batch: int
    measured_with: str = ""
    speech: tuple[Speech, ...] = ()


class TelemetryParams(Frozen):
    """kind ``telemetry``: streams `Sample`s of the machine until cancelled.

    Series are ``<device>/<quantity>``: ``cpu/load_pct``, ``cpu/memory_bytes``, ``cpu/frequency_hz`` every `processor_s`
    (0: at each reading), and for each GPU at each reading ``gpu0/load_pct`` and what else `GpuReader` tells, once its
    limits, twice a second ``gpu0/process_bytes/<pid>``, and ``gpu0/is_lost`` when it answers no more.
    ``job/memory_bytes`` is the resident set of `watch_pid`. A quantity that the machine does not tell has no samples.
    `max_s` ends the job.
    """

    interval_s: float = Field(default=0.5, ge=0.05, le=60)
    processor_s: float = Field(default=0.0, ge=0, le=60)
    watch_pid: int | None = None
    max_s: float | None = None


class TelemetryResult(Frozen):
    """How many times the machine was read, when the job ended by itself."""

    readings: int
