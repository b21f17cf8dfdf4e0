"""The same numbers go into the model from data, stress, load, Try it, golden results and the bundle."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import read_set, write_noise
from numpy.typing import NDArray
from PIL import Image

from workers.contracts.after.stress import StressParams, StressPart
from workers.contracts.after.trying import TryRequest
from workers.contracts.pipeline import AudioSteps, ImageSteps, read_pipeline, write_pipeline
from workers.evaluate.data.dataset import Kind, read_dataset
from workers.evaluate.look.one_input import feeds_of
from workers.evaluate.stress.samples import NumberSamples, PictureSamples, read_items, samples_for
from workers.export.layout import copy_code
from workers.measure.requests import load_requests
from workers.pipeline.golden import write_golden
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared
from workers.runtime.calibration import calibration_feeds

Feeds = Mapping[str, NDArray[Any]]
COUNT = 24
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZED = ImageSteps(resize=(8, 8), mean=MEAN, std=STD)
LOUD = AudioSteps(sample_rate_hz=8000, frame_samples=120, context_samples=40, scale=32768.0)


class Silent:
    """A model whose predictions are not used."""

    def run(self, feeds: Feeds) -> dict[str, NDArray[Any]]:
        rows = len(feeds["input"])
        return {"output": np.zeros((rows, 3), np.float32), "next": np.zeros((1, 2), np.float32)}


def pixels(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (COUNT, *shape), np.uint8)


def floats(shape: tuple[int, ...], low: float = -2.2, high: float = 12.6) -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(low, high, (COUNT, *shape)).astype(np.float32)


def as_normalized(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 8, 8, 3) as torchvision prepares it, worked out here."""
    done = (values.astype(np.float32) / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
    return np.ascontiguousarray(done.transpose(0, 3, 1, 2))


def as_frames(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(pieces, 160): 120 new samples after 40 old ones, zeros at first, times 32768."""
    padded = np.concatenate([np.zeros(40, np.float32), samples * np.float32(32768)])
    return np.stack([padded[i * 120 : i * 120 + 160] for i in range(len(samples) // 120)])


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def picture_files(folder: Path) -> Path:
    for number, values in enumerate(pixels((8, 8, 3))):
        Image.fromarray(values).save(folder / f"{number:02}.png")
    return folder


def wav_files(folder: Path) -> Path:
    for number in range(COUNT):
        write_noise(folder / f"{number:02}.wav", number, 600)
    return folder


def texts_of(folder: Path) -> Path:
    words = ["good film", "bad weather", "very good", "the film was bad", "really the weather today"]
    lines = [f"{words[i % 5]} {'very ' * i}" for i in range(COUNT)]
    (folder / "t.csv").write_text("text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder / "t.csv"


def number_of(source: str) -> int:
    """Which item of the written data it is, counted from 0."""
    stem = source.rsplit("/", 1)[-1].removesuffix(".png").removesuffix(".wav")
    return int(stem) if stem.isdigit() else int(stem.split()[-1]) - 1


def wav_samples(number: int) -> NDArray[np.float32]:
    values = np.random.default_rng(number).integers(-9000, 9000, 600, dtype=np.int16)
    return values.astype(np.float32) / np.float32(32768)


NHWC = replace(NORMALIZED, layout="nhwc")
IMAGES: dict[str, Any] = {"preprocess": NORMALIZED}
CASES: dict[str, tuple[str, dict[str, Any], Any, Callable[[Path], Path], Any]] = {
    "files": ("pictures", IMAGES, "images", picture_files, lambda i: as_normalized(pixels((8, 8, 3)))[i]),
    "x of pixels": ("pictures", IMAGES, "images", lambda f: npz(f, x=pixels((8, 8, 3))),
                    lambda i: as_normalized(pixels((8, 8, 3)))[i]),
    "named pixels": ("pictures", IMAGES, "images", lambda f: npz(f, input=pixels((8, 8, 3))),
                     lambda i: as_normalized(pixels((8, 8, 3)))[i]),
    "x prepared": ("pictures", IMAGES, "arrays", lambda f: npz(f, x=floats((3, 8, 8))), lambda i: floats((3, 8, 8))[i]),
    "named prepared": ("pictures", IMAGES, "arrays", lambda f: npz(f, input=floats((3, 8, 8))),
                       lambda i: floats((3, 8, 8))[i]),
    "prepared, channels last": ("pictures", {"preprocess": NHWC, "shape": (None, 8, 8, 3)}, "arrays",
                                lambda f: npz(f, x=floats((8, 8, 3), 4.1)), lambda i: floats((8, 8, 3), 4.1)[i]),
    "spectra": ("pictures", {"preprocess": ImageSteps(channels="gray"), "shape": (None, 1, 96, 4)}, "arrays",
                lambda f: npz(f, x=floats((96, 4), 4.1)), lambda i: floats((96, 4), 4.1)[i][None]),
    "numbers": ("numbers", {}, "arrays", lambda f: npz(f, x=floats((4,))), lambda i: floats((4,))[i]),
    "sounds": ("sounds", {"preprocess": LOUD}, "audio", wav_files, lambda i: as_frames(wav_samples(i))),
    "frames": ("sounds", {"preprocess": LOUD}, "arrays", lambda f: npz(f, input=floats((160,))),
               lambda i: floats((160,))[i][None]),
    "texts": ("texts", {}, "texts", texts_of, None),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_model_inputs_are_the_same_everywhere(case: str, model_dir: Callable[[str], Path], tmp_path: Path) -> None:
    """Given data of a kind, When they are read, Then the judged inputs are bit by bit those computed here; and stress,
    load, Try it, calibration and golden results, and the bundle's own code, give the same."""
    kind, changes, data_kind, write, wanted = CASES[case]
    place = tmp_path / "given"
    place.mkdir()
    source = write(place)
    folder = change_spec(model_dir(kind), changes)
    result, data_dir = read_set(folder, source, tmp_path / "read")
    pipeline, prepared, data = load_pipeline(folder), Prepared(data_dir / "test"), read_dataset(data_dir)
    assert result.kind == data.kind == data_kind and result.merged_doubles == 0 and not result.unreadable
    feeds = [{name: np.array(value) for name, value in item.items()} for item in prepared]
    if wanted is not None:
        rows = [np.asarray(wanted(number_of(item.source))) for item in data.test]
        rows = [row if pipeline.stateful else row[None] for row in rows]
        for fed, row in zip(feeds, rows, strict=True):
            np.testing.assert_array_equal(fed["input"], row)
    assert_same(feeds, stressed(folder, data_dir, source, data_kind))
    assert_same(feeds, [feeds_of(TryRequest(item=i), pipeline, prepared)[0] for i in range(len(prepared))])
    assert_same(feeds, [dropped(pipeline, source, item, place) for item in data.test])
    if not pipeline.stateful:
        assert_same(feeds, load_requests(folder, data_dir).feeds[: len(feeds)])
    if wanted is not None:
        write_golden(tmp_path / "golden", pipeline, Silent(), prepared)
        assert_same(feeds, list(Prepared(tmp_path / "golden" / "inputs")))
    calibration = [pipeline.feeds_from(opened(source, item, place)) for item in data.calibration]
    assert_same(calibration, list(calibration_feeds(data_dir, None)))
    assert_same(feeds[:3], by_bundle(tmp_path, folder, [opened(source, item, place) for item in data.test[:3]]))


def change_spec(folder: Path, changes: dict[str, Any]) -> Path:
    file = folder / "pipeline.json"
    spec = read_pipeline(file.parent)
    shape = changes.get("shape", spec.inputs[0].shape)
    inputs = (replace(spec.inputs[0], shape=shape), *spec.inputs[1:])
    steps = changes.get("preprocess", spec.preprocess)
    write_pipeline(file.parent, replace(spec, inputs=inputs, preprocess=steps))
    return folder


def assert_same(first: list[Any], second: list[Any]) -> None:
    assert len(first) == len(second) > 0
    for a, b in zip(first, second, strict=True):
        assert set(a) == set(b)
        for name in a:
            assert a[name].dtype == b[name].dtype
            np.testing.assert_array_equal(a[name], b[name])


def stressed(folder: Path, data_dir: Path, source: Path, kind: Kind) -> list[Any]:
    """What `stress` feeds before anything is changed."""
    part = StressPart(data_dir=str(data_dir), source=str(source))
    params = StressParams(
        original_dir=str(folder), original_runtime="onnxruntime-cpu", variant_dir=str(folder),
        variant_runtime="onnxruntime-cpu", parts=(part,), max_seconds=60,
    )  # fmt: skip
    pipeline = load_pipeline(folder)
    items = read_items(params, pipeline)
    samples = samples_for(pipeline, items)
    assert samples.takes == kind and isinstance(samples, NumberSamples) == (kind == "arrays")
    if isinstance(samples, PictureSamples):
        assert samples.redrawn == 0
    return [samples.feeds(pipeline, given, samples.open(given)) for given in items]


def opened(source: Path, item: Any, place: Path) -> Any:
    """One example as a person has it: its file, its text, or an NPZ with one row."""
    if item.text is not None:
        return item.text
    if source.is_dir():
        return source / item.source
    number = number_of(item.source)
    target = place / f"one{number}.npz"
    with np.load(source) as stored:
        np.savez(target, **{name: stored[name][number : number + 1] for name in stored.files})
    return target


def dropped(pipeline: Any, source: Path, item: Any, place: Path) -> Any:
    """What Try it feeds of a file or a text that is dropped."""
    given = opened(source, item, place)
    request = TryRequest(text=given) if isinstance(given, str) else TryRequest(path=str(given))
    return feeds_of(request, pipeline, None)[0]


BUNDLE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
from fettle_bundle.pipeline.pipeline import load_pipeline
pipeline = load_pipeline(sys.argv[2])
for number, given in enumerate(sys.argv[4:]):
    source = given[2:] if given.startswith("t:") else Path(given[2:])
    np.savez(Path(sys.argv[3]) / f"fed{number}.npz", **pipeline.feeds_from(source))
assert "workers" not in sys.modules
"""


def by_bundle(work: Path, folder: Path, given: list[Any]) -> list[Any]:
    """What the code in a bundle feeds, in a process that knows nothing else of ours."""
    copy_code(work / "bundle", "onnxruntime_cpu", ())
    arguments = [f"t:{one}" if isinstance(one, str) else f"p:{one}" for one in given]
    command = [sys.executable, "-I", "-c", BUNDLE, str(work / "bundle"), str(folder), str(work), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=work, check=False)
    assert done.returncode == 0, done.stderr
    return [dict(np.load(work / f"fed{number}.npz")) for number in range(len(given))]


def test_overwritten_picture_is_redrawn_from_stored_inputs(model_dir: Callable[[str], Path], tmp_path: Path) -> None:
    """Given a picture file that was overwritten after the examples were read, Then stress feeds what was judged."""
    place = tmp_path / "given"
    place.mkdir()
    source = picture_files(place)
    folder = change_spec(model_dir("pictures"), IMAGES)
    _, data_dir = read_set(folder, source, tmp_path / "read")
    feeds = list(Prepared(data_dir / "test"))
    for path in source.iterdir():
        Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(path)
    part = StressPart(data_dir=str(data_dir), source=str(source))
    params = StressParams(
        original_dir="o", original_runtime="r", variant_dir="v", variant_runtime="r", parts=(part,), max_seconds=60
    )
    pipeline = load_pipeline(folder)
    items = read_items(params, pipeline)
    samples = samples_for(pipeline, items)
    assert_same(feeds, [samples.feeds(pipeline, given, samples.open(given)) for given in items])
    assert isinstance(samples, PictureSamples) and samples.redrawn == len(feeds)
