"""Contracts about models, recipes, techniques, runtimes and targets."""

from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from workers.contracts.base import Frozen
from workers.contracts.base import RunParams as RunParams
from workers.contracts.measured.power import PowerFacts
from workers.contracts.optional_sets import OptionalSet
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.text import Text
from workers.contracts.translation import mark

GUESSED = "guessed"
"""Code of the finding that names guessed parts of the preparation."""

BOXES_UNKNOWN = "boxes_unknown"
"""Code of the finding that a detector's output form is unknown, so that its results are judged as numbers."""


class Finding(Frozen):
    """Something that the user should know; levels are ordered info < warning < danger.

    `code` names the finding for code that decides by it; "" if no code does.
    """

    level: Literal["info", "warning", "danger"]
    what: Text
    code: str = ""


class TensorSpec(Frozen):
    """One input or output; `shape` holds names or None where a size is free, `dtype` is numpy's name."""

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str
    meaning: Text = ""


class ChatFacts(Frozen):
    """Context of a language model: maximum tokens it reads at once, and numbers its cache holds per token."""

    context: int
    cache_numbers_per_token: int


class ModelInfo(Frozen):
    """Output of `fettle inspect` (docs/command-line.md), plus the recognized architecture and a display name."""

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
    """One technique with its parameters, applied or planned."""

    technique: str
    version: int = 1
    params: dict[str, JsonValue] = {}


class ModelArtifact(Frozen, extra="ignore"):
    """Content of `artifact.json` in a folder that holds one runnable model; fields of earlier versions are ignored.

    A runtime opens `main`. Only `runtimes` may run it (None: every runtime that knows the format), with `settings` such
    as ``{"inference_precision": "bf16", "shapes": {"input": [1, 3, 224, 224]}}``. `torch_program` names a torch.export
    program (.pt2) beside it, if any. `weights_kept`: steps changed weights only by rounding (unlike pruning). The
    folder also holds pipeline.json, info.json and, for texts, tokenizer.json.
    """

    format: Literal["onnx", "openvino-ir"] = "onnx"
    main: str
    files: tuple[FileEntry, ...]
    precision: str = "fp32"
    settings: dict[str, JsonValue] = {}
    runtimes: tuple[str, ...] | None = None
    steps: tuple[RecipeStep, ...] = ()
    notes: tuple[Text, ...] = ()
    torch_program: str | None = None
    weights_kept: bool = True

    @property
    def size_bytes(self) -> int:
        """Return the size of all files that belong to the model itself."""
        return sum(entry.size_bytes for entry in self.files)


class Recipe(Frozen):
    """One planned version: the techniques to apply in order, and the runtime of the result.

    With `only_if_failed` it runs only if each of these recipes that ran failed, or changed predictions without proven
    safety. With `only_if_faster` (better predictions at no more speed) it runs only if one of these was faster than the
    best version that may be recommended by then. Both name recipes by `id`, which stays when the user changes the
    title; recipes without an id get their title as `id`. `title_when` holds other titles by the planner's change
    (`Fitted.changed`). `elsewhere` is the origin of a model made elsewhere; such a recipe has no steps.
    """

    title: Text
    id: str = ""
    steps: tuple[RecipeStep, ...] = ()
    runtime: str = "onnxruntime-cpu"
    settings: dict[str, JsonValue] = {}
    why: Text = ""
    only_if_failed: tuple[str, ...] = ()
    only_if_faster: tuple[str, ...] = ()
    title_when: dict[str, str] = {}
    elsewhere: Elsewhere | None = None

    @property
    def runs_original_files(self) -> bool:
        """Return whether the recipe runs the original's own files."""
        return not self.steps and self.elsewhere is None

    @model_validator(mode="before")
    @classmethod
    def _with_id(cls, values: Any) -> Any:
        """Use the title as id for recipes of version 0.1.0 and short recipes that users write."""
        if isinstance(values, dict) and not values.get("id") and "title" in values:
            return {**values, "id": values["title"]}
        return values


InputKind = Literal["image", "text", "audio", "array"]
"""Kind of data that a model's main input is prepared from (`kind` of `Preprocess`)."""


class Described(Frozen):
    """One row of `fettle describe`; `params_schema` is the JSON schema of the parameters, if any.

    `for_inputs`: input kinds that a technique supports, () for all. `hint`: why it is not available, or the command
    that installs it; `installs` then names the installer's set that holds it.
    """

    id: str
    title: Text
    available: bool
    hint: Text = ""
    installs: OptionalSet | None = None
    summary: Text = ""
    version: int | None = None
    params_schema: dict[str, JsonValue] | None = None
    group: str = ""
    for_inputs: tuple[InputKind, ...] = ()
    traits: tuple[str, ...] = ()


class Stage(Frozen):
    """A part of longer work: progress is reported by its `id`, users see `title`."""

    id: str
    title: Text


class Question(Frozen):
    """A target's question to the user; `hint` is the placeholder, `needed` questions must have an answer."""

    id: str
    title: Text
    hint: Text = ""
    needed: bool = False


class DescribedTarget(Described):
    """An export target with its questions, its progress stages, and its commands with the heading `how_to_run`.

    `suffix` is the end of the file name; the file is always a zip archive. `runtimes` and `settings` limit the versions
    it can take. `pushed_to` is the question for a repository, `switch` the command that gives a running one another
    bundle. `falls_back`: bundles may hold the original as a fallback (see `TargetSpec`).
    """

    suffix: str = ".zip"
    icon: str = "package"
    stages: tuple[Stage, ...] = ()
    questions: tuple[Question, ...] = ()
    how_to_run: Text = ""
    runtimes: tuple[str, ...] = ()
    settings: tuple[str, ...] | None = None
    pushed_to: str = ""
    switch: str = ""
    falls_back: bool = False


