"""Parameters and results of job kinds; `workers.runtime.kinds` names the function of each."""

from typing import Literal

from pydantic import Field, JsonValue, model_validator

from workers.contracts.after.load import LOADGEN_WORDS, MemoryRoof, Scenario
from workers.contracts.after.load import Speech as Speech
from workers.contracts.base import Frozen
from workers.contracts.base import PathText as PathText
from workers.contracts.data.reading import DataParams as DataParams
from workers.contracts.data.reading import DataResult as DataResult
from workers.contracts.data.seen import SeenBox
from workers.contracts.disturbed import BlockLoad
from workers.contracts.gpu import GpuCard, GpuState
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.planning import Arithmetic, Instructions
from workers.contracts.planning import PlanParams as PlanParams
from workers.contracts.planning import PlanResult as PlanResult
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.proof.proving import PredictionPair
from workers.contracts.specs import (
    Described,
    DescribedTarget,
    DeviceFacts,
    LatencySummary,
    ModelArtifact,
    ModelInfo,
    RecipeStep,
    RunParams,
)
from workers.contracts.text import Text


class DescribeResult(Frozen):
    """Abilities of this computer; `gpu` states whether the NVIDIA GPUs `cards` can be used, and if not, why."""

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
    """Parameters of ``inspect`` (only reads) and ``open`` (also converts into `work_dir`/model, checked).

    `shapes` maps an input's name ("" for the only one) to its sizes; `preprocess` is a SPEC string
    (docs/command-line.md). `item_shapes`, read from `data_path`, are sizes of one data item by array name, where the
    model leaves sizes open. They come first, then `shapes`, then trials. `to_prove` also accepts models that can only
    be judged: an OpenVINO IR, a bundle of ours. `task` is an id of ``--task``, `score_threshold` the user's value where
    outputs are read otherwise than guessed (`workers.contracts.proof.results`). `allow_code` is the consent to run a
    program in the model; with `code_sha256` it holds for that program alone, not for one that replaced it.
    """

    path: PathText
    allow_code: bool = False
    code_sha256: str | None = None
    shapes: dict[str, tuple[int, ...]] = {}
    preprocess: str | None = None
    architecture: str | None = None
    item_shapes: dict[str, tuple[int, ...]] = {}
    data_path: PathText | None = None
    to_prove: bool = False
    task: str | None = None
    score_threshold: float | None = Field(default=None, gt=0, lt=1)


class OpenResult(Frozen):
    """Opened model; `model_dir` in the work folder holds artifact.json, pipeline.json and info.json.

    `verdict` states what the license that `info` names allows. `runtime` is the runtime that the model is for.
    `elsewhere` is the origin of a model that ``open_beside`` opened; its outputs have the original's names.
    """

    info: ModelInfo
    artifact: ModelArtifact
    model_dir: str = "model"
    conversion_error: float | None = None  # largest |converted − source| relative to the largest output
    verdict: LicenseVerdict | None = None
    runtime: str = "onnxruntime-cpu"
    elsewhere: Elsewhere | None = None


class OpenBesideParams(Frozen):
    """Parameters of ``open_beside``: convert the model of `opening`, made elsewhere, and feed it like the original.

    `model_dir` is the original's, run by `original_runtime` with `original_settings`; input sizes come from the items
    of `data_dir`. `runtime` None takes the model's usual one. `pairs` maps the original's inputs and outputs to those
    of the other model ({original: other}), where names differ.
    """

    opening: OpenParams
    model_dir: str
    data_dir: str
    original_runtime: str = "onnxruntime-cpu"
    original_settings: dict[str, JsonValue] = {}
    runtime: str | None = None
    pairs: dict[str, str] = {}


class ApplyParams(Frozen):
    """Parameters of the kind ``apply``: run techniques on a model and write `work_dir`/model.

    `fast` are the number formats that the processor of the target computes fast; None means this processor.
    """

    model_dir: str
    steps: tuple[RecipeStep, ...]
    data_dir: str | None = None
    fast: tuple[Arithmetic, ...] | None = Field(default=None, exclude_if=lambda fast: fast is None)


