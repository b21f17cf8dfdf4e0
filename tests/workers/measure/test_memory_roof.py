"""The bound that memory sets to a language model: what a token reads, and how fast this computer reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from recording import RecordingContext

from workers.contracts.after.load import MemoryRoof
from workers.contracts.folder import read_model, write_model
from workers.contracts.jobs import MeasureParams
from workers.contracts.process.messages import RunBlock
from workers.jobs.measure import run
from workers.measure import memory_roof
from workers.measure.memory_roof import READ_BYTES, token_bytes


def test_share_is_bytes_read_over_bytes_possible() -> None:
    """Given 100 MB for each token and 10 GB a second, then 78 tokens a second are 78 % of what memory allows."""
    assert MemoryRoof(token_bytes=100_000_000, read_bytes_per_s=1e10).share(78) == pytest.approx(0.78)


def test_table_of_which_one_row_is_read_does_not_count(tmp_path: Path) -> None:
    """Given an ONNX graph with an embedding table and a product, then only the product's weight counts."""
    weights = {"table": np.ones((50, 8), np.float32), "weight": np.ones((8, 50), np.float16)}
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["wide"]),
        helper.make_node("Cast", ["wide"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["half", "weight"], ["logits"]),
    ]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT16, [1, 50])
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "head", [ids], [logits], tensors)), tmp_path / "model.onnx")
    write_model(tmp_path, "model.onnx", ("model.onnx",))
    assert token_bytes(read_model(tmp_path)) == weights["weight"].nbytes


@pytest.mark.timeout(600)
def test_measured_language_model_has_its_roof(
    make_small: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a language model with 16-bit weights, then its measurement has the bytes of all its matrices, each counted
    once, and what memory reads; on a computer with little memory there is no bound."""
    small = make_small("chat")
    params = MeasureParams(model_dir=str(small.folder), data_dir=str(small.data), runtime="openvino")

    def measured() -> MemoryRoof | None:
        blocks = [RunBlock(index=0, timed_requests=3, first_request=0, last=True)]
        return run(params, RecordingContext(tmp_path, planned_blocks=blocks)).roof

    roof = measured()
    vocabulary = 300
    layer = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 128
    assert roof is not None and roof.read_bytes_per_s > READ_BYTES
    assert 2 * (2 * layer + 64 * vocabulary) <= roof.token_bytes < 1.05 * 2 * (2 * layer + 64 * vocabulary)
    monkeypatch.setattr(memory_roof, "usable_memory_bytes", lambda: READ_BYTES)
    assert measured() is None
