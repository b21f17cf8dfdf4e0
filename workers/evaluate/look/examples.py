"""Prepare single test items with the predictions of the original and of a version, for display side by side."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.base import Rows
from workers.contracts.data.seen import SeenBox
from workers.contracts.jobs import Example, ExamplesParams
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import _, joined, localized, mark
from workers.contracts.wording import counted
from workers.evaluate.data.base import Entry, Options, Sample
from workers.evaluate.data.dataset import DataSet, Item, read_dataset
from workers.evaluate.data.facts import sides_of
from workers.evaluate.data.sniff import entries_at
from workers.evaluate.data.thumbnails import picture_to_show
from workers.evaluate.look.boxes import found_words, frame_of, seen_boxes
from workers.evaluate.look.dialogues import written
from workers.evaluate.look.drawing import save_small
from workers.evaluate.look.masks import is_mask, laid_over, mask_words
from workers.evaluate.look.neighbors import Search
from workers.evaluate.look.one_input import levels_of
from workers.evaluate.look.plain_wav import write_plain_wav
from workers.evaluate.proof.predictions import Predictions, load_predictions
from workers.pipeline.audio import read_wav
from workers.pipeline.next_words import changed_places
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.spec import BoxesSteps, MaskSteps, PipelineError

SHOWN, CONTEXT = 3, 6
"""Number of displayed places, and of the tokens before each."""

END, NO_LETTERS = mark("(the end)"), mark("(a mark)")


def other_words(pipeline: Pipeline, old: NDArray[Any], new: NDArray[Any]) -> tuple[str, str]:
    """Return for both models the words at the places where the version would choose another one.

    `old` and `new` are rows of `thoughts`, float32 of shape (places, columns).
    """
    if not len(old) or len(old) != len(new) or not np.isfinite(new).all():
        return counted(len(old), "next word"), _("no answer")
    places = np.flatnonzero(changed_places(old, new))
    if not len(places):
        return counted(len(old), "next word"), _("all kept")
    return _next_words(pipeline, old, old, places), _next_words(pipeline, old, new, places)


def _next_words(pipeline: Pipeline, context: NDArray[Any], rows: NDArray[Any], places: NDArray[np.int64]) -> str:
    ends, parts = pipeline.spec.chat.ends if pipeline.spec.chat is not None else (), []
    for place in places[:SHOWN].tolist():
        before = _text(pipeline, context[max(0, place - CONTEXT) : place, 0])
        pick = _(END) if rows[place, 2] in ends else _text(pipeline, rows[place : place + 1, 2]) or _(NO_LETTERS)
        parts.append((_("“{0}” → “{1}”") if before else _("first “{1}”")).format(before, pick))
    more = len(places) - SHOWN
    return joined([*parts, _("{0:,} more").format(more) if more > 0 else ""], "; ")


def _text(pipeline: Pipeline, tokens: Sequence[float] | NDArray[Any]) -> str:
    return " ".join(pipeline.text_of(np.asarray(tokens)).split())


STAGE = mark("Show what changed")
FOLDER = "examples"
NO_WORD = mark("(no word)")


def show_examples(params: ExamplesParams, ctx: JobContext) -> Rows[Example]:
    """Return rows in the order of `params.items`. Pictures are read again from the person's files."""
    data = read_dataset(Path(params.data_dir))
    pipeline = load_pipeline(Path(params.model_dir))
    before, after = load_predictions(Path(params.original_answers)), load_predictions(Path(params.variant_answers))
    entries = _entries(data, pipeline, params)
    searches = (Search.of(data, before), Search.of(data, after)) if before.answer_kind == "embedding" else None
    rows = []
    for item in in_steps(ctx, STAGE, params.items, "examples"):
        row = _row(item, data, pipeline, before, after, params.text_chars)
        if before.answer_kind == "next_tokens":
            was, is_now = other_words(pipeline, before.answer[item], after.answer[item])
            report = {"before": _cut(was, params.text_chars), "after": _cut(is_now, params.text_chars), "is_text": True}
            row = row.model_copy(update=report)
        if searches is not None:
            row = row.model_copy(update=_near(item, searches, before, after))
        entry = entries.get(data.test[item].source)
        if entry is not None:
            seen = _seen(item, entry, data, params, ctx)
            masks = _masks(item, entry, pipeline, (before, after), seen, ctx)
            row = row.model_copy(update={**seen, **masks})
        rows.append(row)
    return Rows(rows=tuple(rows))


def _entries(data: DataSet, pipeline: Pipeline, params: ExamplesParams) -> dict[str, Entry]:
    """Return pictures and requested sounds by their source; nothing else needs the person's files again."""
    is_shown = data.kind == "images" or (data.kind == "audio" and params.sounds)
    options = Options(pipeline.spec, params.text_column, params.label_column)
    return entries_at(data.root, options) if is_shown else {}


