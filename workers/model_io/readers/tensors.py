"""Find the weights in the content of a checkpoint."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workers.contracts.specs import Finding
from workers.model_io.facts import info, warning
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
            f"{path.name} holds no table of named tensors.",
            "Choose the file that holds the model's weights (its state dict).",
        )

    def rank(table: tuple[tuple[str, ...], Tensors]) -> tuple[int, int]:
        where = table[0][-1] if table[0] else ""
        return (PREFERRED.index(where) if where in PREFERRED else len(PREFERRED), -len(table[1]))

    where, tensors = min(tables, key=rank)
    findings: tuple[Finding, ...] = ()
    if where:
        findings = (info(f"The weights are those under “{shown(' / '.join(where))}” in the file."),)
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


def judge_tensors(tensors: Tensors) -> tuple[Finding, ...]:
    """Return warnings about the numbers themselves."""
    import torch

    floats = [value for value in tensors.values() if value.is_floating_point()]
    findings: list[Finding] = []
    if any(not bool(torch.isfinite(value.float()).all()) for value in floats):
        findings.append(warning("Some weights are NaN or infinity."))
    narrow = sorted({str(v.dtype).removeprefix("torch.") for v in floats if v.dtype != torch.float32})
    if narrow:
        findings.append(info(f"Weights stored as {', '.join(narrow)} are widened to float32."))
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
