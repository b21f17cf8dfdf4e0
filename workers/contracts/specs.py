"""Facts about models, recipes, techniques, runtimes and targets, as JSON-able models."""

from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from workers.contracts.base import Frozen
from workers.contracts.chat import ChatFacts as ChatFacts
from workers.contracts.measured.power import PowerFacts
from workers.contracts.optional_sets import OptionalSet
from workers.contracts.proof.elsewhere import Elsewhere

GUESSED = "guessed"
"""Code of the finding that names what was guessed of the preparation."""

BOXES_UNKNOWN = "boxes_unknown"
"""Code of the finding that a detector's form is not recognized, so that its results are judged as numbers."""


class Finding(Frozen):
    """Something that a person should know. `level`: info < warning < danger.

    `code` names what was found, where code decides by it; "" where it is only told.
    """

    level: Literal["info", "warning", "danger"]
    what: str
    code: str = ""


class TensorSpec(Frozen):
    """One input or output. `shape` holds names or None where a size is free; `dtype` is numpy's name."""

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str
    meaning: str = ""


class ModelInfo(Frozen):
    """What `fettle inspect` prints (CLI.md), plus the recognized architecture and a name for people."""

    name: str
    format: str
    task: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: int
    size_bytes: int
    sha256: str
    opset: int | None = None
    quantized: bool = False
    preprocessing: dict[str, JsonValue] | None = None
    findings: tuple[Finding, ...] = ()
    license: str | None = None
    architecture: str | None = None
    chat: ChatFacts | None = None


class FileEntry(Frozen):
    """One file below an artifact's folder; `path` is relative with forward slashes."""

    path: str
    sha256: str
    size_bytes: int


class RecipeStep(Frozen):
    """One technique with its parameters, as it was or shall be run."""

    technique: str
    version: int = 1
    params: dict[str, JsonValue] = {}


class LayersKept(Frozen):
    """How many of the `layers` that could be in 8 bits keep their own numbers."""

    kept: int
    layers: int


class ModelArtifact(Frozen):
    """`artifact.json` of a folder that holds one runnable model.

    `main` is the file that a runtime opens. `runtimes` lists the only runtimes that may run it (None: every runtime
    that knows the format). `settings` are handed to the runtime, e.g.
    ``{"inference_precision": "bf16", "shapes": {"input": [1, 3, 224, 224]}}``.
    `torch_program` names a torch.export program (.pt2) beside it, where there is one. `layers_kept` is what a technique
    that chooses among layers has chosen. `weights_kept`: no step changed weights but by rounding (pruning does).
    Beside artifact.json lie pipeline.json, info.json and, for texts, tokenizer.json.
    """

    format: Literal["onnx", "openvino-ir"] = "onnx"
    main: str
    files: tuple[FileEntry, ...]
    precision: str = "fp32"
    settings: dict[str, JsonValue] = {}
    runtimes: tuple[str, ...] | None = None
    steps: tuple[RecipeStep, ...] = ()
    notes: tuple[str, ...] = ()
    torch_program: str | None = None
    layers_kept: LayersKept | None = None
    weights_kept: bool = True

    @property
    def size_bytes(self) -> int:
        """Bytes of all files that belong to the model itself."""
        return sum(entry.size_bytes for entry in self.files)


class Recipe(Frozen):
    """One candidate: the techniques to apply in order, and what runs the result.

    With `only_if_failed` it is tried only where each of these candidates that was tried failed, or changed answers
    without being proven safe. With `only_if_faster` (better answers, at no more speed) it is tried only where one of
    these candidates was faster than the best that may be recommended by then. Both name candidates by their `id`, which
    stays when a person changes the title; a recipe that was written without one has its title as `id`.

    `title_when` holds other titles, by what the planner changed to fit the model (`Fitted.changed`). `elsewhere` says
    where a model comes from that was made elsewhere and is judged as it came: such a recipe has no steps.
    """

    title: str
    id: str = ""
    steps: tuple[RecipeStep, ...] = ()
    runtime: str = "onnxruntime-cpu"
    settings: dict[str, JsonValue] = {}
    why: str = ""
    only_if_failed: tuple[str, ...] = ()
    only_if_faster: tuple[str, ...] = ()
    title_when: dict[str, str] = {}
    elsewhere: Elsewhere | None = None

    @property
    def keeps_the_model(self) -> bool:
        """Whether it runs the original's own files."""
        return not self.steps and self.elsewhere is None

    @model_validator(mode="before")
    @classmethod
    def _with_id(cls, values: Any) -> Any:
        """Recipes of version 0.1.0, and short ones that people write, are named by their titles."""
        if isinstance(values, dict) and not values.get("id") and "title" in values:
            return {**values, "id": values["title"]}
        return values