def _row(
    item: int, data: DataSet, pipeline: Pipeline, before: Predictions, after: Predictions, text_chars: int
) -> Example:
    facts = data.test[item]
    old, new = _predicted(before, item), _predicted(after, item)
    frame = frame_of(facts.facts)
    boxes_before, boxes_after = (seen_boxes(pipeline, answers.answer[item], frame) for answers in (before, after))
    return Example(
        item=item,
        text=written(facts.text or facts.source)[:text_chars],
        before=_cut(_words(before, item, data, pipeline, boxes_before), text_chars),
        after=_cut(_words(after, item, data, pipeline, boxes_after), text_chars),
        boxes_before=boxes_before,
        boxes_after=boxes_after,
        label=reduce(_either, map(data.class_name, facts.labels)) if facts.labels else None,
        kind=_kind(facts, old, new),
        is_text=before.texts is not None and after.texts is not None,
        reference=(facts.transcript or facts.group)[:text_chars] if before.texts is not None else "",
    )


def _cut(words: str, most: int) -> str:
    """Return at most `most` letters; shorter words keep their template."""
    return words if len(words) <= most else words[:most]


def _either(one: str, other: str) -> str:
    return _("{0} or {1}").format(one, other)


def _near(item: int, searches: tuple[Search, Search], before: Predictions, after: Predictions) -> dict[str, Any]:
    """Return the fields of an `Example` with the results of a search; the first result is the prediction in words."""
    pairs = zip(searches, (before, after), strict=True)
    found = [search.names(answers.answer[item], item) for search, answers in pairs]
    words = [_("most like “{0}”").format(names[0]) if names else _("no answer") for names in found]
    return {"near_before": found[0], "near_after": found[1], "before": words[0], "after": words[1]}


def _predicted(answers: Predictions, item: int) -> int | None:
    return None if answers.predicted is None else int(answers.predicted[item])


def _words(answers: Predictions, item: int, data: DataSet, pipeline: Pipeline, boxes: tuple[SeenBox, ...]) -> str:
    answer, predicted = answers.answer[item], _predicted(answers, item)
    if predicted is None and not answers.finite[item]:
        return _("no answer")
    if isinstance(pipeline.spec.postprocess, BoxesSteps):
        return found_words(boxes)
    if is_mask(pipeline.spec, answer):
        return mask_words(answer, pipeline.spec)
    if answers.texts is not None:
        return answers.texts[item] or _(NO_WORD)
    if pipeline.spec.answer_kind == "tokens":
        return pipeline.text_of(answer)
    if predicted is None:
        flat = answer.reshape(-1)
        values = joined([localized(float(value), ".3g") for value in flat[:4]], ", ")
        return joined([values, "…" if flat.size > 4 else ""])
    return _("no answer") if predicted < 0 else data.class_name(predicted)


def _kind(facts: Item, old: int | None, new: int | None) -> Literal["worse", "better", "other"]:
    if not facts.labels:
        return "other"
    was_right, is_right = old in facts.labels, new in facts.labels
    if was_right == is_right:
        return "other"
    return "worse" if was_right else "better"


def _seen(item: int, entry: Entry, data: DataSet, params: ExamplesParams, ctx: JobContext) -> dict[str, Any]:
    """Return the fields of an `Example` with its picture or sound; none if its file is no longer readable."""
    try:
        sample = entry.open()
        if data.kind == "audio":
            return _sound(item, sample, ctx)
        picture = picture_to_show(sample)
        if picture is None:
            return {}
        return {"picture": save_small(picture, params.side_px, ctx.work_dir, f"{FOLDER}/{item}.png")}
    except (PipelineError, OSError, ValueError):
        return {}


def _masks(
    item: int,
    entry: Entry,
    pipeline: Pipeline,
    both: tuple[Predictions, Predictions],
    seen: dict[str, Any],
    ctx: JobContext,
) -> dict[str, Any]:
    """Return the fields `mask_before` and `mask_after`; none without a picture, and for masks that are not finite."""
    size = sides_of(entry) if seen.get("picture") else None
    if size is None or not isinstance(pipeline.spec.postprocess, MaskSteps):
        return {}
    from PIL import Image

    with Image.open(ctx.work_dir / seen["picture"]) as picture:
        shown = picture.size
    found: dict[str, Any] = {}
    for side, answers in zip(("before", "after"), both, strict=True):
        if is_mask(pipeline.spec, answers.answer[item]) and answers.finite[item]:
            name = _name(item, f"{side}.png", ctx)
            laid_over(answers.answer[item], pipeline.spec, shown, size).save(ctx.work_dir / name)
            found[f"mask_{side}"] = name
    return found


def _sound(item: int, sample: Sample, ctx: JobContext) -> dict[str, Any]:
    """Return the fields of a sound.

    The sound is read and written again, so that every player gets a file of one known format.
    """
    if not isinstance(sample, Path):
        return {}
    samples, rate_hz = read_wav(sample)
    name = _name(item, "wav", ctx)
    write_plain_wav(ctx.work_dir / name, samples, rate_hz)
    return {"sound": name, "levels": levels_of(samples)}


def _name(item: int, suffix: str, ctx: JobContext) -> str:
    (ctx.work_dir / FOLDER).mkdir(exist_ok=True)
    return f"{FOLDER}/{item}.{suffix}"
