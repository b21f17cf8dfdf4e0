"""The job ``fed``: the model's inputs as numbers, and whether the original's results on them look like noise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stress_models as models
from evaluated import read_set
from numpy.typing import NDArray
from onnx import helper
from PIL import Image
from recording import RecordingContext

from workers.contracts.data.fed import FedParams, FedResult
from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import read_pipeline, write_pipeline
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.store import is_added
from workers.evaluate.look.fed import show_fed
from workers.pipeline.spec import ImageSteps, PipelineInput, PipelineOutput

Fed = Callable[..., tuple[FedResult, Path]]
RNG = np.random.default_rng


@pytest.fixture
def fed(tmp_path: Path) -> Fed:
    """Return a function that reads a set for a model, runs the job, and returns its result and its folder."""
    count = iter(range(100))

    def run(model: Path, data: Path, **more: Any) -> tuple[FedResult, Path]:
        work = tmp_path / f"fed{next(count)}"
        folder = read_set(model, data, work)[1]
        params = FedParams(model_dir=str(model), data_dir=str(folder), **{"seconds": 600, **more})
        result = show_fed(params, RecordingContext(work))
        return FedResult.model_validate_json(result.model_dump_json()), work

    return run


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("colors")
    return {"model": models.colors_model(root / "model", None), "pictures": models.write_colors(root / "pictures", 15)}


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def codes(result: FedResult) -> list[str]:
    return [finding.code for finding in result.findings]


def test_texts_of_a_chat_model_are_shown_without_running_it(
    tiny_chat: Callable[[], Path], fed: Fed, tmp_path: Path
) -> None:
    """Given a chat model, which ONNX Runtime does not open, Then the person's texts are shown, no dialogue that Fettle
    added to the test is, and nothing is answered."""
    texts = tmp_path / "texts.csv"
    texts.write_text("text\n" + "".join(f"a long text number {number}\n" for number in range(20)))
    result, work = fed(tiny_chat(), texts)
    assert any(is_added(item) for item in read_dataset(work / "data").test)
    assert [example.source.startswith("a long text") for example in result.examples] == [True] * 3
    assert result.preparation and result.answered == 0


def test_prepared_pictures_are_shown_with_their_numbers(colors: dict[str, Path], fed: Fed) -> None:
    """Given pictures with the model's labels, then three examples have the shape, range and mean of the prepared input and
    are drawn from it, without a finding."""
    result, work = fed(colors["model"], colors["pictures"])
    data = read_dataset(work / "data")
    assert result.kind == "images" and len(result.examples) == 3 and "24 × 24" in result.preparation
    assert result.answered == len(data.test) and result.findings == ()
    for number, example in enumerate(result.examples):
        source = colors["pictures"] / data.test[number].source
        small = np.asarray(Image.open(source).resize((24, 24), Image.Resampling.BILINEAR))
        wanted = small.astype(np.float32) / np.float32(255)
        (entry,) = example.inputs
        assert example.source == data.test[number].source and example.way == "prepared"
        assert (entry.name, entry.dtype, entry.shape) == ("picture", "float32", (1, 3, 24, 24))
        assert (entry.low, entry.high) == (wanted.min(), wanted.max())
        assert entry.mean == pytest.approx(wanted.mean(dtype=np.float64)) and entry.not_finite == 0
        assert example.picture is not None
        np.testing.assert_array_equal(np.asarray(Image.open(work / example.picture)), small)


def test_predictions_no_better_than_guessing_are_a_finding(colors: dict[str, Path], fed: Fed, tmp_path: Path) -> None:
    """Given the same pictures with labels in random order, then a finding has the figures."""
    values, labels = pixels(colors)
    shuffled = RNG(1).permutation(labels)
    result, _ = fed(colors["model"], npz(tmp_path / "a.npz", x=values, y=shuffled))
    assert codes(result) == ["guessing"]
    (found,) = result.findings
    assert found.n == result.answered and found.found is not None and found.found < 0.6 and found.level == "warning"


def pixels(colors: dict[str, Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    files = sorted(colors["pictures"].rglob("*.png"))
    labels = [models.COLORS.index(path.parent.name) for path in files]
    return np.stack([np.asarray(Image.open(path)) for path in files]), np.asarray(labels)


def test_arrays_of_one_class_or_without_labels_have_no_finding(
    colors: dict[str, Path], fed: Fed, tmp_path: Path
) -> None:
    """Given pictures without labels, of all classes or of one, or with labels of one class, then there is no finding,
    because equal predictions may be right."""
    values, labels = pixels(colors)
    one = {"x": values[labels == 1], "y": labels[labels == 1]}
    for name, arrays in (("all", {"x": values}), ("one", {"x": one["x"]}), ("labels", one)):
        result, _ = fed(colors["model"], npz(tmp_path / f"{name}.npz", **arrays))
        assert codes(result) == [], name


def prepared(colors: dict[str, Path]) -> NDArray[np.float32]:
    values = pixels(colors)[0][:, 4:28, 4:28].astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("name", ["picture", "x"])
def test_prepared_arrays_are_shown_unchanged(colors: dict[str, Path], fed: Fed, tmp_path: Path, name: str) -> None:
    """Given arrays that were prepared before, then a finding says that nothing is prepared, and they are drawn from their
    lowest to their highest number."""
    values = prepared(colors)
    result, work = fed(colors["model"], npz(tmp_path / "a.npz", **{name: values}))
    assert codes(result) == ["as_they_are"] and result.findings[0].level == "info"
    assert result.kind == "arrays" and result.preparation == ""
    example = result.examples[0]
    one = values[int(example.source.split()[-1]) - 1]
    assert example.way == "as_it_is" and (example.inputs[0].low, example.inputs[0].high) == (one.min(), one.max())
    assert example.picture is not None
    drawn = np.asarray(Image.open(work / example.picture))
    assert (drawn.min(), drawn.max(), drawn.shape) == (0, 255, (24, 24, 3))


def test_arrays_of_another_range_are_a_finding(colors: dict[str, Path], fed: Fed, tmp_path: Path) -> None:
    """Given the same arrays divided by 255 once more, then a finding has their range and the usual one."""
    result, _ = fed(colors["model"], npz(tmp_path / "a.npz", x=prepared(colors) / np.float32(255)))
    assert codes(result) == ["as_they_are", "other_range"]
    (_, found) = result.findings
    assert found.expected == 1.0 and found.found is not None and found.found < 0.01


def constant_model(folder: Path, size: float) -> Path:
    """Write a model with four scores that depend on the input by a factor `size`."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["mel"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("Gemm", ["mean", "w", "b"], ["logits"]),
    ]
    weights = [models.tensor("w", [[size, -size, size, 0.0]]), models.tensor("b", [1.0, 0.5, -1.0, 0.2])]
    entry = PipelineInput(name="mel", dtype="float32", shape=(None, 1, 12, 4), source="image")
    steps = ImageSteps(resize=(12, 4), channels="gray")
    spec = models.spec_of("image-classification", entry, 4, steps, guessed=("mean", "std", "range"))
    inputs = [models.floats("mel", "n", 1, 12, 4)]
    return models.save(folder, nodes, inputs, [models.floats("logits", "n", 4)], weights, spec)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [(0.0, ["as_they_are", "all_alike"]), (0.01, ["as_they_are", "like_noise"]), (8.0, ["as_they_are"])],
)
def test_results_that_hardly_differ_are_a_finding(fed: Fed, tmp_path: Path, size: float, wanted: list[str]) -> None:
    """Given a model whose scores do not, hardly or clearly depend on its input, then only the first two have a finding; no
    range is unusual if the preparation was guessed."""
    levels = RNG(2).uniform(4.1, 12.6, (40, 1, 1, 1))
    values = (levels + RNG(3).normal(size=(40, 1, 12, 4))).astype(np.float32)
    model = constant_model(tmp_path / "model", size)
    result, _ = fed(model, npz(tmp_path / "a.npz", mel=values))
    assert codes(result) == wanted
    assert result.examples[0].inputs[0].shape == (1, 1, 12, 4)


