"""Run arrays, batches, carried state, labels, and the copied package alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import workers.pipeline
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineError

X = {"name": "x", "dtype": "float32", "shape": (None, 4), "source": "array"}
IMAGE = {"name": "x", "dtype": "float32", "shape": (None, 1, 8, 8), "source": "image"}
AUDIO = [
    {"name": "input", "dtype": "float32", "shape": (None, 6), "source": "audio"},
    {"name": "state", "dtype": "float32", "shape": (2, None, 3), "source": "state", "batched": False},
    {"name": "sr", "dtype": "int64", "shape": (), "source": "constant", "constant": 16000, "batched": False},
]


def test_feeds_from_arrays_by_name_as_x_or_in_a_file(make, tmp_path):
    pipeline = make([{**X, "name": "tokens", "dtype": "int32"}], ArraySteps())
    for source in ({"tokens": np.ones((2, 4))}, {"x": np.ones((2, 4))}):
        assert pipeline.feeds_from(source)["tokens"].shape == (2, 4)
    np.savez(tmp_path / "a.npz", tokens=np.ones((3, 4)))
    assert pipeline.feeds_from(tmp_path / "a.npz")["tokens"].shape == (3, 4)
    np.save(tmp_path / "a.npy", np.ones(4))
    assert pipeline.feeds_from(str(tmp_path / "a.npy"))["tokens"].shape == (1, 4)


def test_feeds_from_a_file_with_objects_is_refused(make, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([object()]))
    with pytest.raises(PipelineError, match=r"a\.npz cannot be read"):
        make([X], ArraySteps()).feeds_from(tmp_path / "a.npz")


def test_feeds_without_a_required_input_are_refused(make):
    pipeline = make([X, {**X, "name": "sigma", "shape": (None,)}], ArraySteps())
    with pytest.raises(PipelineError, match="sigma"):
        pipeline.feeds_from({"x": np.zeros(4)})


def test_free_batch_runs_at_once_and_fixed_batch_in_parts(make, session):
    # Given five rows
    rows = np.arange(20, dtype=np.float32).reshape(5, 4)
    # When the batch is free / Then there is one call
    free = session(lambda f: {"y": f["x"].sum(axis=1, keepdims=True)})
    assert make([X], ArraySteps()).answer(free, {"x": rows})[:, 0].tolist() == rows.sum(axis=1).tolist()
    assert len(free.calls) == 1
    # When it is fixed to two / Then there are three calls of two rows, and five answers
    fixed = session(lambda f: {"y": f["x"].sum(axis=1, keepdims=True)})
    pipeline = make([{**X, "shape": (2, 4)}], ArraySteps())
    assert pipeline.answer(fixed, {"x": rows})[:, 0].tolist() == rows.sum(axis=1).tolist()
    assert [call["x"].shape for call in fixed.calls] == [(2, 4)] * 3


def test_prediction_without_a_batch_axis_gets_one(make, session):
    answer = make([X], ArraySteps()).answer(session(lambda f: {"y": np.float32(3)}), {"x": np.zeros((1, 4))})
    assert answer.tolist() == [3]


def test_state_is_carried_over_the_steps_from_zeros(make, session):
    # Given a model that sums its state
    def count(feeds):
        return {"y": feeds["state"][0, :, :1], "stateN": feeds["state"] + feeds["input"].sum()}

    pipeline = make(
        AUDIO,
        AudioSteps(frame_samples=4, context_samples=2),
        [{"name": "y", "dtype": "float32", "answer": True}, {"name": "stateN", "dtype": "float32"}],
        answer_kind="score",
        scores="probabilities",
        links={"state": "stateN"},
    )
    # When a sound of three frames is processed
    feeds = pipeline.feeds_from(np.ones(12, np.float32))
    ran = session(count)
    answer = pipeline.answer(ran, feeds)
    # Then states are not in the feeds, constants are, and every step sees the sum of those before
    assert set(feeds) == {"input", "sr"}
    assert feeds["input"].shape == (3, 6)
    assert answer.tolist() == [[0], [4], [10]]
    assert all(call["input"].shape == (1, 6) and call["sr"] == 16000 for call in ran.calls)
    # And a second run starts from zeros again
    assert pipeline.answer(ran, feeds).tolist() == [[0], [4], [10]]


def test_describe_gives_the_best_labels(make):
    pipeline = make([X], ArraySteps(), classes=("cat", "dog", "cow"))
    (first, share), *rest = pipeline.describe(np.array([[0.0, 2.0, 1.0]], np.float32))
    assert first == "dog"
    assert share == pytest.approx(0.6652, abs=1e-3)
    assert sum((share, *(p for _, p in rest))) == pytest.approx(1)
    unnamed = make([X], ArraySteps(), scores="probabilities")
    assert unnamed.describe(np.array([[0.1, 0.9]], np.float32))[0] == ("class 1", pytest.approx(0.9))
    assert make([X], ArraySteps(), answer_kind="tensor").describe(np.zeros((1, 4), np.float32)) == []


def test_single_logit_becomes_a_probability_without_overflow(make):
    pipeline = make([X], ArraySteps(), answer_kind="score")
    assert pipeline.describe(np.array([[-1e4]], np.float32)) == [("score", pytest.approx(0))]
    assert pipeline.probabilities(np.array([[0.0]], np.float32)).tolist() == [[0.5]]


def test_broken_description_is_refused(tmp_path):
    (tmp_path / "pipeline.json").write_text('{"version": 1}', encoding="utf-8")
    with pytest.raises(PipelineError, match="cannot be understood"):
        load_pipeline(tmp_path)


def test_copied_package_works_with_numpy_and_pillow_alone(make, tmp_path):
    # Given a copy of the folder under another name, in a separate process
    make([IMAGE], ImageSteps(resize=(8, 8), channels="gray"))
    source = Path(workers.pipeline.__file__).parent
    shutil.copytree(source, tmp_path / "lib" / "bundle" / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'lib')!r})\n"
        "import numpy as np, bundle.pipeline.pipeline as p\n"
        f"feeds = p.load_pipeline({str(tmp_path)!r}).feeds_from(np.zeros((28, 28), np.uint8))\n"
        "assert feeds['x'].shape == (1, 1, 8, 8)\n"
        "assert not {'workers', 'pydantic', 'torch', 'tokenizers', 'scipy'} & set(sys.modules)\n"
    )
    # When it prepares a picture / Then nothing but numpy and Pillow was imported
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