InputKind = Literal["image", "text", "audio", "array"]
"""What a model's main input is prepared from (`kind` of `Preprocess`)."""


class Described(Frozen):
    """One row of `fettle describe`. `params_schema` is the JSON schema of the parameters, if there are any.

    `for_inputs`: the kinds of input that a technique fits, () for all. `hint`: why it is not available, or the command
    that installs it; `installs` then names the installer's set that holds it.
    """

    id: str
    title: str
    available: bool
    hint: str = ""
    installs: OptionalSet | None = None
    summary: str = ""
    version: int | None = None
    params_schema: dict[str, JsonValue] | None = None
    group: str = ""
    for_inputs: tuple[InputKind, ...] = ()
    traits: tuple[str, ...] = ()


class Stage(Frozen):
    """A part of a work that takes a while: progress is told by its `id`, people read `title`."""

    id: str
    title: str


class Question(Frozen):
    """What a target asks a person; `hint` stands in the empty field. One that is `needed` must have an answer."""

    id: str
    title: str
    hint: str = ""
    needed: bool = False


class DescribedTarget(Described):
    """An export target: what is asked before, told meanwhile (`stages`), and shown afterwards (`how_to_run`, commands).

    `suffix` is how the file's name ends, whose content is a zip archive all the same. `runtimes` and `settings` say
    which versions it can take, `pushed_to` which question asks for a repository, `switch` how a running one takes
    another bundle, `falls_back` whether its bundles may hold the original as a fallback (see `TargetSpec`).
    """

    suffix: str = ".zip"
    icon: str = "package"
    stages: tuple[Stage, ...] = ()
    questions: tuple[Question, ...] = ()
    how_to_run: str = ""
    runtimes: tuple[str, ...] = ()
    settings: tuple[str, ...] | None = None
    pushed_to: str = ""
    switch: str = ""
    falls_back: bool = False


P99_NEEDS = 299
"""Fewer samples bound no 99th percentile with 95 % confidence (1 − .99²⁹⁹ = .95)."""


class BlockLoad(Frozen):
    """What the system did meanwhile in one timed block of `requests`.

    `elapsed_s` is the wall time of all of them; `cpu_s` are the processor seconds of all of the process's own threads;
    `waited_s` the seconds for which they were ready but other programs had the processor (Linux:
    /proc/PID/task/TID/schedstat, second field), None where the system does not tell; `busy_share` is what other
    processes used of all cores, 0..1 in the mean over blocks: one alone is so coarse that it may be below 0.
    """

    requests: int
    elapsed_s: float
    cpu_s: float
    waited_s: float | None = None
    busy_share: float | None = None


class LatencySummary(Frozen):
    """Milliseconds of single requests. `p99_ms` is absent under `P99_NEEDS` samples, `mean_ms` in older records."""

    n: int
    p50_ms: float
    p90_ms: float
    p99_ms: float | None
    max_ms: float
    p50_low_ms: float | None = None
    p50_high_ms: float | None = None
    mean_ms: float | None = None


Verdict = Literal["safe", "regressed", "not_enough_data", "unmeasured"]


class SliceDrop(Frozen):
    """One part of the test set, beside the original. Shares are 0..1.

    `kind` says what the part has in common: class, brightness, blur, size, length, loudness, language, or column (the
    person's own). `drop` is the loss of accuracy, or without labels the share of changed answers (of similarity where
    answers are no classes). `p_holm` (the gate) and `p_display` (Benjamini-Hochberg) are adjusted p-values: of the
    exact McNemar test with labels, else of a test that a quarter of the answers changed. `judged` is False where too
    few answers changed to say anything.
    """

    name: str
    n: int
    drop: float
    changed: int
    p_holm: float | None = None
    p_display: float | None = None
    judged: bool = False
    kind: str = "class"


class ScorePart(Frozen):
    """One class's share of a score."""

    name: str
    n: int
    original: float | None
    optimized: float


class TaskScore(Frozen):
    """How well both models do their task, by one measure, on the same `n` examples.

    `unit`: shares are 0..1. `against` "labels": both were scored by the truth, `low` and `high` are the 95 % interval
    (paired bootstrap over examples) of optimized − original. "original": there are no labels, the optimized answers
    were scored by the original's, `original` is None, and the interval is that of `optimized`.
    """

    id: str
    task: str
    title: str
    meaning: str
    unit: Literal["share", "number", "dB"] = "share"
    higher_is_better: bool = True
    against: Literal["labels", "original"]
    n: int
    original: float | None = None
    optimized: float
    low: float | None = None
    high: float | None = None
    parts: tuple[ScorePart, ...] = ()


