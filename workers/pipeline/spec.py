"""`pipeline.json` as plain dataclasses, read without pydantic, because this package is copied into bundles.

The checked form for the program's boundaries is `PipelineSpec` of the contracts; both have the same fields.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

PIPELINE_FILE = "pipeline.json"

Size = int | tuple[int, int] | None
_T = TypeVar("_T")


class PipelineError(ValueError):
    """An input does not fit the model, or cannot be read. The text is a whole sentence for the person."""


PARSER_ERRORS = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    SyntaxError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What libraries raise where a file is damaged: whatever their parsers meet."""


@dataclass(frozen=True)
class Input:
    """One input of the model. `shape` holds None where any size goes; `batch_axis` counts items if `batched`."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    source: str
    meaning: str = ""
    optional: bool = False
    constant: float | int | None = None
    batched: bool = True
    batch_axis: int = 0


@dataclass(frozen=True)
class Output:
    """One output of the model. The one with `answer` is what people read."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] = ()
    meaning: str = ""
    answer: bool = False
    batch_axis: int = 0


@dataclass(frozen=True)
class ImageSteps:
    """resize → center crop → channels → range → (x − mean) / std → layout. Sizes are (height, width).

    With `pixels` the model does all after the crop itself and takes 8-bit pixels; with `letterbox` the picture keeps
    its proportions inside the frame of `resize`.
    """

    resize: Size = None
    crop: Size = None
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    range: str = "0..1"
    channels: str = "rgb"
    layout: str = "nchw"
    pixels: bool = False
    letterbox: bool = False


@dataclass(frozen=True)
class TextSteps:
    """Tokens by the tokenizer file beside `pipeline.json`, cut at `max_length`."""

    tokenizer: str = "tokenizer.json"
    max_length: int = 512
    lowercase: bool = False
    special_tokens: bool = True


@dataclass(frozen=True)
class AudioSteps:
    """Mono float32 in −1..1, times `scale`; frames of `frame_samples` new samples after `context_samples` old
    ones; 0: the whole sound."""

    sample_rate_hz: int = 16_000
    frame_samples: int = 512
    context_samples: int = 0
    scale: float = 1.0
    carry_state: bool = True


@dataclass(frozen=True)
class ArraySteps:
    """Arrays are cast to the input's dtype, after `order`, `swap`, `scale` and `offset` (see the contract)."""

    scale: float = 1.0
    offset: float = 0.0
    order: str = "same"
    swap: tuple[float, float] | None = None


Steps = ImageSteps | TextSteps | AudioSteps | ArraySteps
_STEPS: dict[str, type[Any]] = {
    "image": ImageSteps,
    "text": TextSteps,
    "audio": AudioSteps,
    "array": ArraySteps,
}


@dataclass(frozen=True)
class BoxesSteps:
    """How boxes come out of a detector's outputs (see the contract)."""

    form: str
    boxes: str
    scores: str | None = None
    labels: str | None = None
    counts: str | None = None
    classes: int | None = None
    channels: str = "first"
    behind: str = "nothing"
    masks: str | None = None
    columns: str = "box_score_class"
    corners: str = "xyxy"
    unit: str = "pixels"
    activation: str = "none"
    background: str = "none"
    score_threshold: float = 0.25
    nms_iou: float | None = 0.45
    most: int = 300

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the model's outputs that are read."""
        named = (self.boxes, self.scores, self.labels, self.counts, self.masks)
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True)
class MaskSteps:
    """How the class of each pixel comes out of planes (see the contract)."""

    output: str
    planes: str = "first"
    threshold: float | None = None
    activation: str = "none"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the model's outputs that are read."""
        return (self.output,)


@dataclass(frozen=True)
class TranscriptSteps:
    """How a text comes out of scores of characters (see the contract)."""

    output: str
    blank: int = 0

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the model's outputs that are read."""
        return (self.output,)


Postprocess = BoxesSteps | MaskSteps | TranscriptSteps
_POSTPROCESS: dict[str, type[Any]] = {"boxes": BoxesSteps, "mask": MaskSteps, "transcript": TranscriptSteps}


