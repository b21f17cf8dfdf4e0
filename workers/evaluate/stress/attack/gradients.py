"""Get a version's own gradients if PyTorch can run it: from its torch program, or from a replica of its ONNX graph.

In a replica, rounding is passed straight through (arXiv 1802.00420).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import AttackWay
from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.translation import _
from workers.convert.graphs import onnx_files
from workers.convert.replica.rounded import operators, unrounded
from workers.convert.replica.torch_replica import build
from workers.evaluate.stress.attack.space import Batches
from workers.evaluate.stress.versions import LoadedVersion
from workers.pipeline.batches import is_batched

PROGRAM = "model.pt2"
TINY, SHARE = 1e-12, 1e-6
ALIKE = 0.9
"""A replica that predicts the right class for a smaller share of these inputs does not represent the model."""

Scores = Callable[[Any, NDArray[np.intp]], Any]
"""Differentiable `scores(tensor (k, C, H, W) in 0..1, rows)` of one version: a tensor (k, classes) of logits."""


def gradients_of(
    version: LoadedVersion, batches: Batches, classes: NDArray[np.int64]
) -> tuple[AttackWay, Scores] | str:
    """Return how gradients are obtained and the scores, or the reason why PyTorch cannot run the model as a sentence.

    `classes` are the predicted classes of the items.
    """
    try:
        method, run = _program(version) if (version.pipeline.folder / PROGRAM).is_file() else _replica(version)
        scores = _scores(version, batches, run)
        import torch

        with torch.no_grad():
            found = scores(torch.from_numpy(batches.units()), np.arange(len(classes))).argmax(1).numpy()
    except InputRefused as refused:
        return refused.detail
    except Exception as error:  # PyTorch and onnx raise many kinds of errors for graphs they do not support.
        return _("Its copy in PyTorch does not run ({0}).").format(onnx_files.one_line(error))
    if (found == classes).mean() < ALIKE:
        return _("Its copy in PyTorch answers otherwise than the model itself.")
    return method, scores


Run = Callable[[dict[str, Any]], Any]


def _program(version: LoadedVersion) -> tuple[AttackWay, Run]:
    import torch

    from workers.infer.torch_cpu import keywords, load_program

    program, (names, outputs) = load_program(torch, version.pipeline.folder / PROGRAM)
    module, by_name = program.module(), keywords(program)
    answer = outputs.index(_answer(version))

    def run(tensors: dict[str, Any]) -> Any:
        wanted = {name: tensors[name] for name in names}
        given = module(**wanted) if by_name else module(*wanted.values())
        return [leaf for leaf in torch.utils._pytree.tree_leaves(given) if leaf is not None][answer]

    return "gradients", run


def _replica(version: LoadedVersion) -> tuple[AttackWay, Run]:
    artifact = read_model(version.pipeline.folder).artifact
    if artifact.format != "onnx" or "cascade" in artifact.settings:
        raise InputRefused("no_replica", "", "It is not one ONNX graph, so that PyTorch cannot have it.", "")
    proto = onnx_files.load(version.pipeline.folder / artifact.main)
    method: AttackWay = "straight-through" if unrounded(proto) else "gradients"
    twin = build(proto, "This attack", operators())
    twin.module.requires_grad_(False)
    answer = twin.outputs.index(_answer(version))

    def run(tensors: dict[str, Any]) -> Any:
        return twin.module(*(tensors[name] for name in twin.inputs))[answer]

    return method, run


def _answer(version: LoadedVersion) -> str:
    return next(entry.name for entry in version.pipeline.spec.outputs if entry.answer)


def _scores(version: LoadedVersion, batches: Batches, run: Run) -> Scores:
    """Return the scores for several inputs at once if the graph accepts that, else for one at a time."""
    import torch

    shares, one_by_one = version.pipeline.spec.scores == "probabilities", not _batched(version)

    def feeds(units: Any, rows: NDArray[np.intp]) -> dict[str, Any]:
        given = [batches.others(row) for row in rows.tolist()]
        joined = {name: torch.from_numpy(np.concatenate([one[name] for one in given])) for name in given[0]}
        pairs = zip(units, rows.tolist(), strict=True)
        tensors = [batches.space.tensor(unit, batches.shape(row)) for unit, row in pairs]
        return {**joined, batches.space.name: torch.cat(tensors)}

    def scores(units: Any, rows: NDArray[np.intp]) -> Any:
        if one_by_one and len(rows) > 1:
            return torch.cat([scores(units[i : i + 1], rows[i : i + 1]) for i in range(len(rows))])
        found = run(feeds(units, rows)).reshape(len(rows), -1).float()
        if found.shape[1] == 1:
            logit = torch.logit(found, SHARE) if shares else found
            return torch.hstack([-logit, logit])
        return torch.log(found.clamp(min=TINY)) if shares else found

    return scores


def _batched(version: LoadedVersion) -> bool:
    """Return whether all inputs have batch axis 0, and the model is not a program, which is made for a batch of one."""
    program = (version.pipeline.folder / PROGRAM).is_file()
    return not program and all(is_batched(entry) and entry.batch_axis == 0 for entry in version.pipeline.spec.inputs)
