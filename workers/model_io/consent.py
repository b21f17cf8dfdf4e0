"""Require consent to open a file that is a program: TorchScript, torch.export programs, TensorRT engines."""

import json
from pathlib import Path

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.infer.base import UnsafeProgram
from workers.infer.tensorrt_engines import FILE as ENGINES_FILE
from workers.infer.torch_archive import check_archive
from workers.infer.torch_cpu import RUNTIME as TORCH
from workers.model_io.words import refuse, unsafe

PROGRAM = ".pt2"


def consent_needed(title: str, detail: str, ctx: JobContext) -> InputRefused:
    """Return the refusal that the window turns into a question; `detail` says why the program has to run."""
    how = "It would run in a sandbox without network."
    if ctx.missing_protections:
        names = " and ".join(name.partition(" (")[0] for name in ctx.missing_protections)
        how = f"It would run in a separate process, but this system cannot protect you fully. What is missing: {names}."
    hint = "If you trust its origin, allow it."
    return refuse("needs_consent", title, f"{detail} {how}", hint, by_command="--allow-code")


def check_programs(folder: Path, name: str, allow_code: bool, ctx: JobContext) -> None:
    """Check the programs in the bundle `folder` as text; `name` is the bundle's name in messages.

    Raises:
        InputRefused: "unsafe" for a torch program with more than operators and tensors, which no consent opens; else
        "needs_consent" where there is a program and `allow_code` is False.
    """
    programs = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() == PROGRAM]
    if programs and TORCH.available().available:
        import torch

        for program in programs:
            try:
                check_archive(torch, program)
            except UnsafeProgram as error:
                raise unsafe(
                    f"{name}: {error}", "Delete it, and get the model from a source that you trust."
                ) from error
    if (programs or _has_engines(folder)) and not allow_code:
        kind = "a PyTorch program" if programs else "engines of TensorRT, which are programs for a graphics card"
        raise consent_needed("This bundle holds a program", f"{name} holds {kind}, which has to run to answer.", ctx)


def _has_engines(folder: Path) -> bool:
    """Return whether prebuilt engines lie beside a model; an unreadable file counts as one."""
    for file in (path for path in folder.rglob("*") if path.name.lower() == ENGINES_FILE):
        try:
            if json.loads(file.read_text(encoding="utf-8")).get("engines"):
                return True
        except (OSError, ValueError, AttributeError, RecursionError):
            return True
    return False
