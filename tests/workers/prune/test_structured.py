"""Channels taken out, and what the model learns again."""

import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from recording import RecordingContext
from wide_models import SAMPLE, sample_folder, twice_as_wide

from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.folder import read_model
from workers.contracts.jobs import DataParams, OpenParams
from workers.evaluate.data.build import build_data
from workers.measure.opening import open_session
from workers.model_io.opening import open_model
from workers.pipeline.prepared import Prepared
from workers.prune import structured
from workers.prune.structured import Params
from workers.tune.search import gain

FASTER, LOSS = 1.2, 0.01
LIMIT_S = 120


def prune(model, data: Path, work_dir: Path, threads: int = 1, seed: int = 0, **params):
    work_dir.mkdir(exist_ok=True)
    ctx = RecordingContext(work_dir, data_dir=data, threads=threads, seed=seed)
    return structured.apply(model, Params(**params), ctx), ctx


def ratio(old: Path, new: Path, feeds, seconds: float) -> float:
    """How many times as fast, both in turn in one run."""
    first, second = (open_session(folder, "onnxruntime-cpu", {}, 1) for folder in (old, new))
    try:
        return gain(first, second, [feeds], seconds, lambda: None)
    finally:
        first.close()
        second.close()


def widths(folder: Path) -> list[int]:
    proto = onnx.load(folder / "model.onnx")
    weights = {tensor.name: tensor.dims for tensor in proto.graph.initializer}
    return [weights[node.input[1]][0] for node in proto.graph.node if node.op_type == "Conv"]


def test_channels_that_others_stand_in_for_go(make_small, tmp_path: Path) -> None:
    """Given a small model made twice as wide, When half its channels go, Then answers stay and it has its old width."""
    small = make_small("wide")
    artifact, ctx = prune(small.model, small.data, tmp_path / "out", share=0.5, steps=40)
    old, new = (open_session(f, "onnxruntime-cpu", {}, 1) for f in (small.folder, tmp_path / "out" / "model"))
    for feeds in small.items(8):
        wanted, got = old.run(feeds)["logits"], new.run(feeds)["logits"]
        np.testing.assert_allclose(got, wanted, atol=0.15 * np.abs(wanted).max())
    assert widths(small.folder) == [32, 64] and widths(tmp_path / "out" / "model") == [16, 32]
    assert "50 % of the channels" in artifact.notes[0]
    assert artifact.size_bytes < 0.4 * small.model.artifact.size_bytes
    assert {entry.stage for entry in ctx.progress_sent} >= {"Remove channels"}


def test_interface_and_graph_stay(make_small, tmp_path: Path) -> None:
    """Given a pruned model, Then names, free sizes, operator set and operators are those of the original."""
    small = make_small("wide")
    prune(small.model, small.data, tmp_path / "out", share=0.5, steps=20)
    old, new = (onnx.load(folder / "model.onnx") for folder in (small.folder, tmp_path / "out" / "model"))
    assert list(new.graph.input) == list(old.graph.input) and list(new.graph.output) == list(old.graph.output)
    assert [node.op_type for node in new.graph.node] == [node.op_type for node in old.graph.node]
    assert new.opset_import == old.opset_import
    assert all(np.isfinite(numpy_helper.to_array(tensor)).all() for tensor in new.graph.initializer)


@pytest.mark.whole
def test_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    """Given the same inputs, seed and steps, Then both results are the same to the last bit; another seed differs."""
    model, data = sample_folder(tmp_path, calibration=48)
    hard = {"share": 0.5, "steps": 50, "batch": 4, "min_agreement": 0.85, "by": "magnitude", "rounds": 1, "rate": 1e-3}
    files = []
    for number, seed in enumerate((3, 3, 4)):
        artifact, _ = prune(model, data, tmp_path / str(number), seed=seed, **hard)
        assert "learned from the original" in artifact.notes[1]
        files.append((tmp_path / str(number) / "model" / "model.onnx").read_bytes())
    assert files[0] == files[1] != files[2]


def test_until_the_limit_keeps_the_last_that_held(tmp_path: Path) -> None:
    """Given more channels to take than answers bear, When it goes on until the limit, Then fewer go and it holds."""
    model, data = sample_folder(tmp_path, calibration=60)
    strict = {"share": 0.7, "rounds": 6, "steps": 30, "batch": 4, "min_agreement": 0.95}
    artifact, ctx = prune(model, data, tmp_path / "out", until="limit", **strict)
    old, new = widths(model.folder), widths(tmp_path / "out" / "model")
    assert 0.3 * sum(old) < sum(new) < sum(old)
    assert any("is wanted" in entry.text for entry in ctx.logs)
    assert artifact.steps[-1].params["until"] == "limit"
    kept = 1 - sum(new) / sum(old)
    assert f"{100 * kept:.0f} % of the channels" in artifact.notes[0]


