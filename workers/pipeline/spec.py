"""`pipeline.json`: the one description of how the world goes into a model and how its predictions come out.

These dataclasses are its only form. Bundles read it with the standard library alone (`spec_file`), since they bring no
pydantic. The program checks the same classes by pydantic at its boundaries (`workers.contracts.pipeline`): there types,
words and bounds count, and unknown fields are refused.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Annotated, Literal

from .spec_bounds import Bounds, ByKind, Count, Length, Positive, Samples, Share, Side
from .spec_bounds import Part as Part

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
    "transcription",  # the text that was said, or that stands in a picture
    "array-classification",
    "arrays",  # nothing more is known: arrays in, arrays out
]
AnswerKind = Literal[
    "class", "score", "embedding", "tokens", "detection", "labels", "mask", "picture", "transcript", "next_tokens",
    "tensor",
]  # fmt: skip
Source = Literal[
    "image", "input_ids", "attention_mask", "token_type_ids", "position_ids", "counted", "audio", "array", "state",
    "initial_state", "constant",
]  # fmt: skip


class PipelineError(ValueError):
    """Error: an input does not fit the model or cannot be read; the text is a whole sentence for the user."""


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
"""Exceptions that parsers of libraries raise on damaged files."""
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True)
class PipelineInput(Part):
    """One input of the model.

    `shape` holds None where any size goes; `batch_axis` counts items unless `batched` is false. The sources mask,
    types, positions and states need not be given: they are filled in (`pipeline.filling`). ``counted`` is 1 for tokens
    that a language model is judged by, 0 for those of the template. An ``initial_state`` is zeros for each item; a
    ``state`` is carried from step to step.
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

    def __post_init__(self) -> None:
        """Refuse a batch axis that the shape does not have."""
        if self.batched and self.shape and self.batch_axis >= len(self.shape):
            axes = len(self.shape)
            raise PipelineError(f"the batch axis {self.batch_axis} is beyond the {axes} axes of {self.name!r}")


@dataclass(frozen=True)
class PipelineOutput(Part):
    """One output of the model. Exactly one has `answer` true: the one that people read."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] = ()
    meaning: str = ""
    answer: bool = False
    batch_axis: Count = 0


@dataclass(frozen=True, kw_only=True)
class ImageSteps(Part):
    """resize (shorter side, or both) → center crop → channels → range → (x − mean) / std → layout.

    With `letterbox` both sides of `resize` are a frame: the picture keeps its proportions in the middle of it, and gray
    (114) fills up the rest, as Ultralytics' detectors were trained. With `pixels` the model does all after the crop
    itself: it takes uint8 (n, height, width, channels), red first. The other fields still tell what it does, and the
    input is described as the original takes it. Sizes are (height, width).
    """

    kind: Literal["image"] = "image"
    resize: Side | tuple[Side, Side] | None = None
    crop: Side | tuple[Side, Side] | None = None
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    range: Literal["0..1", "0..255"] = "0..1"
    channels: Literal["rgb", "bgr", "gray"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    pixels: bool = False
    letterbox: bool = False


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
    """Mono float32 in −1..1 at `sample_rate_hz`, frames of `frame_samples` after `context_samples` old ones.

    With `frame_samples` 0 a sound goes in whole, as one frame. Samples are multiplied by `scale` (32768: as 16-bit
    values). `carry_state` False begins anew at each frame.
    """

    kind: Literal["audio"] = "audio"
    sample_rate_hz: Annotated[int, Bounds(ge=1, le=1_000_000)] = 16_000
    frame_samples: Samples = 512
    context_samples: Samples = 0
    scale: float = 1.0
    carry_state: bool = True


@dataclass(frozen=True, kw_only=True)
class ArraySteps(Part):
    """Arrays are taken as they are and cast to the input's dtype; what is said here changes the main input first.

    Along its last axis the `order` may be turned round, or its halves swapped. A value `swap[0]` becomes `swap[1]`
    (what fills up), all others v become v·`scale` + `offset`.
    """

    kind: Literal["array"] = "array"
    scale: float = 1.0
    offset: float = 0.0
    order: Literal["same", "reversed", "halves"] = "same"
    swap: tuple[float, float] | None = None


Preprocess = Annotated[ImageSteps | TextSteps | AudioSteps | ArraySteps, ByKind()]


@dataclass(frozen=True, kw_only=True)
class BoxesSteps(Part):
    """How boxes come out of a detector's outputs; the same code decodes in the judgement and in the bundle.

    `form`: ``yolo_v5`` (n, boxes, 5 + classes: box, how sure it holds a thing, classes), ``yolo_v8`` (n, 4 + classes,
    boxes; with `channels` last (n, boxes, 4 + classes)), ``yolox`` (as v5, with middles in cells of grids of 8, 16, 32
    pixels and sides as logarithms; arXiv 2107.08430), ``end_to_end`` (n, boxes, 6, in the order of `columns`),
    ``boxes_scores`` (SSD, RetinaNet: places beside scores of classes, or beside one score and `labels`), ``detr``
    (places beside logits; arXiv 2005.12872) and ``boxes_labels`` (places with their score in (n, boxes, 5) beside
    `labels`). `boxes`, `scores` and `labels` name outputs, `counts` one that says how many of the boxes count. Of
    YOLO's forms `classes` columns are scores, and what follows is something else: `behind` says where it is an
    ``angle`` (radians, the last column; the box is turned by it around its middle), key ``points`` (x, y) or
    ``seen_points`` (x, y, how sure each can be seen), or how much a ``mask`` has of each prototype in the output
    `masks` (n, prototypes, height, width); it is judged, too.

    `corners` says what the four numbers of a place are, in `unit` of the model's input. Scores go through `activation`
    first; `background` is where the class stands that means nothing, and labels count from behind a first one.
    Boxes of one class that overlap by `nms_iou` and more are one thing (None: the model did that itself). Boxes from
    `score_threshold` on are what people see.
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
    """How the class of each pixel comes out of `output`.

    It is the largest of its `planes` (the axis of classes comes first behind the batch, or last), or, of one plane,
    whether its value reaches `threshold` (a share; through `activation` first). Without an axis of planes (``none``)
    the model gives classes already, or with a threshold one plane.
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
    """How a text comes out of `output` (n, moments, characters).

    The best of each moment is taken, without repetitions and without `blank` (CTC). `PipelineSpec.classes` are the
    characters.
    """

    kind: Literal["transcript"] = "transcript"
    output: str
    blank: Count = 0

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the model's outputs that are read."""
        return (self.output,)


