"""Arrays go into the model as they are, and only pictures are prepared: the golden inputs of a bundle are what was fed.

The original's answers and its accuracy are held against ONNX Runtime's on the same arrays.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import MEAN, STD, imagenet, normalized, opened
from channels_last import centered_pictures, channels_last_model, mel_patches
from fettle_command import Fettle
from model_cases import ROOT
from numpy.typing import NDArray
from one_engine import write_preset
from PIL import Image
from sides import Side
from workflow import Bundle, export, threads

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

MOBILENET = "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx"
STAMPS = "DATA/imagenet_stamps"
COUNT, GOLDEN = 100, 20


@dataclass(frozen=True)
class Feeding:
    """A model with data, and by its name what each example must be for the model: arrays by input name."""

    model: Path
    data: Path
    fed: Callable[[str], Mapping[str, NDArray[Any]]]
    labels: Mapping[str, tuple[int, ...]] | None = None


@dataclass(frozen=True)
class Fed:
    """A finished run: what it reported, its first version with the bundle of it, and both bundles' first test inputs with the
    answers that Fettle got."""

    feeding: Feeding
    document: dict[str, Any]
    optimized: dict[str, Any]
    bundle: Bundle
    golden: dict[str, list[NDArray[Any]]]
    fettle: Fettle
    folder: Path

    def answers(self) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Of the original by ONNX Runtime and of the bundle in its own environment, to all examples of the run."""
        feeds = [self.feeding.fed(name) for name in self.document["items"]]
        original = {"kind": "onnx", "path": str(self.feeding.model), "threads": threads()}
        optimized = {"kind": "bundle", "path": str(self.bundle.folder), "threads": threads()}
        python = str(self.bundle.python)
        with Side(original, self.folder / "side") as old, Side(optimized, self.folder / "bundle side", python) as new:
            mine, theirs = ([next(iter(outputs.values())) for outputs in side.answers(feeds)] for side in (old, new))
        return mine, theirs

    def right_share(self, answers: list[NDArray[Any]]) -> float:
        """By the labels that were given."""
        assert self.feeding.labels is not None
        right = [self.feeding.labels[name] for name in self.document["items"]]
        return float(np.mean([int(values.argmax()) in labels for values, labels in zip(answers, right, strict=True)]))


def stamps() -> dict[str, tuple[int, ...]]:
    lines = (ROOT / STAMPS / "labels.csv").read_text(encoding="utf-8").splitlines()[1 : COUNT + 1]
    rows = [line.split(",") for line in lines]
    return {row[0]: tuple(int(label) for label in row[1].split("|")) for row in rows}


def pictures(folder: Path) -> Feeding:
    """Return files prepared by the model's own description."""
    labels = stamps()
    data = folder / "pictures"
    data.mkdir()
    for name in labels:
        (data / name).write_bytes((ROOT / STAMPS / name).read_bytes())
    rows = [f"{name},{'|'.join(map(str, right))}" for name, right in labels.items()]
    (data / "labels.csv").write_text("\n".join(["file,label", *rows]), encoding="utf-8")
    return Feeding(ROOT / MOBILENET, data, lambda name: {"input": imagenet(data / name)}, labels)


def prepared(folder: Path, key: str) -> Feeding:
    """What already is the model's input, under a name."""
    labels = stamps()
    values = np.concatenate([imagenet(ROOT / STAMPS / name) for name in labels])
    return arrays(folder, key, values, ROOT / MOBILENET, "input", list(labels.values()))


def pixels(folder: Path) -> Feeding:
    """Pictures as 8-bit arrays, which need all of the preparation but decoding."""
    labels = stamps()
    squares = [opened(ROOT / STAMPS / name).resize((256, 256), Image.Resampling.BILINEAR) for name in labels]
    data = folder / "pixels.npz"
    right = list(labels.values())
    np.savez(data, x=np.stack([np.asarray(square) for square in squares]), label=written(right))
    middle = [normalized(np.asarray(square)[16:240, 16:240], MEAN, STD) for square in squares]
    return Feeding(ROOT / MOBILENET, data, lambda name: {"input": middle[number_of(name)]}, numbered(right))


def arrays(
    folder: Path, key: str, values: NDArray[Any], model: Path, entry: str, right: list[tuple[int, ...]] | None = None
) -> Feeding:
    data = folder / "arrays.npz"
    labels = {} if right is None else {"label": written(right)}
    np.savez(data, allow_pickle=False, **{key: values}, **labels)

    def fed(name: str) -> Mapping[str, NDArray[Any]]:
        return {entry: values[number_of(name)][None]}

    return Feeding(model, data, fed, None if right is None else numbered(right))


def number_of(name: str) -> int:
    return int(name.removeprefix("item ")) - 1


def written(right: list[tuple[int, ...]]) -> NDArray[Any]:
    return np.asarray(["|".join(map(str, labels)) for labels in right])


