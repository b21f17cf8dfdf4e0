"""Describe what was checked and found, as sentences for the person who opened the file."""

from workers.contracts.process.context import JobContext
from workers.contracts.process.protections import held_in_words, missing_in_words
from workers.contracts.specs import Finding
from workers.model_io.facts import info, warning
from workers.model_io.formats import FORMATS, Source
from workers.model_io.words import shown

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
    suffix, title = source.path.suffix, FORMATS[source.kind][0]
    usual = _SUFFIXES.get(suffix.lower(), ()) if source.path.is_file() else ()
    if usual and source.kind not in usual:
        return warning(f"The name ends in {shown(suffix, 12)}, but by its content the file is {title}.")
    return info(f"Recognized by its content, not by its name: {title}.")


def unpacked(names: int) -> Finding:
    """Return the finding of the check of a ZIP file."""
    what = "1 file" if names == 1 else f"{names:,} files"
    return info(f"The ZIP file holds {what}. None leads outside its folder, is a link, or is larger than stated.")


def tried(samples: int) -> Finding:
    """Return the finding about the trial run, which runs the model's operations but none of the author's code."""
    times = "once" if samples == 1 else f"{samples} times"
    return info(f"No code of its author was run. The model itself was tried {times} on made-up inputs, in the sandbox.")


def walls(ctx: JobContext) -> tuple[Finding, ...]:
    """Return findings about the protections of this computer and the missing ones."""
    held = held_in_words(ctx.protections)
    missing = tuple(warning(missing_in_words(name)) for name in ctx.missing_protections)
    return ((info(held),) if held else ()) + missing
