"""The job that applies the steps of a recipe one after the other."""

from pathlib import Path

import pytest
from recording import RecordingContext

from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.folder import read_model, sha256_folder
from workers.contracts.jobs import ApplyParams
from workers.contracts.specs import RecipeStep
from workers.jobs.apply import run
from workers.measure.opening import open_session


def params(small, *steps: RecipeStep) -> ApplyParams:
    return ApplyParams(model_dir=str(small.folder), steps=steps, data_dir=str(small.data))


def step(technique: str, **more) -> RecipeStep:
    return RecipeStep(technique=technique, params=more)


def test_steps_stack(make_small, tmp_path: Path) -> None:
    """Given three steps, Then the result has all of their settings and notes, and no scratch folder is left."""
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data)
    steps = (step("magnitude_prune", sparsity=0.2), step("fixed_shape"), step("int8_static", examples=8))
    result = run(params(small, *steps), ctx)
    assert [done.technique for done in result.artifact.steps] == [s.technique for s in steps]
    assert result.artifact.steps[0].params["sparsity"] == 0.2
    assert result.artifact.precision == "int8" and result.artifact.runtimes == ("openvino",)
    assert result.artifact.settings == {"shapes": {"image": [1, 3, 16, 16]}}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert read_model(tmp_path / "model").artifact == result.artifact
    assert open_session(tmp_path / "model", "openvino", {}, 1).run(small.feeds())["logits"].shape == (1, 5)


def test_same_steps_give_the_same_bytes(make_small, tmp_path: Path) -> None:
    """Given the same model and recipe twice, Then both folders are equal (the store leans on it)."""
    small = make_small("transformer")
    digests = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        ctx = RecordingContext(tmp_path / name, data_dir=small.data)
        run(params(small, step("graph_optimize"), step("int8_dynamic")), ctx)
        digests.append(sha256_folder(tmp_path / name / "model"))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((), "no steps"),
        ((step("no_such_technique"),), "no such technique"),
        ((step("magnitude_prune", sparsity=2.0),), "sparsity"),
        ((step("magnitude_prune", speed="fast"),), "speed"),
        ((RecipeStep(technique="bf16", version=99),), "newer Fettle"),
        ((step("bf16"), step("graph_optimize", level="onnxruntime")), "do not fit together"),
    ],
)
def test_bad_recipes_are_refused(steps, words: str, make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    with pytest.raises(InputRefused, match=words):
        run(params(small, *steps), RecordingContext(tmp_path, data_dir=small.data))
    assert list(tmp_path.iterdir()) == []


def test_cancel_between_steps_leaves_nothing(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    for checks in range(6):
        with pytest.raises(JobCancelled):
            run(
                params(small, step("fixed_shape"), step("bf16"), step("magnitude_prune")),
                RecordingContext(tmp_path, data_dir=small.data, cancel_after=checks),
            )
        assert list(tmp_path.iterdir()) == []
