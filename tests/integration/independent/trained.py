"""Models that are trained here in minutes, whose examples are made and so known exactly: things, masks, words."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import changed
import clothes_detector
import clothes_scenes
import clothes_segmenter
import field_tools
import numpy as np
import words_recognizer
from made_once import made_once
from model_cases import ROOT, ModelCase, Raw, Source
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile

SPEECH_WORDS = ROOT / "DATA/speech_words.npz"
KEPT = os.environ.get("FETTLE_TRAINED_DIR")
"""Where trained models are kept from one run of tests to the next."""

EXAMPLES, FEW = 600, 200
Values = NDArray[Any]


@dataclass(frozen=True)
class Trained:
    """`decode` turns the model's output of one example (without its batch axis) into what people see; `is_changed` returns
    of what two models see whether it changed (None: proves nothing). `scores` works out, of the named examples, the
    scores by their ids in Fettle's document."""

    name: str
    task: str
    train: Callable[[Path], Path]
    write: Callable[[Path, int], Path]
    read: Callable[[Source, Sequence[str]], list[Raw]]
    decode: Callable[[Path, Values], Any]
    is_changed: Callable[[Any, Any], bool | None]
    scores: Callable[[Path, Sequence[str], Sequence[Any]], Mapping[str, float]]

    @property
    def model(self) -> Path:
        """Train the model at its first use."""
        folder = Path(KEPT) / self.task if KEPT else made_once(f"trained for {self.task}", self.make)
        if KEPT and not (folder / "model.onnx").exists():
            folder.mkdir(parents=True, exist_ok=True)
            self.make(folder)
        return folder / "model.onnx"

    def make(self, folder: Path) -> None:
        """Model and examples, and few of them."""
        self.write(folder / "examples", EXAMPLES)
        self.write(folder / "few", FEW)
        self.train(folder / "model.onnx")

    @property
    def data(self) -> Path:
        return self.model.parent / "examples"

    @property
    def few(self) -> Path:
        """Enough of them to see that something is broken."""
        return self.model.parent / "few"

    @property
    def case(self) -> ModelCase:
        return ModelCase(
            self.name, str(self.model), str(self.data), "onnx", "numbers", self.read, output, budget_s=150.0
        )


def output(outputs: Mapping[str, Values], _feeds: Mapping[str, Values]) -> Values:
    """The only row of the only output."""
    (values,) = outputs.values()
    return np.asarray(values[0])


def pictures(source: Source, names: Sequence[str], folder: str, entry: str) -> list[Raw]:
    """Already of the model's size: colors of 0 to 1."""
    found = []
    for name in names:
        path = source.data / folder / Path(name).name
        pixels = np.asarray(Image.open(path), np.float32) / np.float32(255)
        found.append(Raw(str(path), {entry: np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])}))
    return found


def sounds(source: Source, names: Sequence[str]) -> list[Raw]:
    """Filled up with silence."""
    found = []
    for name in names:
        rate, samples = wavfile.read(source.data / name)
        assert rate == words_recognizer.RATE_HZ
        values = np.zeros((1, words_recognizer.SAMPLES), np.float32)
        values[0, : len(samples)] = samples / np.float32(32768)
        found.append(Raw(str(source.data / name), {"input_values": values}))
    return found


def precision(data: Path, names: Sequence[str], found: Sequence[Values]) -> dict[str, float]:
    workflow, half = field_tools.mean_average_precision(data / "annotations.json", [Path(n).name for n in names], found)
    return {"map": workflow, "map50": half}


def overlap(data: Path, names: Sequence[str], found: Sequence[Values]) -> dict[str, float]:
    truths = [np.asarray(Image.open(data / "masks" / Path(name).name)) for name in names]
    mean, right = field_tools.overlap(truths, found)
    return {"miou": mean, "pixel_accuracy": right}


def errors(data: Path, names: Sequence[str], found: Sequence[str]) -> dict[str, float]:
    lines = (data / "labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    texts = dict(line.split(",", 1) for line in lines)
    by_word, by_letter = field_tools.error_rates([texts[name] for name in names], found)
    return {"wer": by_word, "cer": by_letter}


@cache
def letters(model: Path) -> tuple[str, ...]:
    return tuple(field_tools.letters_of(model))


THINGS = Trained(
    "clothes, boxes",
    "detection",
    lambda path: clothes_detector.save(clothes_detector.train(), path),
    clothes_scenes.write_coco,
    partial(pictures, folder="", entry="images"),
    lambda _, answer: field_tools.boxes(answer),
    changed.things,
    precision,
)
MASKS = Trained(
    "clothes, masks",
    "segmentation",
    lambda path: clothes_segmenter.save(clothes_segmenter.train(), path),
    clothes_scenes.write_masks,
    partial(pictures, folder="images", entry="pixel_values"),
    lambda _, answer: answer.argmax(axis=0),
    changed.masks,
    overlap,
)
WORDS = Trained(
    "words",
    "transcript",
    lambda path: words_recognizer.save(words_recognizer.train(SPEECH_WORDS), path),
    lambda folder, count: words_recognizer.write_sayings(folder, SPEECH_WORDS, count),
    sounds,
    lambda model, answer: field_tools.spoken_text(answer, letters(model)),
    changed.words,
    errors,
)
ALL = (THINGS, MASKS, WORDS)
