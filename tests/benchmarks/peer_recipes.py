"""The models of `peers.py` in other forms, made by their tools' documentation, with default settings.

peer_recipes.py KIND MODEL_DIR DATA_DIR OUT; KIND is ``dynamic`` or ``static`` (ONNX Runtime) or ``nncf`` (INT8), or
``ctranslate2``, where DATA_DIR is the transformers folder of the same model (with safetensors) and OUT a new folder.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from workers.measure.requests import Requests, load_requests
from workers.pipeline.prepared import Feeds
from workers.pipeline.spec import PIPELINE_FILE

EXAMPLES = 64


def calibration(model: str, model_dir: str, data_dir: str) -> Iterator[Feeds]:
    """Complete feeds of the calibration inputs; the state of a stateful model is that of the original."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test").symlink_to(Path(data_dir, "calibration"))
        requests: Requests = load_requests(Path(model_dir), Path(folder), limit=EXAMPLES)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    for number in range(len(requests)):
        feeds = dict(requests.feed(number))
        if requests.links:
            requests.carry(dict(zip(names, session.run(None, feeds), strict=True)))
        yield feeds


def dynamic(model: str, out: str, _feeds: list[Feeds]) -> None:
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(model, out)


def static(model: str, out: str, feeds: list[Feeds]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(feeds)

        def get_next(self) -> Feeds | None:
            return next(self.left, None)

    prepared = f"{out}.prepared.onnx"
    quant_pre_process(model, prepared)
    quantize_static(prepared, out, Reader())


def nncf(model: str, out: str, feeds: list[Feeds]) -> None:
    import nncf
    import openvino as ov

    quantized = nncf.quantize(ov.Core().read_model(model), nncf.Dataset(feeds))
    ov.save_model(quantized, out, compress_to_fp16=False)


KINDS = {"dynamic": dynamic, "static": static, "nncf": nncf}


def ctranslate2(model_dir: str, weights: str, out: str) -> None:
    """The model for CTranslate2, with the description of the loop and what faster-whisper reads."""
    from ctranslate2.converters import TransformersConverter

    beside = [name for name in ("tokenizer.json", "preprocessor_config.json") if Path(weights, name).exists()]
    TransformersConverter(weights, copy_files=beside).convert(out)
    shutil.copyfile(Path(model_dir, PIPELINE_FILE), Path(out, PIPELINE_FILE))


def main() -> int:
    kind, model_dir, data_dir, out = sys.argv[1:]
    if kind == "ctranslate2":
        ctranslate2(model_dir, data_dir, out)
        return 0
    model = str(Path(model_dir) / "model.onnx")
    KINDS[kind](model, out, list(calibration(model, model_dir, data_dir)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
