"""Describe what was checked and found, as sentences for the person who opened the file."""

from pathlib import Path

from workers.contracts.process.context import JobContext
from workers.contracts.process.protections import held_in_words, missing_in_words
from workers.contracts.specs import Finding
from workers.model_io.facts import info, warning
from workers.model_io.formats import Format
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


def recognized(path: Path, model_format: Format) -> tuple[Finding, ...]:
    """Return how the format was detected, and a warning if the name suggests another one."""
    usual = _SUFFIXES.get(path.suffix.lower(), ()) if path.is_file() else ()
    if usual and model_format.id not in usual:
        said = warning(
            f"The name ends in {shown(path.suffix, 12)}, but by its content the file is {model_format.title}."
        )
        return (said,)
    return (info(f"Recognized by its content, not by its name: {model_format.title}."),)


def others_beside(names: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return a finding about files with the same model in another form, as in the hub's folders."""
    listed = shown(", ".join(names), 200)
    return (info(f"Other forms of the model beside it are left alone: {listed}."),) if names else ()


def unpacked(names: int) -> Finding:
    """Return the finding of the check of a ZIP file."""
    what = "1 file" if names == 1 else f"{names:,} files"
    return info(f"The ZIP file holds {what}; none leads outside its folder, is a link, or is larger than it says.")


def not_run() -> Finding:
    """Return the finding that nothing ran, because inspecting only reads."""
    return info("Nothing in it was run.")


def tried(samples: int) -> Finding:
    """Return the finding about the trial run, which runs the model's operations but none of the author's code."""
    times = "once" if samples == 1 else f"{samples} times"
    return info(f"No code of its author was run. The model itself was tried {times} on made-up inputs, in the sandbox.")


def walls(ctx: JobContext) -> tuple[Finding, ...]:
    """Return findings about the protections of this computer and the missing ones."""
    held = held_in_words(ctx.protections)
    missing = tuple(warning(missing_in_words(name)) for name in ctx.missing_protections)
    return ((info(held),) if held else ()) + missing
