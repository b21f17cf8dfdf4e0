"""Contracts of the job kinds ``diff`` and ``explain``: what changed between two models, and why."""

from collections import Counter
from typing import Literal

from pydantic import Field, JsonValue

from workers.contracts.base import Frozen, PathText
from workers.contracts.specs import RunParams
from workers.contracts.text import Text

Status = Literal["unchanged", "fused", "removed", "added", "rounded", "replaced", "unmatched"]
"""What became of one operator.

`unchanged`: the same operator with the same weights and number types. `fused`: part of another operator of the second
model. `removed`: the second model computes the same without it. `added`: only the second model has it. `rounded`: the
same operator with numbers of fewer bits. `replaced`: another operator or other weights in its place. `unmatched`: it
is not known which operator corresponds to it.
"""

CauseCode = Literal[
    "channel_order", "scale", "mean_std", "resize_mode", "layout", "softmax", "class_order", "training_mode",
    "padding_side", "lower_case", "sample_rate", "weights", "rounding",
]  # fmt: skip
"""Codes of `fettle explain`: what makes two models or an expected output differ."""


class Layer(Frozen):
    """One layer as the engine runs it; the engine may fuse several operators of the file into one.

    Attributes:
        ms: The lower quartile of a few runs, in milliseconds.
        precision: Number format of its computation ("f32", "bf16", "int8", …); "" if the engine does not report it.
        origins: Names of the file's operators that it computes, if the engine reports them.
        kernel: The engine's name of the implementation that ran ("brgconv_avx512_bf16", "ref_any_f32"); "" if unknown.
        parallel: Whether its work was split over threads; None if the engine does not report it.
        values: Number of values of its first output in this request; None if unknown.
    """

    name: str
    kind: str
    ms: float = Field(ge=0)
    precision: str = ""
    origins: tuple[str, ...] = ()
    kernel: str = ""
    parallel: bool | None = None
    values: int | None = None


class DiffParams(Frozen):
    """Parameters of the kind ``diff``: compare the graphs of two opened models.

    Attributes:
        first: The model to compare with, as a folder that Fettle wrote, with its runtime and settings. Its `data_dir`
            holds prepared examples for errors and times by node; "" compares the graphs alone.
        second: The other model, with the same examples as it needs them.
        brief: Leave out the time of each operator and the picture.
    """

    first: RunParams
    second: RunParams
    brief: bool = False


class Histograms(Frozen):
    """How often the values of an operator's first output occur in both models, for one example.

    Attributes:
        low: Lower end of the range of both models' finite values; `high` is the upper end.
        a: Counts of the first model's values in equal parts of the range; `b` are the second model's.
    """

    low: float
    high: float
    a: tuple[int, ...]
    b: tuple[int, ...]


class ChangedNode(Frozen):
    """One operator of the first model, of the second, or of both.

    Attributes:
        a: Name of the operator in the first model; None if only the second has it.
        b: Name of the operator of the second model that computes the same; for a fused one, the operator that it is
            part of.
        value_b: Name of the second model's value that is the first output of `a`, where `b` gives it only after
            operators were added behind it (scales of whole numbers, a bias); "" for the first output of `b`.
        op: Kind of the operator in the first model, else in the second.
        op_b: Kind of the operator in the second model; "" if it has none.
        shape: Sizes of its first output in the first model, else in the second; None for a free size.
        dtype_a: Number type of its weights, else of its first output ("f32", "bf16", "f16", "int8", "int4", "i64", …).
        error: Root of the mean squared difference of its first output over both models, divided by the root of the
            mean square of the first model's; infinite values and NaN count as `nan` below.
        nan: Which models gave values that are not finite: "", "a", "b" or "both".
        histograms: Values of its first output in both models; None if they were not compared.
        ms_a: Milliseconds in the first model. A fused layer's time is on its first operator.
        kernel_a: The engine's name of the implementation that ran.
        weight_bytes_a: Stored bytes of its weights.
    """

    a: str | None
    b: str | None
    op: str
    status: Status
    op_b: str = ""
    value_b: str = ""
    shape: tuple[int | None, ...] | None = None
    dtype_a: str | None = None
    dtype_b: str | None = None
    error: float | None = None
    nan: Literal["", "a", "b", "both"] = ""
    histograms: Histograms | None = None
    ms_a: float | None = None
    ms_b: float | None = None
    kernel_a: str | None = None
    kernel_b: str | None = None
    weight_bytes_a: int = 0
    weight_bytes_b: int = 0


