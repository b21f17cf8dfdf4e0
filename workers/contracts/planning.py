"""Facts that decide whether a recipe is tried (model, computer, run), and typed reasons why it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from workers.contracts.base import Frozen
from workers.contracts.specs import DeviceFacts, Recipe
from workers.contracts.text import Text
from workers.contracts.translation import mark

Trait = Literal["speed", "size", "exact", "quick", "batches", "int8", "bf16", "fp16"]
"""Properties of a technique.

`speed`, `size`: requests take less time, the file is smaller. `exact`: numbers and predictions stay the same. `quick`:
takes seconds, without training and without measuring many versions. `batches`: accepts requests of any number of items.
`int8`, `bf16`, `fp16`: computes with such numbers.
"""

Arithmetic = Literal["fp32", "bf16", "int8"]
"""Number formats for which some processors have special instructions."""


class Reason(Frozen):
    """Why something is not tried.

    Attributes:
        code: For programs; runs of earlier versions have no codes.
        text: One sentence from the technique, the runtime or the planner.
    """

    code: str
    text: Text


class Dropped(Frozen):
    """One recipe or technique that was not tried; `id` is empty in runs of earlier versions."""

    title: Text
    reason: Reason
    id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, values: Any) -> Any:
        """Convert the pairs (title, sentence) of version 0.1.0."""
        if isinstance(values, Sequence) and not isinstance(values, str) and len(values) == 2:
            return {"title": values[0], "reason": {"code": "", "text": values[1]}}
        return values


class TechniqueFacts(Frozen):
    """Facts about a technique that takes part in a plan."""

    id: str
    title: Text
    traits: tuple[Trait, ...] = ()


class Instructions(Frozen):
    """One instruction set of this processor: its name in `DeviceFacts.features`, its title, and its arithmetic."""

    name: str
    title: Text
    arithmetic: Arithmetic


class ByTraits(Frozen):
    """Techniques that a preset tries by their traits: those with all `traits` that none of its recipes names.

    Each becomes one recipe, at the place of its own `order`, in the first of the `families` of runtimes that it
    supports.

    Attributes:
        after: Techniques applied before it, if they support that runtime, too.
        settings: Settings of the runtime.
    """

    traits: tuple[Trait, ...] = Field(min_length=1)
    families: tuple[str, ...] = Field(min_length=1)
    after: tuple[str, ...] = ()
    settings: dict[str, JsonValue] = {}


class PlanParams(Frozen):
    """Parameters of the kind ``plan``: choose the recipes to try on this computer and their order.

    Attributes:
        data_dir: Data for timing a small model on a real input; without it the input is zeros.
        time_budget_s: Time of the whole run; the search for useful recipes takes a small part of it.
        by_traits: Techniques that the preset tries without naming them.
        techniques: Available techniques with their versions; a change leads to another plan.
        build_for: Architectures (``sm89``) of GPUs elsewhere that engines are built for; () for the GPU here.
    """

    model_dir: str
    device: DeviceFacts
    preset_steps: tuple[Recipe, ...]
    has_calibration: bool
    runtimes: tuple[str, ...]
    data_dir: str | None = None
    time_budget_s: float | None = None
    by_traits: tuple[ByTraits, ...] = ()
    techniques: tuple[str, ...] = ()
    build_for: tuple[str, ...] = ()


class PlanResult(Frozen):
    """Result of the kind ``plan``.

    Attributes:
        techniques: Techniques of the recipes; () in runs of earlier versions.
        instructions: Instruction sets of the processor; () in runs of earlier versions.
    """

    baseline: Recipe
    candidates: tuple[Recipe, ...]
    dropped: tuple[Dropped, ...] = ()
    techniques: tuple[TechniqueFacts, ...] = ()
    instructions: tuple[Instructions, ...] = ()


@dataclass(frozen=True)
class ModelFacts:
    """Facts about a model for the planner.

    Attributes:
        products: Number of layers with fixed weights that are matrix products.
        convolutions: Number of convolutions with fixed weights.
        depthwise: Number of convolutions of one channel each.
        free_sizes: Any input size is open.
        branches: The graph holds an If.
        classic: The graph holds operators of ai.onnx.ml, such as trees.
        constants: Inputs that always have one value.
        weight_bytes: Size of all weights.
        nodes: Number of all operators.
        light: Number of operators that compute element by element or over an axis.
        biased: Number of layers with a bias, or with an operand that becomes one.
        classes: A prediction is one class out of several, and single items can be evaluated again.
        masked_texts: Texts of any length come with a mask.
        smoothable: Number of inner values that are normalized over their last axis and then multiplied with weights.
        input_kind: Kind of data that the main input is prepared from; "" if unknown.
        format: Format of the artifact.
        runtime: Runtime of the original.
    """

    products: int
    precision: str
    weight_bytes: int
    convolutions: int = 0
    depthwise: int = 0
    free_sizes: bool = False
    branches: bool = False
    classic: bool = False
    constants: tuple[str, ...] = ()
    stateful: bool = False
    has_torch: bool = False
    nodes: int = 0
    light: int = 0
    biased: int = 0
    classes: bool = False
    masked_texts: bool = False
    smoothable: int = 0
    input_kind: str = ""
    format: str = "onnx"
    runtime: str = "onnxruntime-cpu"

    @property
    def dense(self) -> int:
        """Return the number of layers that 8-bit instructions can speed up."""
        return self.products + self.convolutions - self.depthwise


@dataclass(frozen=True)
class Situation:
    """All facts that decide about a recipe.

    Attributes:
        fast: Number formats that this processor has instructions for.
        probe_ms: First latency reading of the original; None if unknown.
        unavailable: Techniques whose library is not installed, with a sentence that says where it is installed.
        time_budget_s: Time of the whole run; None means no limit.
        architectures: Architectures (``sm89``) of this computer's GPUs, or those that engines are built for.
    """

    model: ModelFacts
    device: DeviceFacts
    runtimes: tuple[str, ...]
    has_calibration: bool
    fast: frozenset[Arithmetic] = frozenset()
    probe_ms: float | None = None
    unavailable: Mapping[str, str] = field(default_factory=dict)
    time_budget_s: float | None = None
    architectures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fitted:
    """A step's parameters, adapted to this model and computer.

    Attributes:
        changed: Code of a change that the user should know; a recipe may have another title for it
            (`Recipe.title_when`).
        words: The change as a sentence.
    """

    params: Mapping[str, JsonValue]
    changed: str = ""
    words: str = ""


NO_EXAMPLES = Reason(code="no_examples", text=mark("It needs examples to learn from, and there are none."))
NO_LIBRARY, NO_RUNTIME, NOT_FOR_RUNTIME, NOT_FOR_INPUT = "no_library", "no_runtime", "not_for_runtime", "not_for_input"
NOT_FOR_FORMAT = "not_for_format"
IN_8_BITS = Reason(code="in_8_bits", text=mark("The model is stored in 8 bits already."))