class ApplyResult(Frozen):
    """Result of the kind ``apply``: the new model."""

    artifact: ModelArtifact
    model_dir: str = "model"


Split = Literal["test", "calibration"]


class AnswerParams(RunParams):
    """Parameters of the kind ``answer``: evaluate a split and write `work_dir`/answers.npz.

    The job stops after `max_seconds`; the items evaluated by then are a fair sample of all. At most the first `most`
    items are evaluated. `earlier` is an answers.npz of the same model and items that stopped earlier and is continued.
    `rule` is the version of the evaluation: predictions of another version are not taken from the store.
    """

    max_seconds: float | None = None
    split: Split = "test"
    most: int | None = Field(None, ge=1)
    earlier: str = ""
    rule: Literal[2] = 2


class AnswerResult(Frozen):
    """Result of ``answer``; answers.npz holds `answer` (n, …) float32 and, for classes, `predicted` (n,) int64.

    `stopped` names the resource that ran out if `n` is less than requested. `seconds` cover all `n` items. `read_share`
    is their share of the model's input numbers over all requested items.
    """

    path: str = "answers.npz"
    n: int
    seconds: float
    read_share: float = 1.0
    not_finite: int = 0
    stopped: Literal["", "time", "memory"] = ""


class JudgeParams(Frozen):
    """Parameters of the kind ``judge``: compare two answers.npz; `max_loss_pct` is relative, in percent.

    Only `items` of the data folder count (None: all). `more` are examples added later; the judgement's `changed`
    numbers items of all folders consecutively, in this order. `earlier` counts earlier looks at these examples: each
    further look must prove more (`level_of_look`). With `split` calibration the predictions are for those items of
    `data_dir`, without `more`; such a verdict guides the search and proves nothing. Verdicts of another `rule` are not
    taken from the store.
    """

    data_dir: str
    original_answers: str
    variant_answers: str
    rule: Literal[2] = 2
    max_loss_pct: float = 1.0
    items: tuple[int, ...] | None = None
    more: tuple[PredictionPair, ...] = ()
    earlier: int = Field(0, ge=0)
    split: Split = "test"


