"""`pipeline.json`: describe how data become the inputs of a model, and its outputs predictions.

These dataclasses are its only form. Bundles read it with the standard library alone (`spec_file`), because they hold no
pydantic. At its boundaries the program checks the same classes with pydantic (`workers.contracts.pipeline`): types,
literals and bounds must fit, and unknown fields are refused.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Annotated, Literal

from .spec_bounds import Bounds, ByKind, Columns, Count, Length, Positive, Samples, Share, Side
from .spec_bounds import Part as Part
from .words import WordedError

PIPELINE_FILE = "pipeline.json"

Task = Literal[
    "image-classification",
    "text-classification",
    "text-embedding",
    "token-classification",  # a class for each token
    "audio-frames",  # a stateful model that is fed frame by frame and gives a score for each
    "translation",  # the same text in another language
    "text-generation",  # an encoder and a decoder: a text in, a text out
    "language-model",  # one token after another, mostly as a chat
    "object-detection",
    "image-segmentation",
    "image-to-image",
    "transcription",  # the text of speech or in a picture
    "array-classification",
    "arrays",  # nothing else is known
]
AnswerKind = Literal[
    "class", "score", "embedding", "tokens", "detection", "labels", "mask", "picture", "transcript", "next_tokens",
    "tensor",
]  # fmt: skip
Source = Literal[
    "image", "input_ids", "attention_mask", "token_type_ids", "position_ids", "counted", "audio", "array", "state",
    "initial_state", "constant",
]  # fmt: skip


class PipelineError(WordedError, ValueError):
    """Error: an input does not fit the model or cannot be read; the text is a whole sentence for the user."""


PARSER_ERRORS = (
    OSError, ValueError, EOFError, LookupError, ArithmeticError, TypeError, AttributeError, SyntaxError, MemoryError,
    RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""Exceptions that parsers of libraries raise on damaged files."""
FREE_WIDTH_PX = 320
"""Width of pictures that are made to try a model that takes any width."""
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True)
class PipelineInput(Part):
    """One input of the model.

    `shape` holds None where any size is valid; `batch_axis` counts items unless `batched` is false. Masks, types,
    positions and states need not be given: they are filled in (`pipeline.filling`). ``counted`` is 1 for the tokens on
    which a language model is judged, 0 for those of the template. An ``initial_state`` is zeros for each item; a
    ``state`` is carried from step to step. `columns` names the numbers of a row in their order, where that is known.
    """

    name: str
    dtype: str
    shape: tuple[Length | None, ...]
    source: Source
    meaning: str = ""
    optional: bool = False
    constant: float | int | None = None
    batched: bool = True
    batch_axis: Count = 0
    columns: Columns = ()

    def __post_init__(self) -> None:
        """Refuse a batch axis that the shape does not have."""
        if self.batched and self.shape and self.batch_axis >= len(self.shape):
            axes = len(self.shape)
            raise PipelineError("the batch axis {0} is beyond the {1} axes of {2!r}", self.batch_axis, axes, self.name)


