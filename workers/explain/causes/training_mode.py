"""Try the model with dropout and batch normalization in inference mode, or the mean of its random answers."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.contracts.folder import read_model
from workers.contracts.translation import _
from workers.convert.output import link_or_copy
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.spec import Preprocess

FOLDER = "inference_mode"
REPEATS = 32
VARIED = 1e-4
"""Answers to equal requests differ if their standard error is above this share of the answers’ spread."""


def propose(side: Side, steps: Preprocess, runner: Runner) -> Iterable[Proposal]:
    """Yield a copy in inference mode where the file has nodes in training mode, and the mean of random answers."""
    words = _("answers of its training mode (dropout or batch normalization)")
    folder = _in_inference_mode(runner.model_dir, runner.work_dir / FOLDER)
    if folder is not None:
        yield Proposal(replace(side, model=folder), "training_mode", True, False, words, gives=True)
    if runner.outcome(replace(side, repeats=2), (0,)).noise > VARIED:
        words = _(
            "answers of its training mode (dropout or batch normalization), which vary between equal requests (their "
            "mean over {0} requests counts)"
        ).format(REPEATS)
        yield Proposal(replace(side, repeats=REPEATS), "training_mode", True, False, words, gives=True)


def _in_inference_mode(source: Path, folder: Path) -> Path | None:
    """Write a copy of an ONNX model without training mode; None if it has none or is another format."""
    if folder.is_dir():
        return folder
    artifact = read_model(source).artifact
    if artifact.format != "onnx" or artifact.main.count("/") or not artifact.main.endswith(".onnx"):
        return None
    import onnx

    proto = onnx.load(source / artifact.main, load_external_data=False)
    if not sum([_turned_off(node) for node in proto.graph.node]):
        return None
    shutil.copytree(source, folder, copy_function=lambda one, other: link_or_copy(Path(one), Path(other)))
    (folder / artifact.main).unlink()
    onnx.save(proto, folder / artifact.main)
    return folder


def _turned_off(node: Any) -> bool:
    """Change a node from training to inference mode and return whether it was in training mode."""
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        del node.input[1:]
        del node.output[1:]
        return True
    modes = [one for one in node.attribute if node.op_type == "BatchNormalization" and one.name == "training_mode"]
    if not any(one.i for one in modes):
        return False
    node.attribute.remove(modes[0])
    del node.output[1:]
    return True


CAUSE = CauseKind("training_mode", order=5, propose=propose)
