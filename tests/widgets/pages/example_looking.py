"""Example values of the pages "What was tried" and "Layers"."""

from widgets.pages.layers.value import LayersOf, LayersValue
from widgets.pages.tried.value import TriedValue
from widgets.parts.tables.values import Cell
from workers.contracts.after.changes import Layer, LayersResult

_KINDS = ("Convolution", "Convolution", "Eltwise", "Convolution", "Reorder", "FullyConnected", "Pooling", "Softmax")


def tried() -> TriedValue:
    """A recipe with every outcome."""
    return TriedValue(
        headline="4 ways were tried, 2 others were left out or not needed.",
        rows=(
            _recipe("Original", "What everything else is compared with.", "4.0 ms, 14 MB", "Tried in 4.2 s", "", Cell("To compare with", tag="none")),
            _recipe(
                "16-bit numbers (BF16)", "Numbers with half the digits, where this processor computes with them directly.",
                "2.1 ms, 1.9 × as fast (1.85 to 1.95), 100 % alike, 14 MB", "Measured on 2026-03-04 at 05:06", "", Cell("Recommended", tag="ok"),
            ),
            _recipe(
                "Faster engine", "Another engine for the same model.", "3.7 ms, 1.1 × as fast, 100 % alike, 14 MB",
                "Tried in 4.4 s", "Another one is faster.", Cell("Alike, not proven", tag="warn"),
            ),
            _recipe(
                "INT8, all layers", "Numbers in 8 bits.", "1.6 ms, 2.5 × as fast, 93 % alike, 3.6 MB",
                "Tried in 5.5 s", "Beyond your limit of 1 %", Cell("Silent regression", tag="bad"),
            ),
            _recipe("INT8, sensitive layers kept", "", "", "", "No time left within your limit.", Cell("Not begun", tag="none")),
            _recipe("On the graphics card", "", "", "", "There is none here.", Cell("Left out", tag="none")),
        ),
        said=(
            ("scales", "Why this one", "“16-bit numbers (BF16)” is 1.9 times as fast as the original."),
            ("stack", "Why not 8 bits", "“INT8, all layers”: only 93 % of its answers are alike."),
            ("cpu", "On other computers", "Expected, not measured: about the original's speed."),
        ),
        forecast=(
            ("Time", "1 min 20 s", "70 s", "66 s", "6 % too high"),
            ("Memory at its peak", "900 MB", "850 MB", "1.1 GB", "23 % too low"),
        ),
        forecast_note="Memory is the sum over all of its processes; shared memory is counted in each.",
    )  # fmt: skip


def _recipe(title: str, why: str, gave: str, note: str, because: str, outcome: Cell) -> tuple[Cell, Cell, Cell, Cell]:
    return Cell(title, strong=True, below=why), Cell(gave, below=note), Cell(because), outcome


def layers(count: int = 66) -> LayersValue:
    """An original and a version that is twice as fast."""
    return LayersValue(
        versions=(("v1", "16-bit numbers (BF16)"), ("v2", "Faster engine"), ("v0", "Original")),
        chosen="v1",
        sides=(
            _side("Original", "ONNX Runtime", count, 4.0, "f32"),
            _side("16-bit numbers (BF16)", "OpenVINO", count * 3 // 4, 2.0, "bf16"),
        ),
    )


def _side(title: str, engine: str, count: int, total_ms: float, precision: str) -> LayersOf:
    weights = [1 + (number * 7919) % 23 for number in range(count)]
    made = []
    for number, weight in enumerate(weights):
        ms = weight / sum(weights) * total_ms
        size = 3_000 * weight if number % 3 else None
        sensitivity = weight / 1000 if number % 5 == 0 else None
        name = f"/features/features.{number}/conv/Conv"
        kind = _KINDS[number % len(_KINDS)]
        made.append(
            Layer(
                order=number, name=name, kind=kind, ms=ms, size_bytes=size, precision=precision, sensitivity=sensitivity
            )
        )
    return LayersOf(title, engine, LayersResult(layers=tuple(made), total_ms=total_ms))
