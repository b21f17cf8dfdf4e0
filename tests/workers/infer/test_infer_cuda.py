"""The GPU runtimes on a machine without a GPU, and their notes on a mixed session."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from workers.infer import base, onnxruntime_cpu, onnxruntime_cuda
from workers.measure.opening import open_session


def subgraph(provider: str, *kinds: str) -> SimpleNamespace:
    """A record of operators of these types, which a provider runs."""
    return SimpleNamespace(ep_name=provider, get_nodes=lambda: [SimpleNamespace(op_type=kind) for kind in kinds])


def test_records_become_sentences() -> None:
    """Given records where 3 of 5 operators run on the GPU, Then the others are named."""
    records = [
        subgraph("CUDAExecutionProvider", "Conv", "Conv", "Relu"),
        subgraph("CPUExecutionProvider", "NonZero"),
        subgraph("CPUExecutionProvider", "Loop"),
    ]
    placed = onnxruntime_cuda.assignment(records)
    on_gpu = sum(placed.pop(onnxruntime_cuda.PROVIDER).values())
    assert onnxruntime_cuda.described(on_gpu, placed) == ["2 of 5 operators run on the processor: Loop, NonZero"]
    assert onnxruntime_cuda.described(3, {}) == []


def test_real_records_can_be_read(make_small) -> None:
    """Given a real session that records its assignment, Then every operator is counted."""
    library = onnxruntime_cpu.import_library()
    options = onnxruntime_cpu.make_options(library, {"graph_optimization": "none"}, 1)
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    session = onnxruntime_cpu.start(library, make_small("cnn").model.main, options, ["CPUExecutionProvider"])
    placed = onnxruntime_cuda.assignment(session.get_provider_graph_assignment_info())
    assert placed["CPUExecutionProvider"] >= Counter({"Conv": 2, "Gemm": 1})


def test_probe_is_a_model_that_runs() -> None:
    """Given the built-in probe on the processor, Then 1·1 eight times is 8."""
    session = onnxruntime_cpu.import_library().InferenceSession(
        onnxruntime_cuda.PROBE, providers=["CPUExecutionProvider"]
    )
    (answer,) = session.run(None, {"x": np.ones((8, 8), np.float32)})
    assert (answer == 8).all()


@pytest.mark.skipif(base.cuda_driver_found(), reason="this machine has an NVIDIA driver")
def test_session_on_a_missing_gpu_never_falls_back_silently(make_small) -> None:
    """Given no GPU, When a CUDA session is loaded all the same, Then it refuses instead of using the processor."""
    with pytest.raises(base.NotRunnable):
        onnxruntime_cuda.load(make_small("cnn").model.main, {}, 1)


@pytest.mark.gpu
def test_cuda_predicts_as_the_processor(small) -> None:
    """Given a real GPU, Then strict sessions answer as the processor does."""
    if not onnxruntime_cuda.RUNTIME.available().available:
        pytest.skip(onnxruntime_cuda.RUNTIME.available().hint)
    session = open_session(small.folder, "onnxruntime-cuda", {}, 1)
    plain = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())
    assert session.device_ran == "cuda:0"
    for name, values in session.run(small.feeds()).items():
        np.testing.assert_allclose(values, plain[name], atol=1e-2)