def numbered(right: list[tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {f"item {number + 1}": labels for number, labels in enumerate(right)}


def mel(folder: Path) -> Feeding:
    model = channels_last_model(folder / "sounds.onnx", "mel", 96, 64, 1)
    return arrays(folder, "mel", mel_patches(COUNT), model, "mel")


def centered(folder: Path) -> Feeding:
    model = channels_last_model(folder / "pictures.onnx", "picture", 32, 32, 3)
    return arrays(folder, "picture", centered_pictures(COUNT), model, "picture")


real = pytest.mark.models
FEEDINGS = [
    pytest.param(pictures, id="picture files", marks=real),
    pytest.param(lambda folder: prepared(folder, "input"), id="prepared, named as the input", marks=real),
    pytest.param(lambda folder: prepared(folder, "x"), id="prepared, named x", marks=real),
    pytest.param(pixels, id="8-bit pixels", marks=real),
    pytest.param(mel, id="mel patches of one channel"),
    pytest.param(centered, id="centered pictures, channels last"),
]


@pytest.fixture(scope="module", params=FEEDINGS)
def fed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fed:
    folder = tmp_path_factory.mktemp("fed")
    feeding: Feeding = request.param(folder)
    fettle = Fettle(folder / "home")
    words = ("--data", feeding.data, "--recipe", write_preset(folder), "--time-budget", "400", "--json")
    done = fettle("optimize", feeding.model, *words, timeout_s=900)
    assert done.code in (0, 4), done.err
    compared = fettle("compare", done.document["run_id"], "--json").document
    golden, optimized = {}, compared["variants"][0]
    for place, version in (("original", compared["baseline"]), ("optimized", optimized)):
        (folder / place).mkdir()
        bundle = export(fettle, compared["run_id"], version, folder / place)
        golden |= {f"{place} {part}": stored(bundle.folder / "golden" / part) for part in ("inputs", "answers")}
    return Fed(feeding, compared, optimized, bundle, golden, fettle, folder)


def stored(folder: Path) -> list[NDArray[Any]]:
    """The first array of each item, read by the files' own description."""
    (entry, *_) = json.loads((folder / "index.json").read_text(encoding="utf-8"))["inputs"]
    values = np.fromfile(folder / f"{entry['stem']}.bin", dtype=entry["dtype"])
    ends = np.load(folder / f"{entry['stem']}.offsets.npy", allow_pickle=False)
    shapes = np.load(folder / f"{entry['stem']}.shapes.npy", allow_pickle=False)
    return [values[a:b].reshape(shape) for a, b, shape in zip(ends[:-1], ends[1:], shapes.tolist(), strict=True)]


def test_the_model_got_what_was_given(fed: Fed) -> None:
    """Given the first examples that were judged, then both versions' golden inputs are these arrays, value by value."""
    for place in ("original inputs", "optimized inputs"):
        found = fed.golden[place]
        assert len(found) == GOLDEN
        for name, values in zip(fed.document["items"], found, strict=False):
            (wanted,) = fed.feeding.fed(name).values()
            assert values.shape == wanted.shape
            np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-5, err_msg=f"{place} {name}")


def test_the_answers_are_those_of_its_own_library(fed: Fed) -> None:
    """Given the same arrays, then the original's answers, and its accuracy where there are labels, are ONNX Runtime's."""
    answers, _ = fed.answers()
    for place, limit in (("original answers", 1e-4), ("optimized answers", 2e-2)):
        for wanted, found in zip(answers, fed.golden[place], strict=False):
            scale = float(np.abs(wanted).max())
            np.testing.assert_allclose(found / scale, wanted / scale, rtol=0, atol=limit, err_msg=place)
    report = fed.document["baseline"]["accuracy"]
    if fed.feeding.labels is None:
        assert report is None
        return
    mine = fed.right_share(answers)
    assert mine > 0.5
    assert report == pytest.approx(mine, abs=1e-6)


def test_stress_begins_with_what_was_judged(fed: Fed) -> None:
    """Given the same examples unchanged, then stress finds the accuracy of both, or else how often they agree."""
    words = ("stress", fed.document["run_id"], "--variant", fed.optimized["id"], "--seconds", "300", "--json")
    done = fed.fettle(*words, timeout_s=900)
    assert done.code == 0, done.err
    clean = done.document["clean"]
    assert clean["n"] == len(fed.document["items"]), "stopped early: the machine is too busy"
    old, new = fed.answers()
    if fed.feeding.labels is None:
        alike = np.mean([a.argmax() == b.argmax() for a, b in zip(old, new, strict=True)])
        assert clean["optimized"] == pytest.approx(alike, abs=1e-3)
        return
    assert clean["original"] == pytest.approx(fed.document["baseline"]["accuracy"], abs=1e-6)
    assert clean["optimized"] == pytest.approx(fed.right_share(new), abs=1e-6)
