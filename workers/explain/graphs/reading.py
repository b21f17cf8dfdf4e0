"""Read the graph of a model's folder with the reader of its format."""

import dataclasses
from importlib import import_module
from pathlib import Path

from workers.contracts.folder import read_model
from workers.contracts.runtimes import needs_torch
from workers.contracts.translation import _
from workers.explain.graph import ModelGraph
from workers.infer.openvino_program import SHOWN
from workers.tune.layers import target_of

READERS = {"onnx": "onnx", "openvino-ir": "openvino", "torch": "torch"}
"""Format → module of this package with `read(path) -> ModelGraph`."""


def read_graph(folder: Path, runtime: str) -> ModelGraph:
    """Read the graph of the program that counts in a folder that Fettle wrote.

    Args:
        folder: The folder with `artifact.json`.
        runtime: Id of the runtime; PyTorch's read the torch program beside the model.

    Raises:
        InputRefused: The file cannot be read.
    """
    target = target_of(folder, runtime, {})
    form = "torch" if needs_torch(runtime) else read_model(folder).artifact.format
    graph: ModelGraph = import_module(f"{__package__}.{READERS[form]}").read(target.path)
    notes = [target.part] if target.part else []
    precision = str(target.settings.get("inference_precision", ""))
    if precision in SHOWN:
        notes.append(_("The engine computes with {0}, which the file does not show.").format(_(SHOWN[precision])))
    return dataclasses.replace(graph, form=form, notes=(*graph.notes, *notes))