Postprocess = Annotated[BoxesSteps | MaskSteps | TranscriptSteps, ByKind()]
"""What makes an answer out of outputs that nobody reads as they are; more kinds join by ``|``."""


@dataclass(frozen=True)
class Sampling(Part):
    """A diffusion model's step network.

    Input `sample` holds noisy values, `level` how noisy they are (a standard deviation for each row), the answer is the
    clean values. A sampling run calls it at each of `levels`, falling; `lowest` is the level that counts as clean.
    """

    sample: str
    level: str
    levels: Annotated[tuple[float, ...], Bounds(min_length=1)]
    lowest: Annotated[float, Bounds(ge=0)] = 0.0


@dataclass(frozen=True, kw_only=True)
class Cache(Part):
    """A third part, `decoder_with_past`, that is given one token and what the decoder kept of those before.

    `carried` maps its inputs to the outputs that feed them: of the decoder after the first tokens, then of itself (keys
    and values of the tokens so far, one place longer each time). `kept` maps inputs to outputs that only the decoder
    has, and that stay (keys and values of what the encoder gave). `ids`, `scores`, `mask` and `hidden` are as in
    `Generation`; `position` gets the number of tokens before, as (1,).
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
    """Sounds as log-mel spectra (n, bins, frames), as Whisper hears them (Radford et al., arXiv 2212.04356).

    A sound is filled up with silence to `seconds`, windows of `window` samples begin every `hop` samples.
    """

    input: str
    sample_rate_hz: Annotated[int, Bounds(ge=1000, le=192_000)] = 16_000
    bins: Annotated[int, Bounds(ge=1, le=512)] = 80
    window: Annotated[int, Bounds(ge=16, le=65_536)] = 400
    hop: Positive = 160
    seconds: Annotated[int, Bounds(ge=1, le=600)] = 30


@dataclass(frozen=True, kw_only=True)
class Generation(Part):
    """An encoder and a decoder as two parts.

    The encoder's output `states` goes into the decoder's input `hidden`, and where both have one, its mask
    `encoder_mask` into the decoder's `mask`. The decoder gets the tokens so far in `ids` and gives scores (n, tokens,
    vocabulary) as `scores`. Rows begin with `start`, then (where there are `languages`) with the one of these that is
    likeliest, then with the tokens of `begin`; all this is no answer. They end with `end` or after `longest` tokens,
    the last of which is an end if `forced_end`, and are filled up with `pad`. Tokens of `never` are not chosen, those
    of `not_first` not as the first one. With a `cache` tokens after the first come from a part of their own; with
    `mel` the encoder's input is made out of samples of a sound.
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
    """A model of next tokens that texts go on from.

    `template` is the file of its jinja template (None: texts go in as they are), `specials` are what it calls
    `bos_token` and the like; answers end with a token of `ends`, or where `context` tokens are full.
    """

    template: str | None = None
    specials: dict[str, str] = field(default_factory=dict)
    ends: tuple[int, ...] = ()
    context: Annotated[int, Bounds(ge=2)]


@dataclass(frozen=True, kw_only=True)
class PipelineSpec(Part):
    """The whole description.

    `answer_kind`: ``class`` (the answer output holds class scores: `scores` says whether logits or probabilities),
    ``score`` (one probability), ``embedding`` (a vector after `pooling`), ``tokens`` (the numbers of a
    text's tokens, which `generation` makes), ``detection`` (boxes around things, of `classes`), ``labels`` (a score for
    each of several labels, of which any number may be true), ``mask`` (the class of each pixel), ``picture``,
    ``transcript`` (the characters that were read or heard), ``next_tokens`` (what a language model thinks of each next
    token, see `workers.infer.next_tokens`), ``tensor`` (anything else).
    `postprocess` says how outputs become what people read (boxes, masks, transcripts); without it the answer output is
    taken as it is.
    `tried_size` is what free sizes of arrays were when the model was tried out and ran.
    `links` maps a state input to the output that feeds it in the next call. `guessed` names the parts that were not
    found in the model's own files.
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
