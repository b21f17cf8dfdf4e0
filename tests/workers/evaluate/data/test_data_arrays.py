"""NPZ files, recordings and made inputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import write_noise

from workers.contracts.errors import InputRefused
from workers.evaluate.data import readers
from workers.evaluate.data.base import NOT_FINITE, Options
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.readers.arrays import read
from workers.evaluate.kinds import kinds_in
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineSpec

Make = Callable[..., Any]


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.fixture
def two_inputs() -> PipelineSpec:
    """A model that takes a user and an item."""
    inputs = tuple(PipelineInput(name, "float32", (None, 4), "array") for name in ("user", "item"))
    return PipelineSpec(task="arrays", inputs=inputs, outputs=(), preprocess=ArraySteps(), answer_kind="tensor")


def numbers(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)


@pytest.mark.parametrize("names", [("x", "y"), ("input", "label"), ("x_test", "y_test"), ("X", "labels")])
def test_arrays_under_usual_names_are_read(run_data: Make, tmp_path: Path, names: tuple[str, str]) -> None:
    """Given inputs and labels under usual names, then they are found; equal rows count once."""
    values = numbers(50)
    values[3] = values[4]
    labels = np.arange(50) % 3
    labels[3] = labels[4]
    result, folder = run_data("numbers", save(tmp_path / "a.npz", **{names[0]: values, names[1]: labels}))
    assert (result.n_test, result.n_calibration, result.merged_doubles) == (39, 10, 1)
    assert result.labelled and Prepared(folder / "test")[0]["input"].shape == (1, 4)


def test_many_duplicates_leave_a_test_set(run_data: Make, tmp_path: Path) -> None:
    """Given 1,000 rows of which 60 differ, so that a fifth of all would take every one of these for calibration, Then
    the rest is split again: a fifth of it calibrates, in proportion to the labels, and a warning counts the merged rows."""
    values = numbers(60)[np.arange(1000) % 60]
    labels = np.arange(1000) % 60 % 3
    result, folder = run_data("numbers", save(tmp_path / "a.npz", x=values, y=labels))
    assert (result.n_items, result.merged_doubles, result.n_test, result.n_calibration) == (1000, 940, 48, 12)
    data = read_dataset(folder)
    assert [sum(item.labels == (label,) for item in data.calibration) for label in range(3)] == [4, 4, 4]
    assert len(Prepared(folder / "test")) == 48 and len(Prepared(folder / "calibration")) == 12
    rows = {
        Prepared(folder / part)[i]["input"].tobytes()
        for part, n in (("test", 48), ("calibration", 12))
        for i in range(n)
    }
    assert len(rows) == 60, "no row is lost or in both parts"
    (report,) = [finding for finding in result.findings if "940" in finding.what]
    assert report.level == "warning"


@pytest.mark.parametrize("count", [1, 18])
def test_items_with_numbers_that_are_not_finite_are_reported(run_data: Make, tmp_path: Path, count: int) -> None:
    """Given rows with NaN or infinity, Then a warning counts them, and they stay: NaN may stand for a missing value."""
    values = numbers(50)
    values[:count, 0], values[0, 1] = np.nan, np.inf
    result, _ = run_data("numbers", save(tmp_path / "a.npz", x=values))

    (found,) = [finding for finding in result.findings if "not finite" in finding.what]
    assert found.level == "warning" and found.what.startswith(f"{count} item")
    assert (result.n_test + result.n_calibration, result.unreadable) == (50, ())


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        (np.array([-1] * 7 + [0, 1] * 6 + [2]), 7),
        (np.array([[-1, -1]] * 2 + [[0, -1]] * 18), 2),
        (np.arange(20) % 3, 0),
    ],
    ids=["numbers", "rows", "none"],
)
def test_labels_below_zero_are_reported(run_data: Make, tmp_path: Path, labels: np.ndarray, count: int) -> None:
    """Given labels of −1, which mean none here and a class elsewhere, Then a warning counts the items without one."""
    result, _ = run_data("numbers", save(tmp_path / "a.npz", x=numbers(20), y=labels))

    found = [finding.what for finding in result.findings if finding.level == "warning" and "below 0" in finding.what]
    assert [what.partition(" ")[0] for what in found] == ([str(count)] if count else [])


@pytest.mark.parametrize("labels", [np.arange(17) % 3, np.zeros((20, 2, 2)), np.array(3)])
def test_labels_of_another_size_are_reported(run_data: Make, tmp_path: Path, labels: np.ndarray) -> None:
    """Given labels that are not one for each item, Then a warning names both numbers."""
    result, _ = run_data("numbers", save(tmp_path / "a.npz", x=numbers(20), y=labels))
    warned = [finding.what for finding in result.findings if finding.level == "warning" and "“y”" in finding.what]
    have = {1: "17 labels", 3: "20×2×2 values", 0: "one value"}[labels.ndim]
    assert not result.labelled and len(warned) == 1 and have in warned[0] and "20 items" in warned[0]


TURNS = np.arange(20) % 3


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array(["0|1", "2"] * 10), {(0, 1), (2,)}), (np.full(20, -1), {()}), (np.linspace(0.1, 9.7, 20), {()}),
        *((np.eye(3, dtype=dtype)[TURNS], {(0,), (1,), (2,)}) for dtype in (np.float32, np.int64, np.bool_)),
    ],
    ids=["several accepted", "below zero", "fractions", "columns of floats", "columns of integers", "columns of flags"],
)  # fmt: skip
def test_labels_of_arrays_become_classes(run_data: Make, tmp_path: Path, labels: np.ndarray, classes: set[Any]) -> None:
    """Given names joined by "|", one column for each class, or numbers that are no classes, Then items have exactly the
    classes that are meant."""
    result, folder = run_data("numbers", save(tmp_path / "a.npz", x=numbers(20), y=labels))
    assert {item.labels for item in read_dataset(folder).test} == classes
    assert result.labelled == (classes != {()})


def test_pictures_in_an_array_are_prepared(run_data: Make, tmp_path: Path) -> None:
    """Given raw gray pictures, Then they go through the model's preprocessing."""
    values = np.random.default_rng(1).integers(0, 256, (30, 12, 12), dtype=np.uint8)
    result, folder = run_data(
        "pictures", save(tmp_path / "a.npz", x=values, y=np.arange(30) % 3, classes=["dog", "bird", "cat"])
    )
    assert result.kind == "images"
    assert Prepared(folder / "test")[0]["input"].shape == (1, 3, 8, 8)
    assert result.class_counts == {"dog": 10, "bird": 10, "cat, tabby cat": 10}


