"""One OpenVINO program whose tensors are reused."""

from pathlib import Path

import numpy as np
from openvino import Model, PartialShape, Type, save_model
from openvino import opset13 as ops

from workers.infer.openvino import load


def with_counter(path: Path) -> Path:
    """An IR whose predictions change their sign from its third request on, counted by a variable inside."""
    given = ops.parameter([1, 3], np.float32, name="x")
    before = ops.read_value(ops.constant(np.zeros(1, np.float32)), "count", Type.f32, PartialShape([1]))
    count = ops.add(before, ops.constant(np.ones(1, np.float32)))
    sign = ops.subtract(ops.constant(np.full(1, 2.5, np.float32)), count)
    result = ops.multiply(given, sign)
    result.output(0).set_names({"y"})
    save_model(Model([ops.result(result)], [ops.assign(count, "count")], [given], "counter"), str(path))
    return path


def test_variables_begin_anew_with_each_request(tmp_path: Path) -> None:
    """Given an IR that counts its requests and changes with their number, Then each prediction is that of the first."""
    session = load(with_counter(tmp_path / "model.xml"), {}, 1)
    feeds = {"x": np.asarray([[1, 2, 3]], np.float32)}
    assert len({session.run(feeds)["y"].tobytes() for _ in range(5)}) == 1
    session.close()
