"""Read weights without code (checkpoints, safetensors): recognize the architecture, then convert the module."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.folder import sha256_file
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding, TensorSpec
from workers.model_io.budget import converting
from workers.model_io.facts import Graph, ModelFacts, danger, info
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.architectures import recognize
from workers.model_io.readers.export_torch import export, reference, single
from workers.model_io.readers.neighbors import beside_file
from workers.model_io.readers.tensors import Tensors, counts, few_bits, judge_tensors

INPUT, OUTPUT = "input", "output"


def read_weights(
    path: Path, tensors: Tensors, findings: tuple[Finding, ...], params: OpenParams, ctx: JobContext
) -> tuple[Draft, Write]:
    """Describe the weights without converting them; without a certain architecture, the returned writer refuses."""
    try:
        module, classes, found, size = recognize(path, tensors, sha256_file(path), params.architecture, ctx)
    except InputRefused as error:
        if error.code not in ("unknown_architecture", "ambiguous_architecture"):
            raise
        refusal = error

        def refuse(params: OpenParams, target: Path) -> Draft:
            raise refusal

        numbers, size_bytes = counts(tensors)
        told = danger(f"{error.detail} {error.hint}")
        graph = Graph((), (), numbers, size_bytes, quantized=few_bits(tensors))
        return Draft(graph, beside_file(path, {}), (path,), (told, *findings, *judge_tensors(tensors))), refuse
    graph = Graph(
        inputs=(TensorSpec(name=INPUT, shape=("batch", *size), dtype="float32"),),
        outputs=(TensorSpec(name=OUTPUT, shape=("batch", classes or None), dtype="float32"),),
        parameters=sum(p.numel() for p in module.parameters()),
        weight_bytes=counts(tensors)[1],
        quantized=few_bits(tensors),
    )
    facts = ModelFacts(license=found.license).or_else(beside_file(path, {})).or_else(found)
    told = info(f"The weights fit the architecture {found.architecture}.")
    draft = Draft(graph, facts, (path,), (told, *findings, *judge_tensors(tensors)))
    return draft, partial(_write, path, module, draft, ctx)


def _write(path: Path, module: Any, draft: Draft, ctx: JobContext, params: OpenParams, target: Path) -> Draft:
    """Convert into `target`, and keep the module as the reference of the comparison."""
    import torch

    ctx.check_cancelled()
    module = single(module)
    example = torch.zeros((2, *(int(size or 1) for size in draft.graph.inputs[0].shape[1:])))
    with converting(ctx, path.stat().st_size):
        program = export(path, module, {INPUT: example}, OUTPUT, target, {INPUT: {0: "batch"}})
    return replace(draft, reference=reference(module, (INPUT,), (OUTPUT,)), torch_program=program)
