"""Versions of the sample that other tools made, and damaged ones."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from presets.sample import sample_paths


def examples(path: Path, first: int, last: int, *, labels: bool = False) -> Path:
    """Some of the sample's pictures."""
    with np.load(sample_paths().data) as stored:
        known = {"y": stored["y"][first:last], "classes": stored["classes"]} if labels else {}
        np.savez(path, x=stored["x"][first:last], **known)
    return path


def prepared(first: int, last: int) -> np.ndarray:
    """The same as the sample takes them: float32 (n, 1, 28, 28)."""
    with np.load(sample_paths().data) as stored:
        pixels = stored["x"][first:last].astype(np.float32)[:, None] / 255
    return np.asarray((pixels - 0.286) / 0.353, np.float32)


def dynamic_int8(path: Path) -> Path:
    """onnxruntime.quantization.quantize_dynamic, as its documentation has it."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(sample_paths().model), str(path), weight_type=QuantType.QUInt8)
    return path


def static_int8(path: Path) -> Path:
    """onnxruntime.quantization.quantize_static on a hundred pictures that judge nothing."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rows = iter(prepared(1300, 1400))

        def get_next(self) -> Any:
            row = next(self._rows, None)
            return None if row is None else {"picture": row[None]}

    quantize_static(str(sample_paths().model), str(path), Reader(), quant_format=QuantFormat.QDQ)
    return path


def nncf_int8(path: Path) -> Path:
    """nncf.quantize over the ONNX graph."""
    import nncf

    rows = nncf.Dataset([row[None] for row in prepared(1300, 1400)], lambda row: {"picture": row})
    onnx.save_model(nncf.quantize(onnx.load(str(sample_paths().model)), rows), str(path))
    return path


def openvino_ir(path: Path) -> Path:
    """openvino.convert_model, weights in 32 bits."""
    import openvino

    openvino.save_model(openvino.convert_model(str(sample_paths().model)), str(path), compress_to_fp16=False)
    return path


def with_last_weights(path: Path, change: Any) -> Path:
    """The sample with its last matrix changed: of the same interface, and another model."""
    proto = onnx.load(str(sample_paths().model))
    matrices = [tensor for tensor in proto.graph.initializer if len(tensor.dims) == 2]
    last = matrices[-1]
    last.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(last).copy()), last.name))
    onnx.save_model(proto, str(path))
    return path
