"""An opened model in the words of the page Model."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from app.controllers.words import in_window, task_words, tensors_in_words, tr
from app.services.opening import OpenedModel
from widgets.pages.values import FindingValue, ImageStepsValue, ModelValue, PreprocessValue
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import AudioSteps, ImageSteps, PipelineSpec, TextSteps

GUESSED = "Guessed, please check"
LEVELS: dict[str, Literal["ok", "warn", "bad"]] = {"info": "ok", "warning": "warn", "danger": "bad"}


def spec_text(steps: ImageStepsValue) -> str:
    """The SPEC of `--preprocess` (CLI.md) that says the same."""
    parts = []
    for name, size in (("resize", steps.resize), ("crop", steps.crop)):
        said = "none" if size is None else str(size) if isinstance(size, int) else f"{size[0]}x{size[1]}"
        parts.append(f"{name}={said}")
    parts.append(f"mean={'/'.join(f'{value:g}' for value in steps.mean)}")
    parts.append(f"std={'/'.join(f'{value:g}' for value in steps.std)}")
    parts += [f"layout={steps.layout}", f"range={steps.range}", f"channels={steps.channels}"]
    return ",".join(parts)


def model_value(model: OpenedModel, name: str, opening: OpenParams | None) -> ModelValue:
    """An opened model in words."""
    info = model.info
    spec = PipelineSpec.model_validate_json((model.folder / "pipeline.json").read_text(encoding="utf-8"))
    safe = FindingValue("ok", tr("Nothing in it was run; it holds numbers and operations only."), tr("Safe"))
    if opening is not None and opening.allow_code:
        safe = FindingValue("warn", tr("It is a program; it ran in a sandbox, because you allowed it."), "")
    findings = tuple(
        FindingValue(LEVELS[finding.level], in_window(finding.what))
        for finding in info.findings
        if not finding.what.startswith(GUESSED)  # said at each field
    )
    return ModelValue(
        name=name,
        takes_in=tensors_in_words(info.inputs),
        gives_back=tensors_in_words(info.outputs),
        does=task_words(info.task),
        size_bytes=info.size_bytes,
        parameters=info.parameters,
        format=info.format,
        license=info.license or "",
        origin=Path(opening.path).name if opening else "",
        architecture=info.architecture or "",
        findings=(safe, *findings),
        preprocess=preprocess_value(spec, opening),
        classes=spec.classes or (),
    )


def preprocess_value(spec: PipelineSpec, opening: OpenParams | None = None) -> PreprocessValue:
    """How inputs are prepared: fields for pictures, rows for the rest."""
    guessed = frozenset(spec.guessed)
    by_hand = opening is not None and opening.preprocess is not None
    source = tr("from the model's own files")
    if guessed:
        source = tr("partly guessed, please check")
    elif by_hand:
        source = tr("as you set it")
    steps = spec.preprocess
    if isinstance(steps, ImageSteps):
        image = ImageStepsValue(
            steps.resize, steps.crop, steps.mean, steps.std, steps.range, steps.channels, steps.layout
        )
        return PreprocessValue(image=image, guessed=guessed, source=source)
    rows: tuple[tuple[str, str], ...] = ((tr("Inputs"), tr("taken as they are")),)
    if isinstance(steps, TextSteps):
        rows = (
            (tr("Texts are cut into"), tr("tokens, by the tokenizer that came with it")),
            (tr("At most"), tr("{0:,} tokens; the rest is cut off").format(steps.max_length)),
        )
    elif isinstance(steps, AudioSteps):
        rows = (
            (tr("Sounds are brought to"), tr("{0:,} samples a second, one channel").format(steps.sample_rate_hz)),
            (tr("In pieces of"), tr("{0:,} samples").format(steps.frame_samples)),
        )
    return replace(PreprocessValue(rows=rows, source=source), guessed=frozenset())