def test_arrays_that_differ_below_zero_are_no_duplicates(run_data: Make, tmp_path: Path) -> None:
    """Given prepared pictures that differ in their negative values only, or by less than a step of 8 bits, Then none is
    merged: they are not the same to the model."""
    base = np.random.default_rng(2).normal(size=(3, 8, 8)).astype(np.float32)
    low = np.where(base < 0, base * 2, base)
    values = np.stack([base, low, base + np.float32(1e-3)] + [base + n for n in range(1, 20)])
    for name in ("x", "input"):
        result, folder = run_data("pictures", save(tmp_path / f"{name}.npz", **{name: values}))
        assert result.merged_doubles == 0 and result.kind == "arrays" and result.n_items == len(values)
        assert min(float(item["input"].min()) for item in Prepared(folder / "test")) < -1


def test_arrays_without_one_of_several_inputs_name_all_arrays(two_inputs: PipelineSpec, tmp_path: Path) -> None:
    """Given a model of two inputs and a file in which one of them has another name, Then the file is refused once for
    what it holds, and its items are not tried one by one."""
    rows = np.zeros((300, 4), np.float32)
    for arrays in ({"users": rows, "item": rows}, {"user": rows, "items": rows}, {"x": rows}):
        with pytest.raises(InputRefused) as refused:
            read(save(tmp_path / "a.npz", **arrays), Options(two_inputs))
        assert refused.value.code == "no_inputs"
        assert all(f"“{name}”" in refused.value.detail for name in ("user", "item", *arrays))
    for arrays in ({"user": rows, "item": rows}, {"x": rows, "item": rows}):
        assert len(read(save(tmp_path / "a.npz", **arrays), Options(two_inputs)).entries) == 300


LENGTHS = {"audio": np.zeros(100, np.int16), "lengths": np.array([60, 60])}


