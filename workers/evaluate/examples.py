"""Single test items with the original's and a variant's answer, to be looked at side by side."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.context import JobContext
from workers.contracts.jobs import Example, ExamplesParams, ExamplesResult
from workers.evaluate.answers import Answers, load_answers
from workers.evaluate.data.base import Entry, Options
from workers.evaluate.data.sniff import read_collection
from workers.evaluate.dataset import DataSet, Item, read_dataset
from workers.pipeline import Pipeline, load_pipeline
from workers.pipeline.spec import PipelineError

FOLDER = "examples"
SIDE_PX = 112
TEXT_CHARS = 300


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
        rows.append(_row(item, data, pipeline, before, after, entries.get(data.test[item].source), ctx))
    return ExamplesResult(rows=tuple(rows))


def _entries(data: DataSet, pipeline: Pipeline, params: ExamplesParams) -> dict[str, Entry]:
    """Pictures by their source; nothing else needs the person's files again."""
    if data.kind != "images" or data.root is None or not Path(data.root).exists():
        return {}
    options = Options(pipeline.spec, params.text_column, params.label_column)
    return {entry.source: entry for entry in read_collection(Path(data.root), options).entries}


def _row(
    item: int,
    data: DataSet,
    pipeline: Pipeline,
    before: Answers,
    after: Answers,
    entry: Entry | None,
    ctx: JobContext,
) -> Example:
    facts = data.test[item]
    old, new = _predicted(before, item), _predicted(after, item)
    return Example(
        item=item,
        picture=_thumbnail(item, entry, ctx) if entry is not None else None,
        text=(facts.text or facts.source)[:TEXT_CHARS],
        before=_words(old, before.answer[item], data, pipeline),
        after=_words(new, after.answer[item], data, pipeline),
        label=" or ".join(data.class_name(label) for label in facts.labels) or None,
        kind=_kind(facts, old, new),
    )


def _predicted(answers: Answers, item: int) -> int | None:
    return None if answers.predicted is None else int(answers.predicted[item])


def _words(predicted: int | None, answer: NDArray[np.float32], data: DataSet, pipeline: Pipeline) -> str:
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


def _thumbnail(item: int, entry: Entry, ctx: JobContext) -> str | None:
    from workers.pipeline.images import open_picture, picture_from_array

    sample = entry.open()
    try:
        if isinstance(sample, Path):
            picture = open_picture(sample)
        elif isinstance(sample, np.ndarray):
            picture = picture_from_array(sample)
        else:
            return None
    except (PipelineError, OSError, ValueError):
        return None
    (ctx.work_dir / FOLDER).mkdir(exist_ok=True)
    name = f"{FOLDER}/{item}.png"
    picture.thumbnail((SIDE_PX, SIDE_PX))
    picture.save(ctx.work_dir / name)
    return name
