"""Compress the weights of an OpenVINO language model with NNCF; both INT8 and INT4 techniques use this."""

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams
from workers.contracts.translation import _
from workers.convert.graphs import onnx_files
from workers.convert.output import new_model
from workers.infer.openvino_program import import_library
from workers.quantize.weights.graph_parts import Graph, parts_of
from workers.quantize.weights.mapped_weights import given_back, maps_of
from workers.quantize.weights.part_by_part import PartByPart, Rounding

FILES = ("model.xml", "model.bin")
FORMAT, RUNTIME = "openvino-ir", "openvino"
REQUIRES = ("nncf",)
SOURCE = "NNCF, “Weights compression” (docs.openvino.ai)"


def compress(
    model: Model, technique: str, title: str, params: TechniqueParams, ctx: JobContext, precision: str, how: Any
) -> ModelArtifact:
    """Write the graph with fewer bits per weight; `how(nncf)` returns the arguments of `nncf.compress_weights`."""
    need_chat(model, title)
    with new_model(model, technique, params, ctx) as output:
        with onnx_files.library_call(title, ctx):
            _write(model, params, output.folder / FILES[0], how, ctx)
        output.files = FILES
        output.precision = precision
        output.runtimes = (RUNTIME,)
    return output.artifact


def need_chat(model: Model, title: str) -> None:
    """Check that the model is a language model.

    Raises:
        InputRefused: it is none.
    """
    if not model.artifact.settings.get("chat"):
        raise InputRefused(
            "no_language_model",
            _("“{0}” is for language models").format(_(title)),
            "This model does not continue texts.",
            "Leave this step out of the recipe.",
        )


def _write(model: Model, params: TechniqueParams, target: Path, how: Any, ctx: JobContext) -> None:
    library = import_library()
    import nncf

    nncf.set_log_level(logging.ERROR)
    arguments = how(nncf)
    weights = model.main.with_suffix(".bin")
    of_others = maps_of(weights)  # which may end, and whose place others may then take
    graph = library.Core().read_model(str(model.main))
    whole = graph.clone()  # shares the weights, so that their memory maps stay until the end
    with given_back(maps_of(weights) - of_others), contextlib.ExitStack() as after:
        if isinstance(arguments.get("dataset"), Examples):
            examples = arguments.pop("dataset")
            kept = after.enter_context(working_folder(model, params, examples.fingerprint, ctx))
            smaller = _learned(library, graph, arguments, examples, kept, ctx)
        else:
            smaller = nncf.compress_weights(graph, **arguments)
        library.save_model(smaller, str(target), compress_to_fp16=False)
        del smaller, graph
    del whole


def _learned(
    library: Any, model: Any, arguments: dict[str, Any], examples: "Examples", kept: Path, ctx: JobContext
) -> Any:
    """Compress part by part where the graph can be cut; otherwise all at once, which takes three times the memory."""
    import nncf

    graph = Graph(model)
    parts = parts_of(graph) if graph.has_unique_names else []
    if sum(bool(part.products) for part in parts) < 2:
        return nncf.compress_weights(model, dataset=nncf.Dataset(examples), **arguments)
    share = arguments.pop("ratio")
    del arguments["subset_size"]
    rounding = Rounding(arguments, share, follows_rounded=arguments["gptq"])
    return PartByPart(library, graph, parts, list(examples), kept).run(rounding, ctx)


@contextlib.contextmanager
def working_folder(model: Model, params: TechniqueParams, examples: str, ctx: JobContext) -> Iterator[Path]:
    """Provide a folder for finished parts of exactly this work.

    The folder is removed after success, and also after a failure if the job has no folder that outlives it.
    """
    import nncf

    made_of = [sorted(file.sha256 for file in model.artifact.files), params.model_dump(mode="json"), examples]
    made_of += [nncf.__version__, import_library().__version__]
    name = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:24]
    folder = (ctx.persistent_dir or ctx.work_dir) / f"weights-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        if ctx.persistent_dir is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


class Examples:
    """Calibration texts as inputs of the graph, which NNCF iterates several times, each time from the start."""

    def __init__(self, ctx: JobContext, most: int) -> None:
        """Count and hash at most `most` calibration texts.

        Raises:
            InputRefused: there are no texts.
        """
        self._ctx = ctx
        self.count, seen = 0, hashlib.sha256()
        for feeds in ctx.calibration(most):
            self.count += 1
            seen.update(np.array(feeds["input_ids"], np.int64).tobytes() + b"|")
        self.fingerprint = seen.hexdigest()
        if not self.count:
            raise InputRefused(
                "calibration_missing",
                "There are no examples to calibrate with",
                "This technique looks at texts to learn which weights matter most.",
                "Add texts like those that the model will see.",
            )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the inputs of each text."""
        for feeds in self._ctx.calibration(self.count):
            self._ctx.check_cancelled()
            ids = np.array(feeds["input_ids"], np.int64)
            yield {
                "input_ids": ids,
                "attention_mask": np.ones(ids.shape, np.int64),
                "position_ids": np.arange(ids.shape[1], dtype=np.int64)[None],
                "beam_idx": np.zeros(1, np.int32),
            }


def why_not(situation: Situation, params: Any) -> Reason | None:
    """Reject models that already have few bits."""
    return IN_8_BITS if situation.model.precision.startswith("int") else None
