"""Example values of every page, in the manner of the design's pictures. They exist in the tests only."""

from dataclasses import replace

from PySide6.QtCore import QBuffer, QIODevice, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPolygonF

from widgets.pages.data.value import DataValue
from widgets.pages.goal.value import ComputerValue, GoalValue, PresetValue
from widgets.pages.model.value import ModelValue, PreprocessValue, SampleValue
from widgets.parts.cards.error import ErrorValue
from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue
from workers.contracts.data.reading import FOLDER_LABELS, DataResult
from workers.contracts.pipeline import ImageSteps, PipelineSpec, TextSteps
from workers.contracts.specs import Described, Finding, Recipe, RecipeStep

KINDS = ("T-shirt", "Trousers", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_SHAPES = (
    ((9, 5), (2, 13), (7, 12), (7, 24), (21, 24), (21, 12), (26, 13), (19, 5)),
    ((9, 3), (7, 25), (12, 25), (14, 9), (16, 25), (21, 25), (19, 3)),
    ((10, 4), (2, 22), (6, 23), (8, 12), (8, 24), (20, 24), (20, 12), (22, 23), (26, 22), (18, 4)),
    ((11, 2), (11, 9), (7, 26), (21, 26), (17, 9), (17, 2)),
    ((2, 18), (11, 9), (16, 10), (25, 10), (26, 21), (2, 21)),
)


def picture(number: int, name: str = "") -> PictureValue:
    """A grey drawing of 56 × 56 dots as PNG."""
    image = QImage(56, 56, QImage.Format.Format_RGB32)
    image.fill(QColor("#0B0D0E"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(2, 2)
    level = 125 + number * 53 % 105
    gradient = QLinearGradient(3, 0, 25, 8)
    for place, change in ((0, -35), (0.45, 20), (1, -25)):
        grey = max(0, min(255, level + change))
        gradient.setColorAt(place, QColor(grey, grey, grey))
    painter.setBrush(gradient)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([QPointF(*point) for point in _SHAPES[number % len(_SHAPES)]]))
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return PictureValue(data=bytes(buffer.data().data()), name=name or KINDS[number % 10])


def sample() -> SampleValue:
    return SampleValue(
        "A small model that recognizes 10 kinds of clothes, with pictures. Make it faster, see what "
        "changed, and export a bundle that runs on its own. Works without internet.",
        60,
        tuple(picture(number) for number in range(10)),
    )


def refused() -> ErrorValue:
    return ErrorValue(
        title="It wants to run a program on this computer",
        happened="The file holds more than a model: when opened, it would start a system command. Fettle saw that "
        "and stopped before anything ran.",
        is_safe="Yes. Nothing was run, nothing was changed, and the file stays where it was.",
        next_step="Ask its maker for the model as .safetensors or .onnx.",
        details="pickle opcode GLOBAL posix system at offset 129",
        page_title="This file was not opened",
        page_subtitle="old-classifier.pt, 98 MB",
        note="Your file old-classifier.pt holds the call posix.system.",
        icon="shield-warning",
    )


def model(**changes: object) -> ModelValue:
    base: dict[str, object] = {
        "name": "MobileNetV2",
        "takes_in": "a picture, 224 × 224 dots, in color",
        "gives_back": "one of 1,000 names, with how sure it is",
        "size_bytes": 14_200_000,
        "parameters": 3_504_872,
        "format": "PyTorch checkpoint: holds numbers only, no program",
        "architecture": "MobileNetV2, by the names and shapes of its numbers",
        "license": "",
        "origin": "mobilenet_v2.pth, from Downloads",
        "findings": (
            CheckValue("ok", "Holds numbers only, no program"),
            CheckValue("ok", "Converted and checked: answers alike", "1 in a million"),
            CheckValue("warn", "The file states no license", "ask its maker"),
        ),
        "preprocess": preprocess(),
        "classes": ("tench", "goldfish", "great white shark", "tiger shark", "hammerhead", *map(str, range(995))),
    }
    return ModelValue(**{**base, **changes})


def preprocess() -> PreprocessValue:
    image = ImageSteps(resize=256, crop=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), range="0..1")
    return PreprocessValue(image, guessed=frozenset({"mean", "std"}), source="from torchvision’s own weights")


def ask_data() -> DataKind:
    return "images"


def data(**changes: object) -> DataValue:
    """A set of pictures; fields of the result and of the page's value may differ."""
    counts = (222, 219, 221, 220, 218, 221, 220, 219, 220, 220)
    read: dict[str, object] = {
        "origin": "person",
        "kind": "images",
        "n_items": 2200,
        "n_test": 2000,
        "n_calibration": 200,
        "labelled": True,
        "class_counts": dict(zip(KINDS, counts, strict=True)),
        "findings": (Finding(level="info", what="The labels are the names of the folders.", code=FOLDER_LABELS),),
        "sha256": "",
    }
    shown: dict[str, object] = {
        "source": "/home/mira/Pictures/Fashion pictures",
        "checks": (
            CheckValue("ok", "Nothing is in both parts", "0 of 2,000"),
            CheckValue("ok", "Labels match the model’s answers", "10 of 10"),
            CheckValue("ok", "Every kind is well filled", "218 to 222"),
            CheckValue("ok", "Same picture twice", "9 set aside"),
            CheckValue("ok", "Not readable", "3 set aside"),
            CheckValue("warn", "Label looks wrong", "6 pictures"),
        ),
    }
    of_page = {"source", "checks", "spec", "model_classes", "earlier"}
    read |= {name: value for name, value in changes.items() if name not in of_page}
    shown |= {name: value for name, value in changes.items() if name in of_page}
    return DataValue(DataResult.model_validate(read), **shown)


def found() -> tuple[CheckValue, ...]:
    """Findings as sentences; a name without a blank must not widen the page."""
    return (
        CheckValue("bad", "4 items of “test” are nearly the same as items of “calibration”, such as “dress/1042.png”."),
        CheckValue("warn", f"6 items have labels that are probably wrong: shirt/{'0' * 60}.png is labelled “shirt”."),
        CheckValue("ok", "“test” and “calibration” look alike: a computer tells 51% of pairs apart (p = 0.4)."),
        CheckValue("ok", "No example appears twice, not even slightly changed", "0"),
    )


def right_texts() -> DataValue:
    """Of a translator."""
    spec = PipelineSpec(task="translation", inputs=(), outputs=(), preprocess=TextSteps(), answer_kind="tokens")
    return replace(texts(), spec=spec)


def texts() -> DataValue:
    return data(
        kind="texts",
        class_counts={"good": 1100, "bad": 1100},
        columns=("id", "review", "stars"),
        text_column="review",
        label_column="stars",
        unknown_labels=("good", "bad"),
        model_classes=("positive", "negative"),
    )


def made() -> DataValue:
    return data(
        origin="made", n_items=64, n_test=64, n_calibration=0, labelled=False, class_counts={},
        checks=(CheckValue("ok", "Inputs that Fettle made", "64"),),
    )  # fmt: skip


SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "per_channel": {
            "type": "boolean",
            "default": True,
            "title": "Per channel",
            "description": "One scale for each channel instead of one for all: finer, a little slower.",
        },
        "examples": {"type": "integer", "default": 100, "minimum": 8, "maximum": 1000, "title": "Examples"},
        "share": {"type": "number", "default": 0.3, "minimum": 0, "exclusiveMaximum": 1, "title": "Share"},
        "method": {"enum": ["minmax", "entropy"], "default": "minmax", "title": "Method", "type": "string"},
        "keep": {"type": "array", "items": {"type": "string"}, "default": [], "title": "Layers kept"},
        "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "Seed", "minimum": 0},
    },
}