@dataclass(frozen=True)
class PipelineOutput(Part):
    """One output of the model; `answer` is true for exactly one, the prediction."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] = ()
    meaning: str = ""
    answer: bool = False
    batch_axis: Count = 0


@dataclass(frozen=True, kw_only=True)
class ImageSteps(Part):
    """Preparation of pictures: resize (shorter side, or both) → crop → channels → range → (x − mean) / std → layout.

    With `letterbox` both sides of `resize` are a frame: the picture keeps its proportions in the middle, and gray (114)
    fills the rest, as in the training of Ultralytics' detectors. With `pixels` the model itself does everything after
    the crop: it takes uint8 (n, height, width, channels), red first. The other fields still describe these steps, and
    the input is described as for the original. Sizes are (height, width); with a width of None in `resize`, pictures
    keep their proportions and differ in width, as lines of text do.
    """

    kind: Literal["image"] = "image"
    resize: Side | tuple[Side, Side | None] | None = None
    crop: Side | tuple[Side, Side] | None = None
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    range: Literal["0..1", "0..255"] = "0..1"
    channels: Literal["rgb", "bgr", "gray"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    pixels: bool = False
    letterbox: bool = False

    @property
    def sides(self) -> tuple[int, int | None] | None:
        """Return height and width of a prepared picture, square for one size; None if pictures keep their own size."""
        size = self.crop or self.resize
        return (size, size) if isinstance(size, int) else size


@dataclass(frozen=True, kw_only=True)
class TextSteps(Part):
    """Tokenize with the `tokenizer.json` that lies beside `pipeline.json`, cut at `max_length` tokens."""

    kind: Literal["text"] = "text"
    tokenizer: str = "tokenizer.json"
    max_length: Annotated[int, Bounds(ge=1, le=10_000_000)] = 512
    lowercase: bool = False
    special_tokens: bool = True


@dataclass(frozen=True, kw_only=True)
class AudioSteps(Part):
    """Preparation of sounds: mono float32 in −1..1 at `sample_rate_hz`, cut into frames.

    A frame has `frame_samples` after `context_samples` of the previous one. With `frame_samples` 0 a whole sound is one
    frame. Samples are multiplied by `scale` (32768: as 16-bit values). `carry_state` False resets the state at each
    frame.
    """

    kind: Literal["audio"] = "audio"
    sample_rate_hz: Annotated[int, Bounds(ge=1, le=1_000_000)] = 16_000
    frame_samples: Samples = 512
    context_samples: Samples = 0
    scale: float = 1.0
    carry_state: bool = True


@dataclass(frozen=True, kw_only=True)
class ArraySteps(Part):
    """Preparation of arrays: the main input is changed as described here and cast to its dtype, the others are cast.

    `order` reverses the last axis or swaps its halves. Values equal to `swap[0]` become `swap[1]` (padding); each other
    value v becomes v·`scale` + `offset`.
    """

    kind: Literal["array"] = "array"
    scale: float = 1.0
    offset: float = 0.0
    order: Literal["same", "reversed", "halves"] = "same"
    swap: tuple[float, float] | None = None


Preprocess = Annotated[ImageSteps | TextSteps | AudioSteps | ArraySteps, ByKind()]


@dataclass(frozen=True, kw_only=True)
class BoxesSteps(Part):
    """Decoding of a detector's outputs to boxes; evaluation and bundles use the same code.

    Attributes:
        form: ``yolo_v5``: (n, boxes, 5 + classes) with box, objectness and classes. ``yolo_v8``: (n, 4 + classes,
            boxes), or with `channels` "last" (n, boxes, 4 + classes). ``yolox``: as v5, with centers in cells of grids
            of 8, 16 and 32 pixels and logarithms of sides (arXiv 2107.08430). ``end_to_end``: (n, boxes, 6) in the
            order of `columns`. ``boxes_scores`` (SSD, RetinaNet): boxes, and class scores or one score and `labels` in
            other outputs. ``detr``: boxes, and logits in another output (arXiv 2005.12872). ``boxes_labels``: (n,
            boxes, 5) with the score, and `labels` in another output.
        boxes: Name of the output of boxes; `scores` and `labels` name outputs, too.
        counts: Output with the number of valid boxes.
        classes: Number of columns of scores in YOLO's forms; other columns may follow them.
        behind: Meaning of these columns: an ``angle`` in radians (the last column) by which the box is rotated around
            its center, key ``points`` (x, y), ``seen_points`` (x, y, visibility), or the coefficients of a ``mask``.
        masks: Output with the prototypes of masks (n, prototypes, height, width).
        corners: Meaning of the four coordinates, in `unit` of the model's input.
        activation: Function that turns the output into scores.
        background: Position of the background class; labels count from the class after a first one.
        score_threshold: Minimum score of boxes that users see.
        nms_iou: Overlap from which on boxes of one class are one object; None: the model merges them itself.
    """

    kind: Literal["boxes"] = "boxes"
    form: Literal["yolo_v5", "yolo_v8", "yolox", "end_to_end", "boxes_scores", "detr", "boxes_labels"]
    boxes: str
    scores: str | None = None
    labels: str | None = None
    counts: str | None = None
    classes: Positive | None = None
    channels: Literal["first", "last"] = "first"
    behind: Literal["nothing", "angle", "points", "seen_points", "mask"] = "nothing"
    masks: str | None = None
    columns: Literal["box_score_class", "class_score_box", "box_class_score"] = "box_score_class"
    corners: Literal["xyxy", "cxcywh", "yxyx", "xywh"] = "xyxy"
    unit: Literal["pixels", "shares"] = "pixels"
    activation: Literal["none", "sigmoid", "softmax"] = "none"
    background: Literal["none", "first", "last"] = "none"
    score_threshold: Share = 0.25
    nms_iou: Annotated[float, Bounds(gt=0, le=1)] | None = 0.45
    most: Annotated[int, Bounds(ge=1, le=10_000)] = 300

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the model's outputs that are read."""
        named = (self.boxes, self.scores, self.labels, self.counts, self.masks)
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True, kw_only=True)
class MaskSteps(Part):
    """Decoding of `output` to the class of each pixel.

    The class is the largest of the `planes`, whose axis is the first after the batch, or the last. One plane is
    compared with `threshold` (a share, after `activation`). Without an axis of planes (``none``) the output holds
    classes, or with a threshold one plane.
    """

    kind: Literal["mask"] = "mask"
    output: str
    planes: Literal["first", "last", "none"] = "first"
    threshold: Share | None = None
    activation: Literal["none", "sigmoid"] = "none"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the model's outputs that are read."""
        return (self.output,)


@dataclass(frozen=True, kw_only=True)
class TranscriptSteps(Part):
    """Decoding of `output` (n, time steps, characters) to a text.

    The best character of each time step is taken, without repetitions and without `blank` (CTC). `PipelineSpec.classes`
    are the characters.
    """

    kind: Literal["transcript"] = "transcript"
    output: str
    blank: Count = 0

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the model's outputs that are read."""
        return (self.output,)