@dataclass(frozen=True)
class Sampling:
    """A step network that is called along falling noise `levels` (see the contract)."""

    sample: str
    level: str
    levels: tuple[float, ...]
    lowest: float = 0.0


@dataclass(frozen=True)
class Cache:
    """What a decoder keeps from token to token (see the contract)."""

    carried: Mapping[str, str]
    ids: str
    scores: str
    kept: Mapping[str, str] = field(default_factory=dict)
    mask: str | None = None
    hidden: str | None = None
    position: str | None = None


@dataclass(frozen=True)
class MelSteps:
    """How sounds become log-mel spectra (see the contract)."""

    input: str
    sample_rate_hz: int = 16_000
    bins: int = 80
    window: int = 400
    hop: int = 160
    seconds: int = 30


@dataclass(frozen=True)
class Generation:
    """How texts come from an encoder and a decoder (see the contract)."""

    start: int
    end: int
    pad: int
    longest: int
    states: str
    hidden: str
    ids: str
    scores: str
    mask: str | None = None
    encoder_mask: str | None = None
    begin: tuple[int, ...] = ()
    languages: tuple[int, ...] = ()
    never: tuple[int, ...] = ()
    not_first: tuple[int, ...] = ()
    forced_end: bool = False
    cache: Cache | None = None
    mel: MelSteps | None = None


def read_generation(data: Mapping[str, Any]) -> Generation:
    """The dataclass of its JSON. Raises KeyError or TypeError where something is missing."""
    inner = {name: _build(cls, data[name]) for name, cls in (("cache", Cache), ("mel", MelSteps)) if data.get(name)}
    return _build(Generation, {**data, "cache": None, "mel": None, **inner})


@dataclass(frozen=True)
class Chat:
    """How dialogues become one text, and where answers end (see the contract)."""

    context: int
    template: str | None = None
    specials: Mapping[str, str] | None = None
    ends: tuple[int, ...] = ()


@dataclass(frozen=True)
class Spec:
    """The whole description; fields as in the contract's `PipelineSpec`."""

    task: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    preprocess: Steps
    answer_kind: str
    scores: str = "logits"
    classes: tuple[str, ...] | None = None
    links: Mapping[str, str] | None = None
    pooling: str = "none"
    normalize: bool = False
    guessed: tuple[str, ...] = ()
    sampling: Sampling | None = None
    generation: Generation | None = None
    chat: Chat | None = None
    postprocess: Postprocess | None = None
    tried_size: int | None = None


def read_spec(folder: Path) -> Spec:
    """Read `folder`/pipeline.json. Raises FileNotFoundError, or PipelineError where it is no such
    description."""
    text = (folder / PIPELINE_FILE).read_text(encoding="utf-8")
    try:
        return parse_spec(json.loads(text))
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise PipelineError(f"{PIPELINE_FILE} cannot be understood: {error}.") from error


def parse_spec(data: Mapping[str, Any]) -> Spec:
    """The dataclasses of one parsed pipeline.json. Raises KeyError or TypeError where something is
    missing."""
    if data.get("version", 1) != 1:
        raise PipelineError(f"{PIPELINE_FILE} has version {data['version']}, and only version 1 is known here.")
    return _build(
        Spec,
        {
            **data,
            "inputs": tuple(_build(Input, entry) for entry in data["inputs"]),
            "outputs": tuple(_build(Output, entry) for entry in data["outputs"]),
            "sampling": _build(Sampling, data["sampling"]) if data.get("sampling") else None,
            "generation": read_generation(data["generation"]) if data.get("generation") else None,
            "chat": _build(Chat, data["chat"]) if data.get("chat") else None,
            "postprocess": _build(_POSTPROCESS[data["postprocess"]["kind"]], data["postprocess"])
            if data.get("postprocess")
            else None,
            "preprocess": _build(_STEPS[data["preprocess"]["kind"]], data["preprocess"]),
        },
    )


def _build(cls: type[_T], data: Mapping[str, Any]) -> _T:
    """Fields of `cls` from `data`; JSON lists become tuples, what `cls` does not know (`version`) is left
    out."""
    known = {entry.name for entry in fields(cls)}  # type: ignore[arg-type]
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return cls(**{key: value for key, value in values.items() if key in known})
