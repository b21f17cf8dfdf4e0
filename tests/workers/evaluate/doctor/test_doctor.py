"""The preprocessing doctor: finds the preparation that fits, and reports when the examples do not decide."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stress_models as models
from evaluated import small_spec
from onnx import TensorProto, helper
from PIL import Image
from recording import RecordingContext

from presets.sample import sample_paths
from workers.contracts.data.doctor import DoctorParams, DoctorResult
from workers.contracts.jobs import OpenParams, OpenResult
from workers.contracts.pipeline import read_pipeline, spec_text, write_pipeline
from workers.evaluate.doctor.job import AS_THEY_ARE
from workers.model_io.preprocess_spec import spec_from_string
from workers.pipeline.spec import ArraySteps, ImageSteps
from workers.runtime.kinds import load_job

Doctor = Callable[..., DoctorResult]
Make = Callable[..., Path]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    def run(folder: Path, data: Path, **more: Any) -> DoctorResult:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        params = DoctorParams(model_dir=str(folder), path=str(data), seconds=60, **more)
        result = load_job("doctor").run(params, RecordingContext(work))
        assert isinstance(result, DoctorResult)
        return result

    return run


@pytest.fixture
def brightest(tmp_path: Path) -> Make:
    """A model of pictures of 8 × 8: which of red, green and blue is the brightest."""

    def make(**steps: Any) -> Path:
        weights = models.tensor("w", 8 * np.eye(3))
        nodes = [
            helper.make_node("GlobalAveragePool", ["input"], ["p"]),
            helper.make_node("Flatten", ["p"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["output"]),
        ]
        spec = small_spec(
            "image-classification", "image", (None, 3, 8, 8), (None, 3), ImageSteps(resize=(8, 8), **steps)
        )
        entry, found = models.floats("input", "n", 3, 8, 8), models.floats("output", "n", 3)
        return models.save(tmp_path / "brightest", nodes, [entry], [found], [weights], spec)

    return make


@pytest.fixture
def first_value(tmp_path: Path) -> Make:
    """A model of four whole numbers: its answer is the first of them, a row of a table of six."""

    def make(**steps: Any) -> Path:
        table, at = models.tensor("t", 8 * np.eye(6)), models.tensor("at", 0, np.int64)
        nodes = [
            helper.make_node("Gather", ["input", "at"], ["first"], axis=1),
            helper.make_node("Gather", ["t", "first"], ["output"]),
        ]
        spec = small_spec("array-classification", "array", (None, 4), (None, 6), ArraySteps(**steps), dtype="int64")
        entry = helper.make_tensor_value_info("input", TensorProto.INT64, ["n", 4])
        return models.save(tmp_path / "first", nodes, [entry], [models.floats("output", "n", 6)], [table, at], spec)

    return make


@pytest.fixture
def surer_of_larger(tmp_path: Path) -> Path:
    """A model of four numbers that is surer of its class the larger the first is."""
    nodes = [helper.make_node("MatMul", ["input", "w"], ["output"])]
    weights = models.tensor("w", np.outer([0.1, 0, 0, 0], [1, -1]))
    spec = small_spec("array-classification", "array", (None, 4), (None, 2), ArraySteps())
    entry, found = models.floats("input", "n", 4), models.floats("output", "n", 2)
    return models.save(tmp_path / "sure", nodes, [entry], [found], [weights], spec)


def _colors(folder: Path, *, labelled: bool = True) -> Path:
    """60 pictures, each a little brighter in one of the three colors."""
    rng = np.random.default_rng(3)
    for number in range(60):
        values = rng.integers(60, 120, (12, 12, 3))
        values[:, :, number % 3] += 70
        place = folder / str(number % 3) if labelled else folder
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values.astype(np.uint8)).save(place / f"{number}.png")
    return folder


def test_exchanged_colors_are_found(doctor: Doctor, brightest: Make, tmp_path: Path) -> None:
    """Given labelled pictures and a model of RGB, When it was opened as BGR, Then RGB fits far better, with the figures
    of both."""
    found = doctor(brightest(channels="bgr"), _colors(tmp_path / "data"))
    assert found.verdict == "far_better" and found.evidence == "labels"
    assert found.best is not None and isinstance(found.best.preprocess, ImageSteps)
    assert found.best.preprocess.channels == "rgb" and found.best.score == 1.0 and found.best.n == 60
    chosen = next(row for row in found.ways if row.is_chosen)
    assert chosen.score is not None and chosen.score < 0.5
    assert found.p_value is not None and found.p_value < 0.01
    assert "RGB" in found.what and "60 of 60 answers are right" in found.why


def test_right_preparation_stays(doctor: Doctor, brightest: Make, tmp_path: Path) -> None:
    """Given the same model opened as RGB, Then the chosen preparation fits, although others are as good."""
    found = doctor(brightest(), _colors(tmp_path / "data"))
    assert found.verdict == "fits" and found.best is not None and found.best.is_chosen


def test_integers_in_the_wrong_order_are_corrected(doctor: Doctor, first_value: Make, tmp_path: Path) -> None:
    """Given whole numbers that are read backwards and counted from one, When labels are there, Then both is found."""
    rng = np.random.default_rng(5)
    values = rng.integers(0, 6, (80, 4))
    np.savez(tmp_path / "data.npz", x=values, y=values[:, 0])
    found = doctor(first_value(order="reversed", offset=1.0), tmp_path / "data.npz")
    assert found.verdict == "far_better" and found.best is not None
    assert found.best.preprocess == ArraySteps()
    assert spec_from_string(found.best.spec, ArraySteps(order="halves")) == ArraySteps()


def _by_chance(folder: Path) -> None:
    rng = np.random.default_rng(7)
    for number in range(60):
        place = folder / str(rng.integers(3))
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(place / f"{number}.png")


def _one_of_each(folder: Path) -> None:
    for path in _colors(folder).rglob("*.png"):
        if int(path.stem) > 2:
            path.unlink()


def _one_kind(folder: Path) -> None:
    _colors(folder)
    for other in ("1", "2"):
        shutil.rmtree(folder / other)


def _damaged(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.png").write_bytes(b"nothing")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (_by_chance, "better than guessing"), (_one_of_each, "only 3 examples"), (_one_kind, "guessing 100 %"),
        (_damaged, "None of the examples can be read."),
    ],
)  # fmt: skip
def test_examples_that_show_nothing_are_unclear(
    doctor: Doctor, brightest: Make, tmp_path: Path, write: Callable[[Path], None], reason: str
) -> None:
    """Given noise with labels by chance, three pictures, one kind or damaged files, Then the verdict is unclear, and the
    reason is named."""
    write(tmp_path / "data")
    found = doctor(brightest(), tmp_path / "data")
    assert found.verdict == "unclear" and found.best is None and reason in f"{found.what} {found.why}"


def test_part_of_the_labels_is_enough(doctor: Doctor, brightest: Make, tmp_path: Path) -> None:
    """Given a list of labels in which two thirds are missing, and damaged files, Then the whole files with a label decide."""
    folder = _colors(tmp_path / "data", labelled=False)
    for number in range(5):
        (folder / f"bad{number}.png").write_bytes(b"nothing")
    rows = [f"{n}.png,{n % 3 if n % 9 < 4 else ''}" for n in range(60)]
    (folder / "labels.csv").write_text("file,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    found = doctor(brightest(channels="bgr"), folder)
    assert (found.verdict, found.evidence) == ("far_better", "labels") and found.best is not None
    assert 20 <= found.best.n < 60


def test_prepared_arrays_are_unclear_and_pixels_are_tried(doctor: Doctor, brightest: Make, tmp_path: Path) -> None:
    """Given arrays of the model's own shape, Then no preparation is called right or wrong: none is made. Given pixels
    in an array, Then preparations are tried as on files."""
    labels = np.arange(60) % 3
    bits = np.random.default_rng(1).integers(0, 120, (60, 8, 8, 3), np.uint8)
    bits[np.arange(60), :, :, labels] += 120
    model = brightest(channels="bgr")
    np.savez(tmp_path / "floats.npz", x=bits.transpose(0, 3, 1, 2).astype(np.float32), y=labels)
    found = doctor(model, tmp_path / "floats.npz")
    assert (found.verdict, found.evidence, found.why) == ("unclear", "none", AS_THEY_ARE) and found.runs == 0
    np.savez(tmp_path / "bits.npz", x=bits, y=labels)
    assert doctor(model, tmp_path / "bits.npz").verdict == "far_better"


def test_rows_of_a_table_without_labels_are_unclear(doctor: Doctor, surer_of_larger: Path, tmp_path: Path) -> None:
    """Given columns of numbers and a model that is surer of larger ones, Then without labels no scale is called better."""
    rows = np.random.default_rng(2).normal(size=(80, 4)) * (40, 1, 1, 1)
    np.savez(tmp_path / "rows.npz", x=rows)
    found = doctor(surer_of_larger, tmp_path / "rows.npz")
    assert (found.verdict, found.evidence, found.runs) == ("unclear", "none", 0)
    np.savez(tmp_path / "known.npz", x=rows, y=(rows[:, 0] < 0).astype(np.int64))
    found = doctor(surer_of_larger, tmp_path / "known.npz")
    assert (found.verdict, found.evidence) == ("fits", "labels")


def test_model_without_classes_is_unclear(doctor: Doctor, first_value: Make, tmp_path: Path) -> None:
    """Given a model whose answers are vectors, Then the verdict is unclear, with the reason."""
    folder = first_value()
    spec = read_pipeline(folder)
    changed = replace(spec, answer_kind="embedding")
    write_pipeline(folder, changed)
    np.savez(tmp_path / "data.npz", x=np.zeros((20, 4), np.int64))
    found = doctor(folder, tmp_path / "data.npz")
    assert (found.verdict, found.evidence) == ("unclear", "none") and "no classes" in found.why


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The built-in sample opened with a preparation."""

    def run(preprocess: str | None = None) -> Path:
        work = tmp_path_factory.mktemp("open")
        params = OpenParams(path=str(sample_paths().model), preprocess=preprocess)
        result = load_job("open").run(params, RecordingContext(work))
        assert isinstance(result, OpenResult)
        return work / result.model_dir

    return run