Postprocess = Annotated[BoxesSteps | MaskSteps | TranscriptSteps, ByKind()]
"""Steps that turn raw outputs into predictions."""


@dataclass(frozen=True)
class Sampling(Part):
    """Sampling with a diffusion model's step network, which predicts clean values from noisy ones.

    The input `sample` holds noisy values, `level` the standard deviation of each row's noise. Sampling calls the
    network at each of the descending `levels`; `lowest` is the level that counts as clean.
    """

    sample: str
    level: str
    levels: Annotated[tuple[float, ...], Bounds(min_length=1)]
    lowest: Annotated[float, Bounds(ge=0)] = 0.0


@dataclass(frozen=True, kw_only=True)
class Cache(Part):
    """Third part of a model, `decoder_with_past`, which reads one token and cached values of the earlier ones.

    `carried` maps its inputs to the outputs that feed them: first those of the decoder, then its own (keys and values
    of the tokens so far, one position longer each time). `kept` maps inputs to outputs of the decoder alone, which stay
    the same (keys and values of the encoder's output). `ids`, `scores`, `mask` and `hidden` are as in `Generation`;
    `position` receives the number of earlier tokens as (1,).
    """

    carried: Annotated[dict[str, str], Bounds(min_length=1)]
    kept: dict[str, str] = field(default_factory=dict)
    ids: str
    scores: str
    mask: str | None = None
    hidden: str | None = None
    position: str | None = None


@dataclass(frozen=True)
class MelSteps(Part):
    """Preparation of sounds as log-mel spectra (n, bins, frames), as for Whisper (Radford et al., arXiv 2212.04356).

    A sound is padded with silence to `seconds`; windows of `window` samples begin every `hop` samples.
    """

    input: str
    sample_rate_hz: Annotated[int, Bounds(ge=1000, le=192_000)] = 16_000
    bins: Annotated[int, Bounds(ge=1, le=512)] = 80
    window: Annotated[int, Bounds(ge=16, le=65_536)] = 400
    hop: Positive = 160
    seconds: Annotated[int, Bounds(ge=1, le=600)] = 30


@dataclass(frozen=True, kw_only=True)
class Generation(Part):
    """Loop that generates tokens with an encoder and a decoder.

    The encoder's output `states` feeds the decoder's input `hidden`, and its mask `encoder_mask` the decoder's `mask`
    if both have one. The decoder receives the tokens so far in `ids` and returns `scores` (n, tokens, vocabulary). Rows
    begin with `start`, then the most probable of `languages` (if any), then the tokens of `begin`; these are not part
    of the prediction. A row ends with `end` or after `longest` tokens, of which the last is `end` with `forced_end`,
    and is padded with `pad`. Tokens of `never` are not chosen, those of `not_first` not as the first one. With a
    `cache` a separate part generates the tokens after the first; with `mel` the encoder's input is computed from
    samples of a sound.
    """

    start: Count
    end: Count
    pad: Count = 0
    longest: Annotated[int, Bounds(ge=1, le=4096)]
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


@dataclass(frozen=True, kw_only=True)
class Chat(Part):
    """Dialogues with a language model.

    `template` is the file of its jinja template (None: texts are passed unchanged), `specials` its texts of `bos_token`
    and other special tokens. Answers end with a token of `ends`, or when `context` tokens are full.
    """

    template: str | None = None
    specials: dict[str, str] = field(default_factory=dict)
    ends: tuple[int, ...] = ()
    context: Annotated[int, Bounds(ge=2)]


@dataclass(frozen=True, kw_only=True)
class PipelineSpec(Part):
    """Description of one model: its inputs and outputs, their preparation and their decoding.

    Attributes:
        answer_kind: ``class`` (class scores, logits or probabilities by `scores`), ``score`` (one probability),
            ``embedding`` (a vector after `pooling`), ``tokens`` (token numbers of a text from `generation`),
            ``detection`` (boxes of `classes`), ``labels`` (a score for each label, any number of which may be true),
            ``mask`` (the class of each pixel), ``picture``, ``transcript`` (characters that were read or recognized in
            speech), ``next_tokens`` (probabilities of each next token, see `workers.infer.next_tokens`) or ``tensor``
            (anything else).
        postprocess: Steps that decode boxes, masks or transcripts; None leaves the output unchanged.
        tried_size: Size of free axes of arrays with which the model ran in the trial.
        links: State inputs and the outputs that feed them in the next call.
        guessed: Names of parts that the model's own files do not state.
    """

    version: Literal[1] = 1
    task: Task
    inputs: tuple[PipelineInput, ...]
    outputs: tuple[PipelineOutput, ...]
    preprocess: Preprocess
    answer_kind: AnswerKind
    scores: Literal["logits", "probabilities"] = "logits"
    classes: tuple[str, ...] | None = None
    links: dict[str, str] = field(default_factory=dict)
    pooling: Literal["none", "mean", "cls"] = "none"
    normalize: bool = False
    guessed: tuple[str, ...] = ()
    sampling: Sampling | None = None
    generation: Generation | None = None
    chat: Chat | None = None
    postprocess: Postprocess | None = None
    tried_size: int | None = None