def test_embeddings_of_one_direction_are_a_finding(fed: Fed, tmp_path: Path) -> None:
    """Given embeddings that hardly differ in direction, and others that do, then only the first are a finding."""
    values = RNG(4).normal(size=(30, 3, 24, 24)).astype(np.float32)
    values += RNG(5).normal(size=(30, 3, 1, 1)).astype(np.float32)
    for scale, wanted in ((0.001, ["as_they_are", "like_noise"]), (1.0, ["as_they_are"])):
        folder = models.colors_model(tmp_path / f"m{scale}", None)
        output = PipelineOutput(name="logits", dtype="float32", shape=(None, 3), answer=True)
        update = {"answer_kind": "embedding", "outputs": (output,), "classes": None, "guessed": ("mean",)}
        write_pipeline(folder, replace(read_pipeline(folder), **update))
        shifted = (values * np.float32(scale) + np.float32(1.0)).astype(np.float32)
        result, _ = fed(folder, npz(tmp_path / f"{scale}.npz", x=shifted))
        assert codes(result) == wanted


def test_nan_is_counted_and_a_finding(colors: dict[str, Path], fed: Fed, tmp_path: Path) -> None:
    """Given arrays with NaN, then they are counted, and the range is that of the other numbers."""
    values = prepared(colors)
    values[:, 0, 0, 0] = np.nan
    result, _ = fed(colors["model"], npz(tmp_path / "a.npz", x=values), most_answers=0)
    assert codes(result) == ["not_finite", "as_they_are"] and result.answered == 0
    entry = result.examples[0].inputs[0]
    assert entry.not_finite == 1 and entry.high is not None and entry.high <= 1.0
    assert result.examples[0].picture is None


def test_texts_are_shown_without_a_picture(fed: Fed, tmp_path: Path) -> None:
    """Given texts, then the text and its tokens' type are shown."""
    model = models.texts_model(tmp_path / "model", False)
    lines = [f"{word} film {'very ' * n}" for n in range(15) for word in ("good", "bad")]
    (tmp_path / "t.csv").write_text("text,label\n" + "".join(
        f"{line},{'positive' if 'good' in line else 'negative'}\n" for line in lines), encoding="utf-8")  # fmt: skip
    result, _ = fed(model, tmp_path / "t.csv")
    assert result.kind == "texts" and codes(result) == []
    example = result.examples[0]
    assert example.picture is None and "film" in example.source and example.inputs[0].dtype == "int64"


def test_model_that_fails_on_its_inputs_is_refused(colors: dict[str, Path], fed: Fed, tmp_path: Path) -> None:
    """Given a pipeline with another size than the model takes, then the job refuses with a hint."""
    folder = models.colors_model(tmp_path / "m", None)
    spec = read_pipeline(folder)
    entry = replace(spec.inputs[0], shape=(None, 3, 20, 20))
    write_pipeline(folder, replace(spec, inputs=(entry,), preprocess=ImageSteps(resize=(20, 20))))
    with pytest.raises(InputRefused, check=lambda error: error.code == "run_failed" and bool(error.hint)):
        fed(folder, colors["pictures"])
