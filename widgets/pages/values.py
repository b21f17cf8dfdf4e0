"""What the pages Model, Data and Goal show: frozen, raw numbers in SI units; the pages round them."""

from dataclasses import dataclass, field
from typing import Any, Literal

from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue

DataKind = Literal["images", "texts", "arrays", "audio"]


# -- Model --
@dataclass(frozen=True)
class SampleValue:
    """The built-in sample: a sentence or two about it, up to ten pictures, the seconds it takes."""

    about: str
    seconds: float
    pictures: tuple[PictureValue, ...] = ()


@dataclass(frozen=True)
class ImageStepsValue:
    """The picture steps of a pipeline (ImageSteps of the contracts). Sizes in pixels: one, or (height, width)."""

    resize: int | tuple[int, int] | None = None
    crop: int | tuple[int, int] | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    range: Literal["0..1", "0..255"] = "0..1"
    channels: Literal["rgb", "bgr", "gray"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"


@dataclass(frozen=True)
class PreprocessValue:
    """`image` for models that take pictures, else `rows` of (name, value). `guessed` names fields or rows."""

    image: ImageStepsValue | None = None
    rows: tuple[tuple[str, str], ...] = ()
    guessed: frozenset[str] = frozenset()
    source: str = ""  # where it was found, in words: "from the model's own files"


@dataclass(frozen=True)
class FindingValue:
    """What a check found: `ok`, `warn` or `bad`, in a sentence."""

    level: Literal["ok", "warn", "bad"]
    what: str
    result: str = ""


@dataclass(frozen=True)
class ModelValue:
    """An opened model. `takes_in` and `gives_back` are words: "a picture, 224 × 224"; so is `does`."""

    name: str
    takes_in: str
    gives_back: str
    size_bytes: int
    parameters: int
    format: str
    does: str = ""
    license: str = ""
    origin: str = ""
    architecture: str = ""
    findings: tuple[FindingValue, ...] = ()
    preprocess: PreprocessValue | None = None
    classes: tuple[str, ...] = ()
    can_continue: bool = True


@dataclass(frozen=True)
class ShapeQuestionValue:
    """Inputs whose size the model does not say: (name, sizes; None where free)."""

    inputs: tuple[tuple[str, tuple[int | None, ...]], ...]
    example: str = ""


# -- Data --
@dataclass(frozen=True)
class DataAskValue:
    """What the model wants: pictures, texts, arrays or sounds, and what can be measured without them."""

    kind: DataKind = "images"
    model_name: str = ""


@dataclass(frozen=True)
class ColumnsValue:
    """A table of texts: its columns, and which were taken for text and label ("" for none)."""

    names: tuple[str, ...]
    text: str
    label: str = ""


@dataclass(frozen=True)
class DataValue:
    """A data set that was read. `source` is the dropped folder or file, `labels_from` words for where labels were.

    `n_merged` of the `n_items` are the same to the model as others and count once with them. `earlier` is the name of
    the set that it replaced, "" for none.
    """

    kind: DataKind
    n_items: int
    n_test: int
    n_calibration: int
    source: str = ""
    labelled: bool = False
    labels_from: str = ""
    class_counts: tuple[tuple[str, int], ...] = ()
    previews: tuple[tuple[PictureValue, str], ...] = ()
    checks: tuple[CheckValue, ...] = ()
    note: str = ""
    columns: ColumnsValue | None = None
    unknown_labels: tuple[str, ...] = ()
    model_classes: tuple[str, ...] = ()
    made: bool = False
    earlier: str = ""
    n_merged: int = 0


# -- Goal --
@dataclass(frozen=True)
class PresetValue:
    """One card. `expect` is words ("2 to 4 times faster"), `problem` says why it cannot be used: file and line.

    `how_long` is words ("about 1 minute"); without them `seconds` says it.
    """

    id: str
    title: str
    text: str
    expect: str
    seconds: float
    icon: str = "target"
    limit_pct: float = 1.0
    problem: str = ""
    how_long: str = ""


@dataclass(frozen=True)
class TechniqueValue:
    """A technique that may stand in a recipe; `schema` is the JSON schema of its parameters."""

    id: str
    title: str
    summary: str
    schema: dict[str, Any] = field(default_factory=dict, hash=False)
    available: bool = True
    hint: str = ""


@dataclass(frozen=True)
class StepValue:
    """A technique with its parameters."""

    technique: str
    params: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class RecipeValue:
    """One version to try: its steps in order and what runs it."""

    title: str
    steps: tuple[StepValue, ...]
    runtime: str
    enabled: bool = True
    key: str = ""  # which recipe of the preset it is; empty for one that was added by hand


@dataclass(frozen=True)
class BudgetValue:
    """The other limits; None where none is set."""

    latency_ms: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class GoalValue:
    """`n_test` and `accuracy` (0..1, the original's) put the limit into examples. `budget` None hides that card.

    `expected` says how long a run with the chosen preset will likely take here, "" where that cannot be said yet.
    """

    presets: tuple[PresetValue, ...]
    chosen: str
    limit_pct: float
    n_test: int = 0
    labelled: bool = False
    accuracy: float | None = None
    kind: DataKind = "images"
    budget: BudgetValue | None = None
    recipes: tuple[RecipeValue, ...] = ()
    techniques: tuple[TechniqueValue, ...] = ()
    runtimes: tuple[tuple[str, str], ...] = ()  # id, title
    can_start: bool = True
    why_not: str = ""
    expected: str = ""
