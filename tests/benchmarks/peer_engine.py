"""One tool of `peers.py` in its own process, through its own public interface.

peer_engine.py KIND WHERE MODEL_DIR DATA_DIR THREADS; each line of input is ``time WARM TIMED`` (answers a JSON list of
milliseconds) or ``ask MOST PATH`` (writes the predictions of the first MOST test items as .npz, and answers ``[]``).

KIND is ``bundle`` (the folder of a bundle), ``ort`` (an ONNX file), or ``ov``, ``ov-bf16``, ``ov-fixed`` (a file for
OpenVINO, in f32, in bf16, in bf16 with the shapes of the first request). A model that generates has a folder instead:
``ort-parts``, ``ov-parts``, ``ov-bf16-parts`` its ONNX files, ``ct2``, ``ct2-int8``, ``faster-whisper``,
``faster-whisper-int8`` the folder of the recipe ``ctranslate2``.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from numpy.typing import NDArray

from tests.benchmarks.peer_generation import ctranslate2, faster_whisper, in_parts
from tests.fixtures.recording import RecordingContext
from workers.evaluate.proof.predictions import collect_predictions, save_predictions
from workers.measure.requests import load_requests
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

Arrays = dict[str, NDArray[Any]]
Run = Callable[[Mapping[str, NDArray[Any]]], Arrays]


class Engine:
    """What a pipeline calls: `run(feeds)` gives the outputs by name."""

    def __init__(self, run: Run) -> None:
        self.run = run


def bundle(where: str, threads: int, _first: Arrays) -> Run:
    sys.path.insert(0, where)
    run: Run = importlib.import_module("bundle").load(threads=threads).run
    return run


def ort(where: str, threads: int, _first: Arrays) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(where, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(None, dict(feeds)), strict=True))


def openvino(where: str, threads: int, first: Arrays, *, precision: str, fixed: bool = False) -> Run:
    import openvino as ov

    core = ov.Core()
    model = core.read_model(where)
    if fixed:
        model.reshape({name: list(array.shape) for name, array in first.items()})
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
    compiled = core.compile_model(model, "CPU", hints)
    names = [(name, number) for number, output in enumerate(compiled.outputs) for name in output.get_names()]

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        found = compiled(dict(feeds))
        return {name: found[number] for name, number in names}

    return run


KINDS: dict[str, Callable[[str, int, Arrays], Run]] = {
    "bundle": bundle,
    "ort": ort,
    "ov": partial(openvino, precision="f32"),
    "ov-bf16": partial(openvino, precision="bf16"),
    "ov-fixed": partial(openvino, precision="bf16", fixed=True),
    "ct2": partial(ctranslate2, numbers="float32"),
    "ct2-int8": partial(ctranslate2, numbers="int8_float32"),
    "faster-whisper": partial(faster_whisper, numbers="float32"),
    "faster-whisper-int8": partial(faster_whisper, numbers="int8_float32"),
}
KINDS |= {f"{kind}-parts": in_parts(KINDS[kind]) for kind in ("ort", "ov", "ov-bf16")}


def main() -> int:
    kind, where, model_dir, data_dir, threads = sys.argv[1:]
    requests = load_requests(Path(model_dir), Path(data_dir))
    run = KINDS[kind](where, int(threads), requests.feed(0))
    print("[]", flush=True)  # noqa: T201 - the answer
    for line in sys.stdin:
        what, *words = line.split()
        if what == "ask":
            pipeline, folder = load_pipeline(model_dir), Path(data_dir)
            test, calibration = (Prepared(folder / split) for split in ("test", "calibration"))
            ctx = RecordingContext(folder)
            found = collect_predictions(pipeline, Engine(run), test, ctx, gallery=calibration, most=int(words[0]))
            save_predictions(Path(words[1]), found)
            spans: list[float] = []
        else:
            spans = timed(run, requests, *map(int, words))
        print(json.dumps(spans), flush=True)  # noqa: T201 - the answer
    return 0


def timed(run: Run, requests: Any, warm: int, count: int) -> list[float]:
    """Milliseconds of `count` requests after `warm` ones."""
    spans = []
    for number in range(warm + count):
        feeds = requests.feed(number)
        began = time.perf_counter()
        outputs = run(feeds)
        spans.append((time.perf_counter() - began) * 1000)
        requests.carry(outputs)
    return spans[warm:]


if __name__ == "__main__":
    raise SystemExit(main())