class ExamplesParams(Frozen):
    """Parameters of ``examples``: show test items with both predictions; small pictures go to `work_dir`/examples.

    `side_px` limits pictures, `text_chars` limits texts. With `sounds` a sound is written there, too, as a plain WAV
    file.
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
    """One test item with the predictions of both versions; `kind` needs labels.

    `picture` is a PNG below the work folder; `text` replaces it for other inputs. `sound` is a WAV file there (one
    channel, 16 bits), `levels` its largest |samples| (0..1) of 64 equal parts. `boxes_*` are a detector's objects,
    `mask_*` PNGs of the same size, `near_*` the first results of a search with an embedding. With `is_text` both
    predictions are generated texts; `reference` is the right one.
    """

    item: int
    picture: str | None = None
    text: str = ""
    before: Text
    after: Text
    label: Text | None = None
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


class MeasureParams(RunParams):
    """Parameters of ``measure``: load one model, send Ready("loaded"), then run each `RunBlock` until the last."""

    batch: int = 1
    series: str = "latency_ms"


class MeasureResult(Frozen):
    """Result of the kind ``measure``; `device_ran` is the device that really ran the model.

    `peak_memory_bytes`: peak resident set less the level before loading; on a GPU the peak of its own memory until the
    first prediction. `speech` (by prompt length) and, on a processor, `roof` are for language models. `card` has one
    set's figures of a GPU's own clock and counters.
    """

    load_ms: float
    first_ms: float
    peak_memory_bytes: int | None
    device_ran: str
    fallbacks: tuple[Text, ...] = ()
    speech: tuple[Speech, ...] = ()
    roof: MemoryRoof | None = None
    card: CardFigures | None = None

    @model_validator(mode="after")
    def _of_a_card(self) -> "MeasureResult":
        if self.card is not None and not self.device_ran.startswith("cuda"):
            raise ValueError(f"figures of a card for what ran on {self.device_ran}")
        return self


class SummarizeParams(Frozen):
    """Parameters of ``summarize``: `latencies_ms[variant][set]` are single requests; variant 0 is the baseline.

    `loads[variant][set][block]` is the system load, blocks in the order of their requests; () if unknown. `family` is
    the number of versions compared in all, including other rounds; `looks` counts the rounds, each of which ended with
    a look at what is faster. Figures of another `rule` are not taken from the store.
    """

    latencies_ms: tuple[tuple[tuple[float, ...], ...], ...]
    loads: tuple[tuple[tuple[BlockLoad, ...], ...], ...] = ()
    family: int | None = None
    looks: int = Field(1, ge=1)
    rule: Literal[3] = 3


class SpeedSummary(Frozen):
    """Speed of one version; `speedup` is variant 0 / this one by mean times of the same requests, over process sets.

    `speedup_low` holds with 95 % for all versions together (`workers.measure.speedup`). `p90_speedup` is the ratio of
    90th percentiles. `under_load`: other programs disturbed one of the two; `speedup` is then the lowest of all
    comparisons, as in `workers.measure.agreeing`, which also defines `cpu_speedup` and `agreed_low` (None if unknown).
    `undisturbed`: enough requests were not delayed; the speedup, its bounds and `agreed_low` then come from these
    (`workers.measure.undisturbed`). `wall_speedup` is by wall time alone, whatever disturbed it.
    """

    latency: LatencySummary
    set_p50_ms: tuple[float, ...] = ()
    under_load: bool | None = None
    cpu_speedup: float | None = None
    wall_speedup: float | None = None
    agreed_low: float | None = None
    undisturbed: bool = False
    p90_speedup: float | None = None
    throughput_per_s: float
    speedup: float
    speedup_low: float | None
    speedup_high: float | None


class BenchParams(RunParams):
    """Parameters of ``bench``: sweep batch sizes with a LoadGen scenario."""

    batches: tuple[int, ...] = (1,)
    scenario: Scenario = "single-stream"
    seconds: float = 10.0


class BenchPoint(Frozen):
    """One batch size; `valid` and `reasons` are LoadGen's verdict.

    `card` has figures of a GPU's own clock and counters; the memory is then the GPU's.
    """

    batch: int
    latency: LatencySummary
    throughput_per_s: float
    peak_memory_bytes: int | None
    valid: bool
    reasons: tuple[Text, ...] = ()
    card: CardFigures | None = None


class BenchResult(Frozen):
    """Result of the kind ``bench``; `measured_with` must be shown with the figures, `speech` is for language models."""

    points: tuple[BenchPoint, ...]
    knee_batch: int
    measured_with: str = LOADGEN_WORDS
    speech: tuple[Speech, ...] = ()


class TelemetryParams(Frozen):
    """Parameters of the kind ``telemetry``: stream `Sample`s of the computer until cancelled or after `max_s`.

    Series are ``<device>/<quantity>``: ``cpu/load_pct``, ``cpu/memory_bytes``, ``cpu/frequency_hz`` every `processor_s`
    (0: at each reading), and for each GPU at each reading ``gpu0/load_pct`` and other values of `GpuReader`, its limits
    once, ``gpu0/process_bytes/<pid>`` twice a second, and ``gpu0/is_lost`` when it stops responding.
    ``job/memory_bytes`` is the resident set of `watch_pid`. A quantity that the computer does not report has no
    samples.
    """

    interval_s: float = Field(default=0.5, ge=0.05, le=60)
    processor_s: float = Field(default=0.0, ge=0, le=60)
    watch_pid: int | None = None
    max_s: float | None = None