P99_NEEDS = 299
"""Minimum number of samples that bound a 99th percentile with 95 % confidence (1 − .99²⁹⁹ = .95)."""


class LatencySummary(Frozen):
    """Milliseconds of single requests; `p99_ms` is absent under `P99_NEEDS` samples, `mean_ms` in older records."""

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
    """One part of the test set, compared with the original; shares are 0..1.

    `kind` is the common property: class, brightness, blur, size, length, loudness, language, or column (the user's
    own). `drop` is the loss of accuracy, or without labels the share of changed predictions (of similarity if they are
    no classes). `p_holm` (the gate) and `p_display` (Benjamini-Hochberg) are adjusted p-values: of the exact McNemar
    test with labels, else of a test that a quarter of the predictions changed. `judged`: enough predictions changed.
    """

    name: Text
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
    """Quality of both models at their task, by one measure, on the same `n` examples.

    `unit`: shares are 0..1. `against` "labels": both were scored by the truth, `low` and `high` are the 95 % interval
    (paired bootstrap over examples) of optimized − original. "original": without labels the optimized predictions were
    scored by the original's, `original` is None, and the interval is that of `optimized`.
    """

    id: str
    task: str
    title: Text
    meaning: Text
    unit: Literal["share", "number", "dB"] = "share"
    higher_is_better: bool = True
    against: Literal["labels", "original"]
    n: int
    original: float | None = None
    optimized: float
    low: float | None = None
    high: float | None = None
    parts: tuple[ScorePart, ...] = ()


OLDER_RULE = mark("It was judged by an older rule, which proves nothing for such results: run it again.")


class Judgement(Frozen):
    """Judgement of one variant against the original, on the same `n` test inputs that count (docs/evaluation.md).

    `rule` 2 counts every kind of result (`task` is the proof task's id) as changed or not, at the one-sided `level`.
    Rule 1 compared whole outputs by cosine if there were no classes, which proved nothing. `n_labelled` of the inputs
    have labels: accuracies are shares of these, and if they decide (`labelled`) so are `flips`, `negative_flips` and
    `drop`; `agreement`, `changed` and `changed_count` cover all. Older judgements lack this number. Shares are 0..1.
    `accuracy*` are None without labels. `agreement` is the share of unchanged results, `changed_high` the exact upper
    bound of the changed share, at `level`; `similarity` and `similarity_min` are similarities of results that are more
    than equal or not. `drop_low`/`drop_high` are one-sided bounds of the judged loss (of accuracy or a score with
    labels, of changed results without). A proof needs `missing_examples` more inputs, besides `n_unasked` existing ones
    that were not evaluated yet. `changed` holds item numbers of changed results, worst first, at most 1,000;
    `beside_changed` those of Fettle's own items. `slices` holds the worst 50 parts of the test set, worst first. If
    positions within items are counted (next tokens of texts), `units` is their number, `units_changed` that of changed
    ones; shares are of these. `scores` are measures of the task, the most important first. `reasons` are the `notes`
    that prevent a safe verdict. `identical`: all predictions are bitwise equal. `far_beyond`: the loss is too large to
    be judged safe by chance.
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
    worst_slice: Text | None = None
    worst_slice_drop: float | None = None
    kl_mean: float | None = None
    ece_change: float | None = None
    units: int | None = None
    units_changed: int | None = None
    slices: tuple[SliceDrop, ...] = ()
    scores: tuple[TaskScore, ...] = ()
    notes: tuple[Text, ...] = ()
    reasons: tuple[Text, ...] = ()
    identical: bool = False
    far_beyond: bool = False

    @model_validator(mode="before")
    @classmethod
    def _of_rule_1(cls, given: Any) -> Any:
        """Convert records of rule 1, which compared whole outputs by cosine; even a blind detector passes that."""
        if not isinstance(given, dict) or "agreement_min" not in given:
            return given
        kept = {name: value for name, value in given.items() if name not in ("agreement_min", "unproven")}
        if kept.get("flips") is None and kept["verdict"] in ("safe", "not_enough_data"):
            notes = (OLDER_RULE, *kept.get("notes", ()))
            kept |= {"verdict": "not_enough_data", "n": 0, "agreement": None, "missing_examples": None, "notes": notes}
        return {**kept, "rule": 1}

    @property
    def changed_share(self) -> float | None:
        """Return the share of results that differ for a user, 0..1."""
        return None if self.agreement is None else 1 - self.agreement

    @property
    def n_accuracy(self) -> int:
        """Return the number of examples behind the accuracies."""
        return self.n if self.n_labelled is None else self.n_labelled

    @property
    def n_drop(self) -> int:
        """Return the number of examples behind `flips`, `negative_flips` and `drop`."""
        return self.n_accuracy if self.labelled else self.n


class DeviceFacts(Frozen):
    """The computer as planner and manifest need it.

    `architectures` are those of its GPUs (``sm89``), in order. `lacks_avx2` marks an x86 processor without AVX2.
    """

    processor: str
    cores: int
    memory_bytes: int
    features: tuple[str, ...] = Field(
        default=(), description="avx2, avx512, avx512_bf16, avx512_vnni, amx_bf16, amx_int8, …"
    )
    gpus: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    lacks_avx2: bool = False
    os: str = ""
    power: PowerFacts = PowerFacts()
