"""`fettle prove` on MobileNetV2 in other forms: files of other tools, the torch weights, an IR.

It lies in FETTLE_MODELS_DIR (P/ and DATA/) and is no part of the project.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from fettle_command import Fettle
from model_cases import ROOT
from PIL import Image

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(900)]

MODEL = ROOT / "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx"
TORCH = ROOT / "P/P01_mobilenetv2_imagenet/mobilenet_v2-b0353104.pth"
PICTURES = ROOT / "DATA/imagenet_stamps"


def rows() -> list[np.ndarray]:
    """Twenty photos that judge nothing, as the model takes them."""
    found = []
    for path in sorted(path for path in (ROOT / "DATA/foolbox20_imagenet").rglob("*") if path.suffix == ".jpg"):
        pixels = np.asarray(Image.open(path).convert("RGB").resize((224, 224)), np.float32) / 255
        whole = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        found.append(whole.astype(np.float32).transpose(2, 0, 1)[None])
    return found


def name_of_input() -> str:
    return str(onnx.load(str(MODEL), load_external_data=False).graph.input[0].name)


def ort_static(path: Path) -> Path:
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rows = iter(rows())

        def get_next(self) -> Any:
            row = next(self._rows, None)
            return None if row is None else {name_of_input(): row}

    quantize_static(str(MODEL), str(path), Reader(), per_channel=True)
    return path


def nncf_int8(path: Path) -> Path:
    import nncf

    examples = nncf.Dataset(rows(), lambda row: {name_of_input(): row})
    onnx.save_model(nncf.quantize(onnx.load(str(MODEL)), examples, subset_size=20), str(path))
    return path


def ir(path: Path) -> Path:
    import openvino

    openvino.save_model(openvino.convert_model(str(MODEL)), str(path.with_suffix(".xml")), compress_to_fp16=False)
    return path.with_suffix(".xml")


def torch_weights(path: Path) -> Path:
    return TORCH


@pytest.mark.parametrize(("make", "runtime"), [(ir, "openvino"), (torch_weights, "onnxruntime-cpu")])
def test_the_same_model_changes_no_answer(make: Any, runtime: str, tmp_path: Path) -> None:
    """Given the same weights in another form, then not one of 180 pictures is called otherwise; labels decide."""
    done = Fettle(tmp_path / "home")(
        "prove", MODEL, make(tmp_path / "other"), "--data", PICTURES, "--json", timeout_s=600
    )
    assert done.code in (0, 4), done.err
    optimized = done.document["optimized"]
    assert (optimized["runtime"], optimized["agreement"]) == (runtime, 1.0)
    assert optimized["accuracy"] == done.document["original"]["accuracy"]


@pytest.mark.parametrize("make", [ort_static, nncf_int8])
def test_int8_of_other_tools_is_not_called_safe(make: Any, tmp_path: Path) -> None:
    """Given INT8 files that change one answer in fifteen and more, then 180 pictures do not prove them."""
    done = Fettle(tmp_path / "home")(
        "prove", MODEL, make(tmp_path / "int8.onnx"), "--data", PICTURES, "--json", timeout_s=600
    )
    assert done.code == 4, done.err
    optimized = done.document["optimized"]
    assert optimized["verdict"] in ("not_enough_data", "regressed")
    assert optimized["agreement"] < 0.97 and optimized["precision"] == "int8" and optimized["size_ratio"] > 3
