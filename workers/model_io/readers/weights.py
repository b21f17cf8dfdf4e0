"""Read weights without code (checkpoints, safetensors): find the tensors, recognize the architecture, convert."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.folder import sha256_file
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding, TensorSpec
from workers.contracts.translation import _
from workers.model_io.budget import converting
from workers.model_io.facts import Graph, ModelFacts, danger, info, warning
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.architectures import recognize
from workers.model_io.readers.export_torch import export, reference, single
from workers.model_io.readers.neighbors import facts_of_file
from workers.model_io.words import refuse, shown

Tensors = dict[str, Any]

PREFERRED = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "backbone.")
_DEPTH = 4


def find_tensors(path: Path, loaded: Any) -> tuple[Tensors, tuple[Finding, ...]]:
    """Return the one table of named tensors in a loaded checkpoint.

    Raises:
        InputRefused: there is none.
    """
    tables = list(_tables(loaded, (), _DEPTH))
    if not tables:
        raise refuse(
            "no_tensors",
            "There are no weights in the file",
            _("{0} holds no table of named tensors.").format(path.name),
            "Choose the file that holds the model's weights (its state dict).",
        )

    def rank(table: tuple[tuple[str, ...], Tensors]) -> tuple[int, int]:
        where = table[0][-1] if table[0] else ""
        return (PREFERRED.index(where) if where in PREFERRED else len(PREFERRED), -len(table[1]))

    where, tensors = min(tables, key=rank)
    findings: tuple[Finding, ...] = ()
    if where:
        findings = (info(_("The weights are those under “{0}” in the file.").format(shown(" / ".join(where)))),)
    stripped = strip_prefix(tensors)
    return stripped, findings


def _tables(value: Any, where: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], Tensors]]:
    import torch

    if not isinstance(value, Mapping) or not depth:
        return
    tensors = {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
    if tensors and len(tensors) * 2 >= len(value):
        yield where, tensors
    for key, inner in value.items():
        if isinstance(key, str) and isinstance(inner, Mapping) and "optim" not in key.lower():
            yield from _tables(inner, (*where, key), depth - 1)


def strip_prefix(tensors: Tensors) -> Tensors:
    """Remove the prefix that wrappers (DataParallel, compile, Lightning) add to every name."""
    for prefix in PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return strip_prefix({name.removeprefix(prefix): value for name, value in tensors.items()})
    return tensors


def tensor_findings(tensors: Tensors) -> tuple[Finding, ...]:
    """Return warnings about the numbers themselves."""
    import torch

    floats = [value for value in tensors.values() if value.is_floating_point()]
    findings: list[Finding] = []
    if any(not bool(torch.isfinite(value.float()).all()) for value in floats):
        findings.append(warning("Some weights are NaN or infinity."))
    narrow = sorted({str(v.dtype).removeprefix("torch.") for v in floats if v.dtype != torch.float32})
    if narrow:
        findings.append(info(_("Weights stored as {0} are widened to float32.").format(", ".join(narrow))))
    return tuple(findings)


def few_bits(tensors: Tensors) -> bool:
    """Return whether most weights are stored as whole numbers of 8 bits or fewer."""
    import torch

    kinds = (torch.int8, torch.uint8, torch.quint8, torch.qint8)
    small = sum(value.numel() for value in tensors.values() if value.dtype in kinds)
    return bool(small > sum(value.numel() for value in tensors.values() if value.is_floating_point()))


def counts(tensors: Tensors) -> tuple[int, int]:
    """Return the numbers of weights and of bytes of all tensors.

    Whole numbers count as weights if most weights are stored as such.
    """
    whole = few_bits(tensors)
    numbers = sum(value.numel() for value in tensors.values() if whole or value.is_floating_point())
    return numbers, sum(value.numel() * value.element_size() for value in tensors.values())


INPUT, OUTPUT = "input", "output"


def read_weights(
    path: Path, tensors: Tensors, findings: tuple[Finding, ...], params: OpenParams, ctx: JobContext
) -> tuple[Draft, Write]:
    """Describe the weights without converting them; without a certain architecture, the returned writer refuses."""
    try:
        module, classes, known, size = recognize(path, tensors, sha256_file(path), params.architecture, ctx)
    except InputRefused as error:
        if error.code not in ("unknown_architecture", "ambiguous_architecture"):
            raise
        refusal = error

        def refuse(params: OpenParams, target: Path) -> Draft:
            raise refusal

        numbers, size_bytes = counts(tensors)
        summary = danger(f"{error.detail} {error.hint}")
        graph = Graph((), (), numbers, size_bytes, quantized=few_bits(tensors))
        return Draft(graph, facts_of_file(path, {}), (path,), (summary, *findings, *tensor_findings(tensors))), refuse
    graph = Graph(
        inputs=(TensorSpec(name=INPUT, shape=("batch", *size), dtype="float32"),),
        outputs=(TensorSpec(name=OUTPUT, shape=("batch", classes or None), dtype="float32"),),
        parameters=sum(p.numel() for p in module.parameters()),
        weight_bytes=counts(tensors)[1],
        quantized=few_bits(tensors),
    )
    facts = ModelFacts(license=known.license).or_else(facts_of_file(path, {})).or_else(known)
    summary = info(_("The weights fit the architecture {0}.").format(known.architecture))
    draft = Draft(graph, facts, (path,), (summary, *findings, *tensor_findings(tensors)))
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
