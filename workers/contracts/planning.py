"""What decides whether something is tried: the model, the machine and the run; and, typed, why it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from workers.contracts.base import Frozen
from workers.contracts.specs import DeviceFacts, Recipe

Trait = Literal["speed", "size", "exact", "quick", "batches", "int8", "bf16", "fp16"]
"""What a technique is about. `speed`, `size`: requests take less time, the file is smaller. `exact`: the numbers stay,
and so do the answers. `quick`: made in seconds, without learning and without measuring many versions. `batches`: takes
requests of any number of items. `int8`, `bf16`, `fp16`: computes with such numbers."""

Arithmetic = Literal["fp32", "bf16", "int8"]
"""Kinds of numbers that some processors have instructions of their own for."""


class Reason(Frozen):
    """Why something is not tried: `code` is for programs, `text` one sentence of whoever knows it (a technique, a
    runtime, the planner). Runs of earlier versions have no codes.
    """

    code: str
    text: str


class Dropped(Frozen):
    """One recipe, or one technique, that was not tried. `id` is empty in runs of earlier versions."""

    title: str
    reason: Reason
    id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, values: Any) -> Any:
        """Version 0.1.0 kept (title, sentence)."""
        if isinstance(values, Sequence) and not isinstance(values, str) and len(values) == 2:
            return {"title": values[0], "reason": {"code": "", "text": values[1]}}
        return values


class TechniqueFacts(Frozen):
    """What is told of a technique that takes part in a plan."""

    id: str
    title: str
    traits: tuple[Trait, ...] = ()


class Instructions(Frozen):
    """One set of instructions of this processor: its name in `DeviceFacts.features`, for people, and what it is for."""

    name: str
    title: str
    arithmetic: Arithmetic


class ByTraits(Frozen):
    """Techniques that a preset tries by what they are: those with all `traits` that none of its recipes names.

    Each becomes one recipe, at the place that its own `order` says, in the first of the `families` of runtimes that it
    is for. `after` are techniques that go before it where they are for that runtime too, `settings` the runtime's.
    """

    traits: tuple[Trait, ...] = Field(min_length=1)
    families: tuple[str, ...] = Field(min_length=1)
    after: tuple[str, ...] = ()
    settings: dict[str, JsonValue] = {}


class PlanParams(Frozen):
    """kind ``plan``: which candidates to try in which order on this machine.

    With `data_dir` a small model is timed on a real input, else on zeros. `time_budget_s` is the whole run's: looking
    for what pays takes a small part of it. `by_traits` are techniques that the preset tries without naming them.
    `techniques` are the available ones with their versions: where there are others, another plan is made.
    `build_for` names architectures (``sm89``) of cards elsewhere that engines are built for; () for the card here.
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
    """`techniques` are those of the candidates, `instructions` the processor's; () in runs of earlier versions."""

    baseline: Recipe
    candidates: tuple[Recipe, ...]
    dropped: tuple[Dropped, ...] = ()
    techniques: tuple[TechniqueFacts, ...] = ()
    instructions: tuple[Instructions, ...] = ()


@dataclass(frozen=True)
class ModelFacts:
    """`products` and `convolutions` count layers with fixed weights, `depthwise` convolutions of one channel each.

    `free_sizes` tells whether any input size is open, `constants` which inputs always have one value, `branches`
    whether the graph holds an If. `weight_bytes` counts all weights, `nodes` all operators, `light` those that
    compute number by number or over an axis. `biased` counts layers with a bias, or with what becomes one. `classes`
    tells whether an answer is one class out of several and single ones can be asked again, `masked_texts` whether texts
    of any length come with a mask. `smoothable` counts inner values that are normalized over their last axis and then
    multiplied with weights. `input_kind` is what the main input is prepared from, "" where it is not known. `format` is
    the artifact's, `runtime` what runs the original.
    """

    products: int
    convolutions: int
    depthwise: int
    free_sizes: bool
    branches: bool
    constants: tuple[str, ...]
    stateful: bool
    has_torch: bool
    precision: str
    weight_bytes: int
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
        """Layers that 8-bit instructions can speed up."""
        return self.products + self.convolutions - self.depthwise


@dataclass(frozen=True)
class Situation:
    """Everything that decides about a recipe. `probe_ms` is the original's first reading, None where unknown.

    `fast` are the kinds of numbers that this processor has instructions for. `unavailable` maps techniques whose
    library is not installed to what installs it. `time_budget_s` is the whole run's, None without an end.
    `architectures` are those of the cards in question (``sm89``): this machine's, or those that engines are built for.
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
    """A step's parameters for this model and machine. `changed` names what a person should know of the change, as a
    code (a recipe may have another title for it, `Recipe.title_when`), `words` says it in a sentence.
    """

    params: Mapping[str, JsonValue]
    changed: str = ""
    words: str = ""


NO_EXAMPLES = Reason(code="no_examples", text="It needs examples to learn from, and there are none.")
NO_LIBRARY, NO_RUNTIME, NOT_FOR_RUNTIME, NOT_FOR_INPUT = "no_library", "no_runtime", "not_for_runtime", "not_for_input"
NOT_FOR_FORMAT = "not_for_format"
IN_8_BITS = Reason(code="in_8_bits", text="The model is stored in 8 bits already.")
