"""Correct biases after INT8 so that each layer's mean output equals that of the original."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration
from workers.convert.output import need_onnx, new_model
from workers.infer.base import Arrays
from workers.quantize import qdq
from workers.quantize.calibrating import biases, probes, similarity
from workers.quantize.calibrating.layer_pairs import LayerPairs
from workers.quantize.calibrating.similarity import set_aside

ID = "bias_correction"
TITLE = mark("Bias correction after INT8")
MAX_CHECKED = 64

NO_BIAS = Reason(code="no_bias", text=mark("None of the model's layers has a bias that could be corrected."))


class Params(TechniqueParams):
    """Parameters of bias correction: the number of examples to compare."""

    examples: int = Field(default=32, ge=4, le=500, description="Examples whose means are compared, at most.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Compare each layer's mean per channel with the original's on examples, and add the difference to its bias."""
    proto = onnx_files.load(need_onnx(model, TITLE))
    if ctx.original is None or not onnx_files.count(proto, "QuantizeLinear"):
        raise InputRefused(
            "no_int8_before",
            "There is nothing to correct",
            "This technique improves what INT8 has changed, and no step before it made 8-bit numbers.",
            "Put a step with INT8 before it.",
        )
    original = read_model(ctx.original)
    learn, check = set_aside(ctx, params.examples, MAX_CHECKED)
    learning = derived(ctx, calibration=lambda limit=None: islice(learn, limit))
    total = calibration.count_requests(original, learning, params.examples)
    requests = list(calibration.requests(original, learning, total))
    with (
        new_model(model, ID, params, ctx) as output,
        qdq.prepared(original.main, output.folder, TITLE, ctx) as graph,
        onnx_files.library_call(TITLE, ctx),
    ):
        changes = _changes(onnx_files.load(graph.path), proto, graph.path, requests)
        for layer, change in changes:
            biases.add(proto.graph, layer, change)
        onnx_files.drop_unused(proto)
        target = output.save(proto, TITLE)
        output.notes = (_judge(original, model, target, check, len(changes), ctx),)
    return output.artifact


def _changes(
    reference: Any, proto: Any, probe: Path, requests: list[Arrays]
) -> list[tuple[biases.Biased, NDArray[np.float32]]]:
    """Return the change of each layer's bias: the original's mean minus the INT8 mean, per channel.

    Raises:
        InputRefused: no layer can be corrected.
    """
    layers = LayerPairs(reference.graph, proto.graph)
    pairs = [(layer, layers.add(layer.output)) for layer in biases.find(proto.graph)]
    named = [
        (layer, tuple(probes.add_channel_mean(reference, name, layer.axis) for name in pair))
        for layer, pair in pairs
        if pair is not None
    ]
    if not named:
        raise InputRefused(
            "nothing_to_correct",
            "There is nothing to correct",
            "None of the layers has a bias that could be changed and a counterpart in the original.",
            "Leave this step out.",
        )
    onnx_files.save(reference, probe)
    sums: dict[str, NDArray[np.float64]] = {}
    for values in probes.run_each(probe, [name for _node, names in named for name in names], requests):
        for name, value in values.items():
            sums[name] = sums.get(name, np.zeros(1)) + value
    return [
        (layer, ((sums[wanted] - sums[have]) / len(requests)).astype(np.float32)) for layer, (wanted, have) in named
    ]


def _judge(original: Model, before: Model, target: Path, check: list[Arrays], layers: int, ctx: JobContext) -> str:
    """Return a sentence with the error before and after, measured on examples that were set aside.

    Raises:
        InputRefused: the error does not shrink.
    """
    held = similarity.hold(original, check, ctx)
    errors = [held.error_of_file(path, before, ctx.threads) for path in (before.main, target)]
    if errors[1] >= errors[0]:
        raise InputRefused(
            "correction_brings_nothing",
            "Correcting biases does not help this model",
            _("The error of the answers was {0:.2g} before and {1:.2g} after it, on {2} examples set aside.").format(
                errors[0], errors[1], len(check)
            ),
            "Leave this step out.",
        )
    return _(
        "Biases of {0} layers were corrected: the squared error of the answers fell from {1:.2g} to {2:.2g}, "
        "on {3} examples set aside."
    ).format(layers, errors[0], errors[1], len(check))


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models whose layers have no biases."""
    return None if situation.model.biased else NO_BIAS


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Shifts each layer of an INT8 model back to the mean that its results had in the original. Costs no time.",
    source="Data-Free Quantization Through Weight Equalization and Bias Correction, arXiv 1906.04721 (empirical "
    "correction, on examples)",
    params=Params,
    apply=apply,
    needs_calibration=True,
    why_not=why_not,
    follows=("int8_static",),
)
