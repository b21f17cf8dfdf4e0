"""Opening a model by real workers: when the store may answer, and under which names files can lie."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.cli.output import Globals
from app.cli.session import workspace
from app.services.driver import Driver, run_to_end
from app.services.events import ignore
from app.services.opening import OpenedModel, open_model
from app.services.workspace import Workspace
from workers.contracts.jobs import OpenParams
from workers.contracts.paths import to_text

LABELS = ["cat", "dog", "cow", "owl"]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with workspace(Globals(data_dir=tmp_path_factory.mktemp("opening") / "home"), writes=True) as opened:
        yield opened


def save(path: Path) -> Path:
    """Pictures 3×8×8 in, logits of four classes out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["picture"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def opened(space: Workspace, path: Path) -> OpenedModel:
    return run_to_end(Driver(space, open_model(OpenParams(path=to_text(path))), ignore))


def classes(model: OpenedModel) -> str:
    return (model.folder / "pipeline.json").read_text(encoding="utf-8")


def test_what_lies_beside_a_model_is_part_of_its_key(space: Workspace, tmp_path: Path) -> None:
    """Given the same model file, when its labels, preparation or license beside it change, then it is opened anew with
    these; when they are as they were, the store answers."""
    path = save(tmp_path / "model.onnx")
    first = opened(space, path)
    assert opened(space, path).key == first.key
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    named = opened(space, path)
    assert named.key != first.key
    assert '"owl"' in classes(named)
    (tmp_path / "labels.txt").write_text("\n".join([*LABELS[:3], "fox"]))
    renamed = opened(space, path)
    assert '"fox"' in classes(renamed)
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}')
    prepared = opened(space, path)
    assert prepared.info.preprocessing is not None
    assert prepared.info.preprocessing["mean"] == [0.1, 0.2, 0.3]
    (tmp_path / "LICENSE").write_text("Mozilla Public License, version 2.0")
    assert opened(space, path).info.license == "MPL-2.0"
    (tmp_path / "LICENSE").unlink()
    (tmp_path / "holiday.jpg").write_bytes(b"nothing of the model's")
    assert opened(space, path).key == prepared.key


def test_what_lies_above_a_hub_folders_onnx_counts_too(space: Workspace, tmp_path: Path) -> None:
    """Given onnx/model.onnx with a preparation in the folder above, then that is read, and a change of it is seen."""
    path = save(tmp_path / "onnx" / "model.onnx")
    keys, above = set(), tmp_path / "preprocessor_config.json"
    for mean in (0.25, 0.5):
        above.write_text(f'{{"image_mean": [{mean}, {mean}, {mean}], "image_std": [1, 1, 1]}}')
        model = opened(space, path)
        assert model.info.preprocessing is not None
        assert model.info.preprocessing["mean"] == [mean] * 3
        keys.add(model.key)
    assert len(keys) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_a_name_that_is_no_text_opens(space: Workspace, tmp_path: Path) -> None:
    """Given names of a file and of a folder that hold bytes that are no UTF-8, then the model in them opens."""
    source = save(tmp_path / "ok.onnx")
    for name in (b"a/mod\xff.onnx", b"f\xfe/m.onnx", b"f\xfd/m\xfd.onnx"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, path)
        (path.parent / "labels.txt").write_text("\n".join(LABELS))
        model = opened(space, path)
        assert model.info.format == "onnx"
        assert '"owl"' in classes(model)
