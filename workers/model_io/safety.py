"""Describe what was checked and found, and require consent to open a file that is a program.

Programs are TorchScript, torch.export programs and TensorRT engines.
"""

import json
from pathlib import Path

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.process.protections import held_in_words, missing_in_words
from workers.contracts.specs import Finding
from workers.contracts.translation import _, joined
from workers.contracts.wording import counted
from workers.infer.base import UnsafeProgram
from workers.infer.tensorrt_engines import FILE as ENGINES_FILE
from workers.infer.torch_archive import check_archive
from workers.infer.torch_cpu import RUNTIME as TORCH
from workers.model_io.facts import info, warning
from workers.model_io.formats import FORMATS, Source
from workers.model_io.words import refuse, shown, unsafe

_SUFFIXES = {
    ".onnx": ("onnx",),
    ".safetensors": ("safetensors",),
    ".pt": ("checkpoint", "torchscript"),
    ".pth": ("checkpoint", "torchscript"),
    ".bin": ("checkpoint",),
    ".ckpt": ("checkpoint",),
    ".gguf": ("gguf",),
    ".zip": (),
}


NOT_RUN = info("Nothing in it was run.")
"""Finding of an inspection, which only reads."""


def recognized(source: Source) -> Finding:
    """Return how the format was detected, as a warning if the name suggests another one."""
    suffix, title = source.path.suffix, _(FORMATS[source.kind][0])
    usual = _SUFFIXES.get(suffix.lower(), ()) if source.path.is_file() else ()
    if usual and source.kind not in usual:
        return warning(_("The name ends in {0}, but by its content the file is {1}.").format(shown(suffix, 12), title))
    return info(_("Recognized by its content, not by its name: {0}.").format(title))


def unpacked(names: int) -> Finding:
    """Return the finding of the check of a ZIP file."""
    what = _("The ZIP file holds {0}. None leads outside its folder, is a link, or is larger than stated.")
    return info(what.format(counted(names, "file")))


def tried(samples: int) -> Finding:
    """Return the finding about the trial run, which runs the model's operations but none of the author's code."""
    if samples == 1:
        return info("No code of its author was run. The model itself was tried once on made-up inputs, in the sandbox.")
    what = _("No code of its author was run. The model itself was tried {0} times on made-up inputs, in the sandbox.")
    return info(what.format(samples))


def walls(ctx: JobContext) -> tuple[Finding, ...]:
    """Return findings about the protections of this computer and the missing ones."""
    held = held_in_words(ctx.protections)
    missing = tuple(warning(missing_in_words(name)) for name in ctx.missing_protections)
    return ((info(held),) if held else ()) + missing


PROGRAM = ".pt2"


def has_consent(params: OpenParams, sha256: str) -> bool:
    """Return whether the user allowed to run the program with this hash."""
    return params.allow_code and params.code_sha256 in (None, sha256)


def consent_needed(title: str, detail: str, ctx: JobContext, sha256: str = "") -> InputRefused:
    """Return the refusal that the window turns into a question.

    `detail` is the reason why the program has to run; the facts name the program by its hash.
    """
    how = _("It would run in a sandbox without network.")
    if ctx.missing_protections:
        names = joined([_(missing.name) for missing in ctx.missing_protections], ", ")
        how = _(
            "It would run in a separate process, but this system cannot protect you fully. What is missing: {0}."
        ).format(names)
    hint = _("If you trust its origin, open it again and allow it.")
    facts = {"sha256": sha256}
    return refuse("needs_consent", title, joined([detail, how]), hint, facts=facts, by_command="--allow-code")


def check_programs(folder: Path, name: str, allow_code: bool, ctx: JobContext, sha256: str = "") -> None:
    """Check the programs in the bundle `folder` as text.

    `name` is the bundle's name in messages, `sha256` the hash by which a refusal names its programs.

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
                    _("{0}: {1}").format(name, error), _("Delete it, and get the model from a source that you trust.")
                ) from error
    if (programs or _has_engines(folder)) and not allow_code:
        detail = (
            _("{0} holds a PyTorch program, which has to run to answer.")
            if programs
            else _("{0} holds engines of TensorRT: programs for a graphics card, which have to run to answer.")
        )
        raise consent_needed(_("This bundle holds a program"), detail.format(name), ctx, sha256)


def _has_engines(folder: Path) -> bool:
    """Return whether prebuilt engines lie beside a model; an unreadable file counts as one."""
    for file in (path for path in folder.rglob("*") if path.name.lower() == ENGINES_FILE):
        try:
            if json.loads(file.read_text(encoding="utf-8")).get("engines"):
                return True
        except (OSError, ValueError, AttributeError, RecursionError):
            return True
    return False
