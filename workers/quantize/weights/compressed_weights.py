"""What both techniques for language models share: NNCF's compression of weights, over an OpenVINO graph."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams
from workers.convert.graphs import onnx_files
from workers.convert.output import new_model
from workers.infer.openvino_program import import_library
from workers.quantize.weights.mapped_weights import given_back

FILES = ("model.xml", "model.bin")
FORMAT, RUNTIME = "openvino-ir", "openvino"
REQUIRES, INSTALL_HINT = ("nncf", "openvino"), "pip install nncf"
SOURCE = "NNCF, “Weights compression” (docs.openvino.ai)"


def compress(
    model: Model, technique: str, title: str, params: TechniqueParams, ctx: JobContext, precision: str, how: Any
) -> ModelArtifact:
    """Write the graph with fewer bits a weight. `how(nncf)` gives the arguments of `nncf.compress_weights`."""
    if not model.artifact.settings.get("chat"):
        raise InputRefused(
            "no_language_model",
            f"{title} is for language models",
            "This model does not go on with texts.",
            "Leave this step out of the recipe.",
        )
    ctx.check_cancelled()
    with new_model(model, technique, params, ctx) as output:
        examples: list[Examples] = []
        try:
            with onnx_files.library_call(title, ctx.log):
                _write(model.main, output.folder / FILES[0], how, examples)
        finally:
            for one in examples:
                one.raise_cancelled()  # the library may have made another error of it
        output.files = FILES
        output.precision = precision
        output.runtimes = (RUNTIME,)
    assert output.artifact is not None
    return output.artifact


def _write(source: Path, target: Path, how: Any, examples: list["Examples"]) -> None:
    library = import_library()
    import nncf

    nncf.set_log_level(logging.ERROR)
    arguments = how(nncf)
    if isinstance(arguments.get("dataset"), Examples):
        examples.append(arguments["dataset"])
        arguments["dataset"] = nncf.Dataset(examples[0])
    model = library.Core().read_model(str(source))
    whole = model.clone()  # shares the weights: their maps stay until the end
    with given_back(source.with_suffix(".bin")):
        smaller = nncf.compress_weights(model, **arguments)
        library.save_model(smaller, str(target), compress_to_fp16=False)
    del whole


class Examples:
    """Texts as the graph itself takes them, from the start each time; NNCF goes through them more than once."""

    def __init__(self, ctx: JobContext, most: int) -> None:
        self._ctx, self._cancelled = ctx, None  # type: tuple[JobContext, JobCancelled | None]
        self.count = sum(1 for _ in ctx.calibration(most))
        if not self.count:
            raise InputRefused(
                "calibration_missing",
                "There are no examples to calibrate with",
                "This technique looks at texts to learn which weights matter most.",
                "Add texts like those that the model will see.",
            )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for feeds in self._ctx.calibration(self.count):
            try:
                self._ctx.check_cancelled()
            except JobCancelled as error:
                self._cancelled = error
                raise
            ids = np.array(feeds["input_ids"], np.int64)
            yield {
                "input_ids": ids,
                "attention_mask": np.ones(ids.shape, np.int64),
                "position_ids": np.arange(ids.shape[1], dtype=np.int64)[None],
                "beam_idx": np.zeros(1, np.int32),
            }

    def raise_cancelled(self) -> None:
        """Raises what ended it, where something did."""
        if self._cancelled is not None:
            raise self._cancelled


def why_not(situation: Situation, params: Any) -> Reason | None:
    """For models that are in more bits."""
    return IN_8_BITS if situation.model.precision.startswith("int") else None