class Reason(Frozen):
    """Why the second model is faster, slower or otherwise different, from measured facts.

    Attributes:
        code: Code of the rule that found it.
        text: One sentence for the user.
        advice: What would help; "" if nothing is to do.
        nodes: Names of the operators that it is about, of the second model where it has them.
        saved_ms: Milliseconds that it saves in one request; negative if it costs them, None if not timed.
    """

    code: str
    text: Text
    advice: Text = ""
    nodes: tuple[str, ...] = ()
    saved_ms: float | None = None


class Box(Frozen):
    """One box of the picture: an operator, or a folded block of several.

    Attributes:
        title: Words inside.
        nodes: Positions in `DiffResult.nodes`.
        x: Left edge in pixels; `y` is the top edge.
        repeats: How many equal blocks are folded into it; 1 for one.
    """

    title: str
    nodes: tuple[int, ...]
    x: float
    y: float
    width: float
    height: float
    repeats: int = 1


class Level(Frozen):
    """One level of detail of the picture.

    Attributes:
        routes: The line of each connection as x and y of its points in turn, in pixels.
    """

    boxes: tuple[Box, ...]
    routes: tuple[tuple[float, ...], ...] = ()


class DiffResult(Frozen):
    """Result of the kind ``diff``.

    Attributes:
        nodes: Operators in the order of execution, of the first model where it has them.
        reasons: Explanations, the most important first.
        first_different: Position in `nodes` of the operator where the difference first exceeds rounding; an operator
            with values that are not finite in one model comes first.
        difference: Why inner values differ, from their errors: the code is "weights", "rounding", "not_finite",
            or "operator" if the reason is not known.
        n_items: Number of examples whose inner values were compared.
        notes: What could not be compared, and why.
        levels: Levels of detail, the coarsest first; empty if not drawn.
    """

    nodes: tuple[ChangedNode, ...]
    reasons: tuple[Reason, ...] = ()
    first_different: int | None = None
    difference: Reason | None = None
    n_items: int = 0
    notes: tuple[Text, ...] = ()
    levels: tuple[Level, ...] = ()

    @property
    def first_node(self) -> ChangedNode | None:
        """Return the operator where the difference first exceeds rounding; None if there is none."""
        return None if self.first_different is None else self.nodes[self.first_different]

    @property
    def counts(self) -> Counter[Status]:
        """Return the number of operators of each status."""
        return Counter(node.status for node in self.nodes)


class ExplainParams(Frozen):
    """Parameters of the kind ``explain``: find why two models, or a model and expected outputs, differ.

    Attributes:
        first: The opened model that is right.
        second: The other opened model; None with `expected`.
        expected: A file of expected outputs (NPZ, CSV or JSON Lines).
        data_path: The user's examples as given, because other preparations are tried on them.
        text_column: The column with the texts of a table; None means that it is found.
        max_items: Maximum number of examples.
    """

    first: RunParams
    second: RunParams | None = None
    expected: PathText | None = None
    data_path: PathText
    text_column: str | None = None
    max_items: int = Field(default=32, ge=1, le=1000)


class Cause(Frozen):
    """One usual difference that was found.

    Attributes:
        parameter: The setting in question ("mean", "channels", …).
        before: Its value in the second model or the expected outputs; `after` is the one that makes both agree.
        share_differing_after: Share of examples that still differ with it, 0..1.
        text: One sentence for the user.
    """

    code: CauseCode
    parameter: str
    before: JsonValue
    after: JsonValue
    share_differing_after: float
    text: Text


class ExplainResult(Frozen):
    """Result of the kind ``explain``.

    Attributes:
        agree: Whether both agree as they are, by the rule of the kind of result.
        share_differing: Share of examples that differ, 0..1.
        causes: Causes that together make both agree; empty if none was found.
        diff: Comparison of both graphs with errors, if no usual difference explains everything.
        n_items: Number of compared examples.
        tried: Number of alternatives that were tried.
    """

    agree: bool
    share_differing: float
    causes: tuple[Cause, ...] = ()
    diff: DiffResult | None = None
    n_items: int = 0
    tried: int = 0
    notes: tuple[Text, ...] = ()