COMPUTERS = (
    ComputerValue("", "This computer", "Intel Core i7-1165G7"),
    ComputerValue("office-server", "office-server", "AMD EPYC 9354"),
    ComputerValue("pi", "pi", "Cortex-A76"),
)


def goal(**changes: object) -> GoalValue:
    presets = (
        ("balanced", "Balanced", "Much faster and smaller, answers stay alike. Right for most people.",
         "2 to 4 times faster", 60, "scales"),
        ("fastest", "Fastest", "Tries everything that saves time, within your limit.", "2 to 5 times faster", 180,
         "lightning"),
        ("smallest", "Smallest", "For downloads and small disks; speed comes second.", "4 to 8 times smaller", 120,
         "arrows-in"),
        ("no-loss", "No loss", "Every answer stays the same; only the engine changes.", "1 to 2 times faster", 30,
         "equals"),
        ("small-device", "Small device", "For a Raspberry Pi, a phone or an old laptop.", "little memory, one core",
         120, "device-mobile"),
        ("busy-server", "Busy server", "For many people asking at the same time.", "more answers a second", 180,
         "hard-drives"),
    )  # fmt: skip
    int8 = RecipeStep(technique="int8_static", params={"examples": 200})
    base: dict[str, object] = {
        "presets": tuple(PresetValue(*row) for row in presets),
        "chosen": "balanced",
        "limit_pct": 1.0,
        "n_test": 2000,
        "recipes": (
            (Recipe(title="Faster engine", id="0", runtime="openvino"), True),
            (Recipe(title="INT8, sensitive layers kept", steps=(int8,), runtime="openvino"), True),
            (Recipe(title="Pruned by 30 %", steps=(RecipeStep(technique="magnitude_prune"),)), False),
        ),
        "techniques": (
            Described(
                id="int8_static",
                title="INT8 with calibration",
                available=True,
                summary="Stores numbers in 8 bits.",
                params_schema=SCHEMA,
            ),
            Described(id="magnitude_prune", title="Pruning", available=True, summary="Leaves small numbers out."),
            Described(
                id="fp16", title="FP16", available=False, summary="Stores numbers in 16 bits.", hint="Needs a GPU."
            ),
        ),
        "runtimes": (("openvino", "OpenVINO"), ("onnxruntime-cpu", "ONNX Runtime")),
    }
    return GoalValue(**{**base, **changes})
