"""Sessions for looking at a model while a technique works on it: the file, not yet a finished folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model

if TYPE_CHECKING:
    from workers.contracts.process.context import Feeds

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


class Part:
    """A job's context whose calibration inputs are only these; everything else is the job's own."""

    def __init__(self, ctx: JobContext, items: "list[Feeds]") -> None:
        self._ctx, self._items = ctx, items

    def calibration(self, limit: int | None = None) -> "Iterator[Feeds]":
        return iter(self._items if limit is None else self._items[:limit])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)
