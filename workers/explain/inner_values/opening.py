"""Open a version so that its inner values can be computed."""

from pathlib import Path

from workers.contracts.base import RunParams
from workers.contracts.process.context import JobContext
from workers.explain.inner_values.base import InnerModel, refusals
from workers.infer.base import NotRunnable
from workers.infer.words import Words
from workers.tune.layers import target_of


def open_inner(params: RunParams, scratch: Path, ctx: JobContext) -> InnerModel:
    """Open the program of a version; ONNX files for a graphics card run on the processor.

    Args:
        params: the version.
        scratch: an empty folder for temporary files.
        ctx: context of the running job.

    Raises:
        NotRunnable: its engine does not run single operators, or refuses the file.
    """
    target = target_of(Path(params.model_dir), params.runtime, params.settings)
    with refusals():
        if target.runtime.startswith("torch"):
            from workers.explain.inner_values.in_torch import TorchModel

            return TorchModel(target.path, ctx.threads)
        if target.runtime.startswith("openvino"):
            from workers.explain.inner_values.in_openvino import OpenVinoModel

            return OpenVinoModel(target.path, target.settings, ctx.threads)
        if target.path.suffix == ".onnx":
            from workers.explain.inner_values.in_onnxruntime import OnnxModel

            return OnnxModel(target.path, ctx.threads, scratch)
    raise NotRunnable(Words("its engine runs only whole models"))