@pytest.mark.parametrize(
    ("kind", "arrays", "code", "detail"),
    [
        ("numbers", {"x": np.array([object()] * 3, dtype=object)}, "bad_npz", "Python objects"),
        ("numbers", {"z": np.zeros((3, 4))}, "no_inputs", "holds “z”"),
        ("numbers", {"x": np.array(["a", "b"])}, "no_inputs", "holds “x”"),
        ("numbers", {"x": np.zeros((0, 4))}, "bad_npz", "holds no items"),
        ("numbers", {"x": np.zeros((3, 5))}, "nothing_readable", "3 items were tried"),
        ("numbers", {"x": np.ones((500, 4), np.float32)}, "all_the_same", "500 items"),
        ("sounds", LENGTHS, "bad_npz", "do not add up"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(
    run_data: Make, tmp_path: Path, kind: str, arrays: dict[str, Any], code: str, detail: str
) -> None:
    """Given Python objects, other names, text, nothing, other shapes, or rows that are all the same,
    Then the data are refused for that reason."""
    np.savez(tmp_path / "a.npz", allow_pickle=True, **arrays)
    with pytest.raises(InputRefused) as refused:
        run_data(kind, tmp_path / "a.npz")
    assert refused.value.code == code and detail in refused.value.detail and refused.value.hint.endswith(".")


def test_data_without_a_number_are_refused_for_that_reason(run_data: Make, tmp_path: Path) -> None:
    """Given rows that hold only NaN, Then that is the reason, as in the check of data, not that they are the same."""
    with pytest.raises(InputRefused) as refused:
        run_data("numbers", save(tmp_path / "a.npz", x=np.full((50, 4), np.nan, np.float32)))
    assert refused.value.code == "nothing_readable" and NOT_FINITE in refused.value.detail


def test_truncated_npz_is_refused(run_data: Make, tmp_path: Path) -> None:
    """Given a truncated NPZ, Then it is refused as damaged."""
    whole = save(tmp_path / "a.npz", x=numbers(50)).read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputRefused, match="damaged"):
        run_data("numbers", tmp_path / "a.npz")


def test_folder_of_sounds_is_read_as_sequences(run_data: Make, tmp_path: Path, words: Make) -> None:
    """Given WAV files of two rates in class folders, then each is a sequence, without labels of whole files."""
    for number in range(10):
        folder = tmp_path / "s" / ("yes" if number % 2 else "no")
        rate_hz = 16000 if number > 7 else 8000
        write_noise(folder / f"{number}.wav", number, rate_hz // 2, rate_hz=rate_hz)
    (tmp_path / "s" / "no" / "broken.wav").write_bytes(b"RIFF")
    result, data_dir = run_data("sounds", tmp_path / "s")
    assert (result.n_test, result.kind, result.labelled) == (8, "audio", False)
    assert result.unreadable == ("no/broken.wav",) and "labels of whole files" in words(result)
    assert {item["input"].shape for item in Prepared(data_dir / "test")} == {(25, 160)}


def test_recordings_labelled_by_frame_label_each_step(run_data: Make, tmp_path: Path) -> None:
    """Given recordings in one array, labelled every 80 samples, then each step of 160 gets the label at its middle."""
    lengths = np.array([1600, 3200] * 6)
    audio = np.random.default_rng(0).integers(-9000, 9000, lengths.sum(), dtype=np.int16)
    labels = np.concatenate([np.arange(n // 80) // 10 % 2 for n in lengths])
    path = save(tmp_path / "r.npz", audio=audio, lengths=lengths, labels=labels.astype(np.int8), frame=80, sr=8000)
    result, data_dir = run_data("sounds", path)
    data = read_dataset(data_dir)
    assert result.labelled and len(data.steps) == result.n_test
    for item, steps in zip(Prepared(data_dir / "test"), data.steps, strict=True):
        count = len(item["input"])
        assert steps is not None and steps.tolist() == [(2 * i + 1) // 10 % 2 for i in range(count)]


@pytest.mark.parametrize(
    ("kind", "shape"), [("pictures", (1, 3, 8, 8)), ("numbers", (1, 4)), ("texts", None), ("sounds", (64, 160))]
)
def test_made_inputs_have_the_kind_of_the_model(
    run_data: Make, kind: str, shape: tuple[int, ...] | None, words: Make
) -> None:
    """Given no data, Then seeded inputs of the model's kind are made, and a finding names what they cannot show."""
    result, folder = run_data(kind, None)
    again, _ = run_data(kind, None)
    items = list(Prepared(folder / "test"))
    assert result.origin == "made" and not result.labelled and result.sha256 == again.sha256
    assert result.n_test >= 32 and result.n_calibration >= 8
    assert shape is None or all(item["input"].shape == shape for item in items)
    if kind == "texts":
        assert len({item["input"].shape[1] for item in items}) > 5
    assert "Fettle made these inputs" in words(result)


def test_every_reader_is_found() -> None:
    """Given the readers' package, Then each module is a reader with its own id."""
    assert [reader.id for reader in kinds_in(readers, "READER")] == ["arrays", "audio", "pictures", "tables", "texts"]
