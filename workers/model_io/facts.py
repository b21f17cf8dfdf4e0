"""Define the facts about a model before its pipeline is written: from its graph and from the files beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from workers.contracts.specs import Finding, TensorSpec
from workers.pipeline.spec import AnswerKind, Generation, PipelineInput, PipelineOutput, Preprocess, Task


@dataclass(frozen=True)
class ModelFacts:
    """Parts of the pipeline that the model's own files state; None means that they do not.

    `width` is the size of the vectors that the model computes with. `is_classifier`: its head outputs classes.
    `characters` are lists of characters beside the model, one of which may belong to it. `behind` and `points` describe
    the columns behind a detector's scores (`BoxesSteps`) and the number of key points.
    """

    task: Task | None = None
    preprocess: Preprocess | None = None
    classes: tuple[str, ...] | None = None
    characters: tuple[tuple[str, ...], ...] = ()
    scores: Literal["logits", "probabilities"] | None = None
    answer_kind: AnswerKind | None = None
    is_classifier: bool | None = None
    width: int | None = None
    behind: Literal["nothing", "angle", "points", "seen_points"] = "nothing"
    points: int = 0
    pooling: Literal["none", "mean", "cls"] | None = None
    normalize: bool | None = None
    tokenizer: Path | None = None
    max_length: int | None = None
    generation: Generation | None = None
    license: str | None = None
    architecture: str | None = None
    guessed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def or_else(self, other: "ModelFacts") -> "ModelFacts":
        """Return these facts, completed by those of `other`, with findings and guesses of both."""
        values: dict[str, Any] = {}
        for entry in fields(self):
            mine, theirs = getattr(self, entry.name), getattr(other, entry.name)
            if entry.name in ("findings", "guessed"):
                values[entry.name] = mine + tuple(item for item in theirs if item not in mine)
            else:
                values[entry.name] = theirs if mine == entry.default else mine
        return ModelFacts(**values)


@dataclass(frozen=True)
class Graph:
    """Facts about a graph.

    `weight_bytes` counts all constants, `parameters` the numbers in weights. `implied` holds the sizes of inputs whose
    shape the file does not state, as their first layer requires them.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: int = 0
    weight_bytes: int = 0
    opset: int | None = None
    quantized: bool = False
    precision: str = "fp32"
    metadata: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    implied: dict[str, tuple[int | None, ...]] = field(default_factory=dict)


def tensor_specs(entries: Iterable[PipelineInput | PipelineOutput]) -> tuple[TensorSpec, ...]:
    """Return name, shape and dtype of the inputs or outputs of a description."""
    return tuple(TensorSpec(name=entry.name, shape=entry.shape, dtype=entry.dtype) for entry in entries)


def info(what: str, code: str = "") -> Finding:
    """Create a finding for information."""
    return Finding(level="info", what=what, code=code)


def warning(what: str) -> Finding:
    """Create a finding that warns."""
    return Finding(level="warning", what=what)


def danger(what: str) -> Finding:
    """Create a finding about a danger."""
    return Finding(level="danger", what=what)