def test_sample_with_wrong_hints_is_corrected(doctor: Doctor, sample: Make) -> None:
    """Given the sample opened for dark on bright, Then its own mean and spread are found."""
    right = sample()
    found = doctor(sample("mean=1,std=-1,range=0..1"), sample_paths().data)
    assert found.verdict == "far_better" and found.best is not None
    steps = found.best.preprocess
    assert isinstance(steps, ImageSteps)
    assert (steps.mean, steps.std, steps.range) == ((0.286,), (0.353,), "0..1")
    assert doctor(right, sample_paths().data).verdict == "fits"


@pytest.mark.whole
def test_examples_without_labels_are_judged_by_confidence(doctor: Doctor, sample: Make, tmp_path: Path) -> None:
    """Given the sample's pictures without labels, Then confidence finds the same; on noise the verdict is unclear."""
    with np.load(sample_paths().data) as stored:
        np.savez(tmp_path / "plain.npz", x=stored["x"])
    np.savez(tmp_path / "noise.npz", x=np.random.default_rng(0).integers(0, 256, (100, 28, 28), np.uint8))
    wrong = sample("mean=1,std=-1,range=0..1")
    found = doctor(wrong, tmp_path / "plain.npz")
    assert found.evidence == "confidence" and found.verdict == "far_better" and found.best is not None
    assert isinstance(found.best.preprocess, ImageSteps) and found.best.preprocess.mean == (0.286,)
    noise = doctor(wrong, tmp_path / "noise.npz")
    assert noise.verdict == "unclear" and "no surer of these examples than of noise" in noise.what


def test_spec_text_is_read_back_as_the_same_steps() -> None:
    """Given steps of every kind, Then their SPEC gives them back."""
    steps = ImageSteps(resize=256, crop=(224, 192), mean=(0.485, 0.456, 0.406), std=(-1.0,) * 3, channels="bgr")
    assert spec_from_string(spec_text(steps), ImageSteps()) == steps
    arrays = ArraySteps(scale=1 / 255, offset=-1.0, order="reversed", swap=(256.0, 0.0))
    read = spec_from_string(spec_text(arrays), ArraySteps())
    assert isinstance(read, ArraySteps) and read.swap == arrays.swap and read.order == "reversed"
    assert read.scale == pytest.approx(1 / 255)
