"""Single test items with the original's and a variant's answer, to be looked at side by side."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.seen import SeenBox
from workers.contracts.jobs import Example, ExamplesParams, ExamplesResult
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext
from workers.evaluate.data.base import Entry, Options, Sample
from workers.evaluate.data.dataset import DataSet, Item, read_dataset
from workers.evaluate.data.previews import picture_to_show
from workers.evaluate.data.sniff import read_collection
from workers.evaluate.look.boxes import found_words, frame_of, seen_boxes
from workers.evaluate.look.one_input import levels_of
from workers.evaluate.look.plain_wav import write_plain_wav
from workers.evaluate.proof.predictions import Answers, load_answers
from workers.pipeline import Pipeline, load_pipeline
from workers.pipeline.audio import read_wav
from workers.pipeline.spec import BoxesSteps, PipelineError

FOLDER = "examples"


def show_examples(params: ExamplesParams, ctx: JobContext) -> ExamplesResult:
    """Rows in the order of `params.items`; pictures are read again from where the person's data lie."""
    data = read_dataset(Path(params.data_dir))
    pipeline = load_pipeline(Path(params.model_dir))
    before, after = load_answers(Path(params.original_answers)), load_answers(Path(params.variant_answers))
    entries = _entries(data, pipeline, params)
    rows = []
    for number, item in enumerate(params.items):
        ctx.check_cancelled()
        ctx.progress("Show what changed", number, len(params.items), "examples")
        row = _row(item, data, pipeline, before, after, params.text_chars)
        entry = entries.get(data.test[item].source)
        rows.append(row if entry is None else row.model_copy(update=_seen(item, entry, data, params, ctx)))
    return ExamplesResult(rows=tuple(rows))


def _entries(data: DataSet, pipeline: Pipeline, params: ExamplesParams) -> dict[str, Entry]:
    """Pictures and wanted sounds by their source; nothing else needs the person's files again."""
    is_shown = data.kind == "images" or (data.kind == "audio" and params.sounds)
    if not is_shown or data.root is None or not from_text(data.root).exists():
        return {}
    options = Options(pipeline.spec, params.text_column, params.label_column)
    return {entry.source: entry for entry in read_collection(from_text(data.root), options).entries}


def _row(item: int, data: DataSet, pipeline: Pipeline, before: Answers, after: Answers, text_chars: int) -> Example:
    facts = data.test[item]
    old, new = _predicted(before, item), _predicted(after, item)
    frame = frame_of(facts.facts)
    boxes_before, boxes_after = (seen_boxes(pipeline, answers.answer[item], frame) for answers in (before, after))
    return Example(
        item=item,
        text=(facts.text or facts.source)[:text_chars],
        before=_words(old, before.answer[item], data, pipeline, boxes_before),
        after=_words(new, after.answer[item], data, pipeline, boxes_after),
        boxes_before=boxes_before,
        boxes_after=boxes_after,
        label=" or ".join(data.class_name(label) for label in facts.labels) or None,
        kind=_kind(facts, old, new),
    )


def _predicted(answers: Answers, item: int) -> int | None:
    return None if answers.predicted is None else int(answers.predicted[item])


def _words(
    predicted: int | None,
    answer: NDArray[np.float32],
    data: DataSet,
    pipeline: Pipeline,
    boxes: tuple[SeenBox, ...],
) -> str:
    if isinstance(pipeline.spec.postprocess, BoxesSteps):
        return found_words(boxes) if np.isfinite(answer).all() else "no answer"
    if pipeline.spec.answer_kind == "tokens":
        return pipeline.text_of(answer) if np.isfinite(answer).all() else "no answer"
    if predicted is None:
        flat = answer.reshape(-1)
        return ", ".join(f"{value:.3g}" for value in flat[:4]) + (" …" if flat.size > 4 else "")
    return "no answer" if predicted < 0 else data.class_name(predicted)


def _kind(facts: Item, old: int | None, new: int | None) -> Literal["worse", "better", "other"]:
    if not facts.labels:
        return "other"
    was_right, is_right = old in facts.labels, new in facts.labels
    if was_right == is_right:
        return "other"
    return "worse" if was_right else "better"


def _seen(item: int, entry: Entry, data: DataSet, params: ExamplesParams, ctx: JobContext) -> dict[str, Any]:
    """The fields of an `Example` that say what it looks or sounds like; none where its file cannot be read any more."""
    try:
        sample = entry.open()
        if data.kind == "audio":
            return _sound(item, sample, ctx)
        return {"picture": _thumbnail(item, sample, params.side_px, ctx)}
    except (PipelineError, OSError, ValueError):
        return {}


def _thumbnail(item: int, sample: Sample, side_px: int, ctx: JobContext) -> str | None:
    picture = picture_to_show(sample)
    if picture is None:
        return None
    picture.thumbnail((side_px, side_px))
    name = _name(item, "png", ctx)
    picture.save(ctx.work_dir / name)
    return name


def _sound(item: int, sample: Sample, ctx: JobContext) -> dict[str, Any]:
    """Read here and written anew, so that whoever plays it meets a file of one known kind."""
    if not isinstance(sample, Path):
        return {}
    samples, rate_hz = read_wav(sample)
    name = _name(item, "wav", ctx)
    write_plain_wav(ctx.work_dir / name, samples, rate_hz)
    return {"sound": name, "levels": levels_of(samples)}


def _name(item: int, suffix: str, ctx: JobContext) -> str:
    (ctx.work_dir / FOLDER).mkdir(exist_ok=True)
    return f"{FOLDER}/{item}.{suffix}"
