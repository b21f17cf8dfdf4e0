"""Layers of an engine: the profiler's times under the inspector's names, with a stand-in library."""

from pathlib import Path

import numpy as np
import pytest
from recording import RecordingContext
from stand_in_card import StandInDriver, StandInEngine, StandInTensorRt

from workers.contracts.after.changes import Layer
from workers.infer import tensorrt
from workers.infer.cuda_driver import Driver
from workers.infer.tensorrt_editions import Classic
from workers.infer.tensorrt_engines import OpenedEngine
from workers.tune.layers import open_profiler
from workers.tune.timing_runs import Target


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> tensorrt.TensorRtSession:
    opened = OpenedEngine(StandInTensorRt(), Classic(), StandInEngine(), None, None, None, "")
    session = tensorrt.TensorRtSession(opened, Driver(StandInDriver()), {})
    monkeypatch.setattr(tensorrt, "load", lambda *given: session)
    return session


def profiled(tmp_path: Path) -> tuple[Layer, ...]:
    feeds = {"x": np.ones((1, 4), np.float32)}
    profiler = open_profiler(Target(Path("m.onnx"), "tensorrt", {}), feeds, RecordingContext(tmp_path))
    for _ in range(3):
        profiler.run()
    return profiler.close().layers


def test_layers_have_times_kinds_and_numbers(session: tensorrt.TensorRtSession, tmp_path: Path) -> None:
    assert [(one.name, one.kind, one.ms, one.precision) for one in profiled(tmp_path)] == [
        ("conv1 + relu", "CaskConvolution", 0.25, "int8"),
        ("head", "kgen", 0.25, "f16"),
    ]


@pytest.mark.parametrize("inspected", ["", "{}", '{"Layers": ["conv1"]}', "null"])
def test_engine_that_reports_only_names_has_times(
    session: tensorrt.TensorRtSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, inspected: str
) -> None:
    monkeypatch.setattr(session, "timed", lambda feeds: [("conv1", 0.5), ("nothing", 0.0)])
    monkeypatch.setattr(session, "inspected", lambda: inspected)
    (layer,) = profiled(tmp_path)
    assert (layer.name, layer.ms, layer.kind, layer.precision) == ("conv1", 0.5, "", "")


@pytest.mark.gpu_libs
def test_real_library_has_profiler_and_inspector() -> None:
    from workers.infer.tensorrt_editions import EDITIONS, load_library

    trt = load_library(EDITIONS[0])
    assert trt.IProfiler and trt.LayerInformationFormat.JSON is not None
    for name in ("get_engine_information", "execution_context"):
        assert hasattr(trt.EngineInspector, name)
    assert hasattr(trt.IExecutionContext, "profiler") and hasattr(trt.ICudaEngine, "create_engine_inspector")