OLDER_RULE = "It was judged by an older rule, which proves nothing for such results: run it again."


class Judgement(Frozen):
    """How one variant answers beside the original, on the same `n` test inputs that count (EVALUATION.md).

    `rule` 2: every kind of result (`task` is the id of the proof task) is counted as changed or not, at the one-sided
    `level`. Rule 1 compared whole outputs by cosine where there were no classes, which proved nothing.

    `n_labelled` of them have labels: accuracies are shares of these, and where they decide (`labelled`) so are `flips`,
    `negative_flips` and `drop`; `agreement`, `changed` and `changed_count` are of all. Older judgements do not say it.
    Shares are 0..1. `accuracy*` are None without labels. `agreement` is the share of results that did not change, and
    `changed_high` the exact upper bound of the share that did, at `level`; `similarity` and `similarity_min` tell how
    alike they are where that is more than same or not. `drop_low`/`drop_high` are the one-sided bounds of the loss that
    was judged (of accuracy or a score with labels, of changed results without). `missing_examples` says how many more
    inputs a proof needs, beside the `n_unasked` that are there and were not asked yet. `changed` holds item numbers
    whose result changed, worst first, at most 1,000; `beside_changed` those of Fettle's own items. `slices` holds the
    worst 50 parts of the test set, worst first. Where places within items are counted (next words of texts), `units` is
    how many and `units_changed` how many changed; shares are of these. `scores` are measures of the task, the most
    important first. `reasons` are those of the `notes` that keep it from being safe. `identical`: all predictions are
    equal to the last bit. `far_beyond`: it loses so much that chance could not call it safe.
    """

    rule: int = 2
    task: str = ""
    level: float | None = None
    verdict: Verdict
    n: int
    labelled: bool
    n_labelled: int | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    original_accuracy: float | None = None
    agreement: float | None = None
    changed_high: float | None = None
    flips: float | None = None
    negative_flips: float | None = None
    drop: float | None = None
    drop_low: float | None = None
    drop_high: float | None = None
    margin: float
    missing_examples: int | None = None
    n_unasked: int = 0
    changed: tuple[int, ...] = ()
    changed_count: int = 0
    beside_changed: tuple[int, ...] = ()
    similarity: float | None = None
    similarity_min: float | None = None
    worst_slice: str | None = None
    worst_slice_drop: float | None = None
    kl_mean: float | None = None
    ece_change: float | None = None
    units: int | None = None
    units_changed: int | None = None
    slices: tuple[SliceDrop, ...] = ()
    scores: tuple[TaskScore, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    identical: bool = False
    far_beyond: bool = False

    @model_validator(mode="before")
    @classmethod
    def _of_rule_1(cls, given: Any) -> Any:
        """Judge records of rule 1 anew: it compared whole outputs by cosine, which a blind detector passes."""
        if not isinstance(given, dict) or "agreement_min" not in given:
            return given
        kept = {name: value for name, value in given.items() if name not in ("agreement_min", "unproven")}
        if kept.get("flips") is None and kept["verdict"] in ("safe", "not_enough_data"):
            notes = (OLDER_RULE, *kept.get("notes", ()))
            kept |= {"verdict": "not_enough_data", "n": 0, "agreement": None, "missing_examples": None, "notes": notes}
        return {**kept, "rule": 1}

    @property
    def changed_share(self) -> float | None:
        """Share of results that differ for a person, 0..1."""
        return None if self.agreement is None else 1 - self.agreement

    @property
    def n_accuracy(self) -> int:
        """How many examples accuracies are shares of."""
        return self.n if self.n_labelled is None else self.n_labelled

    @property
    def n_drop(self) -> int:
        """How many examples `flips`, `negative_flips` and `drop` are shares of."""
        return self.n_accuracy if self.labelled else self.n


class DeviceFacts(Frozen):
    """The machine as the planner and the manifest need it. `architectures` are its GPUs' (``sm89``), in their order."""

    processor: str
    cores: int
    memory_bytes: int
    features: tuple[str, ...] = Field(
        default=(), description="avx2, avx512, avx512_bf16, avx512_vnni, amx_bf16, amx_int8, …"
    )
    gpus: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    os: str = ""
    power: PowerFacts = PowerFacts()
