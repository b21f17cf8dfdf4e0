"""Golden predictions of few numbers: verify, the start, a switch and the check of batches find what changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from recording import RecordingContext
from served_bundles import export_params, write_bundle
from small_models import build_cnn, floats

from workers.export.service.bundle_files.fettle_service.releases import FolderRefused, Release
from workers.export.verify import golden_answers
from workers.pipeline.golden import write_sums
from workers.pipeline.prepared import Prepared, write_prepared


def one_number(of_batch: float = 0.0) -> onnx.ModelProto:
    """The small classifier cut to one number, drawn by the share `of_batch` to the mean of its batch."""
    proto = build_cnn()
    constants = {"at": np.asarray([0], np.int64), "share": np.asarray(of_batch, np.float32)}
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    proto.graph.node[-1].output[0] = "all"
    nodes = [
        helper.make_node("Gather", ["all", "at"], ["one"], axis=1),
        helper.make_node("ReduceMean", ["one"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["mean", "one"], ["away"]),
        helper.make_node("Mul", ["away", "share"], ["part"]),
        helper.make_node("Add", ["one", "part"], ["logits"]),
    ]
    proto.graph.node.extend(nodes)
    proto.graph.output[0].CopyFrom(floats("logits", "n", 1))
    return proto


@pytest.fixture
def bundle(make_small, tmp_path: Path) -> Callable[..., Path]:
    """`bundle(kind, of_batch)`: a service bundle of the model with one number, which is read as this kind."""

    def make(kind: str, of_batch: float = 0.0) -> Path:
        small = make_small("cnn", one_number(of_batch))
        folder = write_bundle(export_params(small, 4), tmp_path)
        spec = json.loads((folder / "pipeline.json").read_text())
        spec["answer_kind"] = kind
        (folder / "pipeline.json").write_text(json.dumps(spec))
        write_sums(folder)
        return folder

    return make


@pytest.mark.parametrize("kind", ["score", "tensor"])
def test_changed_prediction_of_one_number_is_found_by_verify_and_the_service(bundle, kind: str, tmp_path: Path) -> None:
    """Given golden predictions of one number, when they are doubled and turned round, then verify reports each and a service
    neither starts with the bundle nor changes to it; as they were it does both."""
    folder = bundle(kind)
    assert golden_answers(folder, RecordingContext(tmp_path)) == (20, [])
    release = Release(folder, 1, 8)
    assert release.golden_alike == 20
    release.retire()
    stored = folder / "golden" / "answers"
    changed = [{"answer": np.where(at % 2, 2, -2) * one["answer"]} for at, one in enumerate(Prepared(stored))]
    shutil.rmtree(stored)
    write_prepared(stored, changed)
    write_sums(folder)
    alike, differences = golden_answers(folder, RecordingContext(tmp_path))
    assert alike < 3 and len(differences) == 20 - alike
    with pytest.raises(FolderRefused, match="other answers here"):
        Release(folder, 1, 8)


@pytest.mark.parametrize(("of_batch", "batch"), [(0.0, 4), (0.5, 1)])
def test_batches_that_change_a_prediction_of_one_number_are_not_used(bundle, of_batch: float, batch: int) -> None:
    """Given a model whose number moves towards the mean of its batch, then the service answers one request at a time."""
    release = Release(bundle("tensor", of_batch), 1, 8)
    assert release.max_batch == batch and ("in a batch" in release.why_single) is bool(of_batch)
    release.retire()
