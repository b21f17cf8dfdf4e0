"""Open sessions for a model file while a technique works on it, before its folder is complete."""

from pathlib import Path
from typing import Any, Literal

from workers.contracts.techniques import Model

Engine = Literal["onnxruntime-cpu", "openvino"]


def open_file(path: Path, model: Model, engine: Engine, threads: int) -> Any:
    """Open the file at `path` in an engine, with those settings of `model` that the engine knows.

    Raises:
        NotRunnable: the engine refuses the file.
    """
    settings = dict(model.artifact.settings)
    if engine == "openvino":
        from workers.infer import openvino

        return openvino.load(path, settings, threads)
    from workers.infer import onnxruntime_cpu

    wanted = {*onnxruntime_cpu.KNOWN_SETTINGS, "pixels"}
    known = {name: value for name, value in settings.items() if name in wanted}
    return onnxruntime_cpu.load(path, known, threads)
