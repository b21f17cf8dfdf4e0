"""Sessions for looking at a model while a technique works on it: the file, not yet a finished folder."""

from pathlib import Path
from typing import Any, Literal

from workers.contracts.techniques import Model

Engine = Literal["onnxruntime-cpu", "openvino"]


def open_file(path: Path, model: Model, engine: Engine, threads: int) -> Any:
    """A session of `workers.infer` for the file at `path`, with those settings of `model` that the engine knows.

    Raises NotRunnable.
    """
    settings = dict(model.artifact.settings)
    if engine == "openvino":
        from workers.infer import openvino

        return openvino.load(path, settings, threads)
    from workers.infer import onnxruntime_cpu

    wanted = {*onnxruntime_cpu.KNOWN_SETTINGS, "pixels"}
    known = {name: value for name, value in settings.items() if name in wanted}
    return onnxruntime_cpu.load(path, known, threads)