def test_sample_as_it_is_has_no_such_slack(tmp_path: Path) -> None:
    """Given the sample with little time, When most of its channels shall go, Then it is refused early."""
    model, data = sample_folder(tmp_path)
    with pytest.raises(InputRefused) as refused:
        prune(model, data, tmp_path / "out", share=0.7, rounds=1, steps=640, max_s=600, batch=4, min_agreement=0.998)
    assert refused.value.title == "It will not hold the limit in this time"
    assert "At this pace it would be" in refused.value.detail
    steps = re.search(r"(\d+) steps", refused.value.detail)
    assert steps is not None and int(steps[1]) <= 320


@pytest.mark.parametrize(("kind", "why"), [("stateful", "state"), ("constants", None), ("group_norm", "PyTorch")])
def test_model_that_cannot_be_pruned_is_refused(kind: str, why: str | None, make_small, tmp_path: Path) -> None:
    """Given a state, or an operator without counterpart, Then it is refused with the reason; a perceptron in opset 11 works or is refused."""
    small = make_small(kind)
    try:
        prune(small.model, small.data, tmp_path / "out", steps=20)
    except InputRefused as error:
        assert why is None or why in error.detail
        assert error.detail.endswith(".") and list((tmp_path / "out").iterdir()) == []
    else:
        assert why is None


def test_cancel_while_learning(make_small, tmp_path: Path) -> None:
    """Given a long course, When it is cancelled in its middle, Then it ends at the next step and leaves nothing."""
    small = make_small("wide")
    ctx = RecordingContext(tmp_path, data_dir=small.data, cancel_after=150)
    hard = Params(share=0.7, steps=5000, min_agreement=1.0, by="magnitude", rounds=1, rate=1e-5)
    with pytest.raises((JobCancelled, InputRefused)):
        structured.apply(small.model, hard, ctx)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_wide_sample_gets_faster_within_the_limit(tmp_path: Path) -> None:
    """Given the sample twice as wide, Then in under 5 minutes it is 1.2 times as fast within 1 %."""
    wide = twice_as_wide(onnx.load(SAMPLE / "clothes.onnx"))
    model, data = sample_folder(tmp_path, wide)
    began_s = time.monotonic()
    artifact, _ = prune(model, data, tmp_path / "out", threads=2, max_s=240)
    took_s = time.monotonic() - began_s
    items = [item["picture"] for item in Prepared(data / "test")]
    new = tmp_path / "out" / "model"
    sessions = [open_session(folder, "onnxruntime-cpu", {}, 1) for folder in (model.folder, new)]
    old_classes, new_classes = (s.run({"picture": np.concatenate(items)})["scores"].argmax(1) for s in sessions)
    with np.load(SAMPLE / "pictures.npz") as pictures:
        labels = pictures["y"][-len(items) :]
    drop = float((old_classes == labels).mean() - (new_classes == labels).mean())
    faster = ratio(model.folder, new, {"picture": items[0]}, 6)
    sys.stdout.write(
        f"{faster:.2f} times as fast, accuracy lost {drop:+.2%} of {len(items)}, took {took_s:.0f} s; {artifact.notes}\n"
    )
    assert faster >= FASTER and drop <= LOSS and took_s < 300
    assert (old_classes == new_classes).mean() >= 0.99


@pytest.mark.models
@pytest.mark.timeout(600)
def test_mobilenet_is_refused_early(tmp_path: Path) -> None:
    """Given MobileNetV2, 180 pictures and two minutes, Then it is refused long before their end."""
    root = Path(os.environ["FETTLE_MODELS_DIR"])
    source = root / "P" / "P01_mobilenetv2_imagenet" / "derived_mobilenet_v2_op17.onnx"
    opened = open_model(OpenParams(path=str(source)), RecordingContext(tmp_path))
    folder = tmp_path / opened.model_dir
    build_data(
        DataParams(model_dir=str(folder), path=str(root / "DATA" / "imagenet_stamps")), RecordingContext(tmp_path)
    )
    with pytest.raises(InputRefused, match="will not hold the limit in this time") as refused:
        prune(read_model(folder), tmp_path / "data", tmp_path / "out", threads=2, max_s=LIMIT_S)
    sys.stdout.write(refused.value.detail + "\n")
    found = re.match(rf"After (\d+) of {LIMIT_S} seconds", refused.value.detail)
    assert found is not None and int(found[1]) < 0.6 * LIMIT_S
