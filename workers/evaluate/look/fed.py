"""Run the job ``fed``: show the exact numbers that the model receives, and whether its results look like noise."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.fed import FedExample, FedFinding, FedInput, FedParams, FedResult
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.evaluate.data.dataset import DataSet, Item, read_dataset
from workers.evaluate.data.store import is_added
from workers.evaluate.doctor.verdict import words_of
from workers.evaluate.look.boxes import seen_boxes
from workers.evaluate.look.dialogues import in_one_line
from workers.evaluate.look.drawing import drawn, save_small, stretched
from workers.evaluate.look.examples import NO_WORD
from workers.evaluate.look.fed_answers import predict_original
from workers.evaluate.look.masks import is_mask, laid_over, mask_words
from workers.evaluate.look.neighbors import Search
from workers.evaluate.look.one_input import levels_of
from workers.pipeline.pipeline import Arrays, Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import ArraySteps, AudioSteps, BoxesSteps, ImageSteps

FOLDER = "fed"
SIDE_PX = 224
NOTHING_FOUND = mark("it finds nothing in this picture")
TEXT_CHARS, RESULT_CHARS = 80, 300
FAR_RANGE = 10.0
"""A range that is this many times wider or narrower than that of the preprocessing counts as different."""


def show_fed(params: FedParams, ctx: JobContext) -> FedResult:
    """Return the first test examples as they were prepared, so that exactly the judged inputs are displayed."""
    pipeline, folder = load_pipeline(Path(params.model_dir)), Path(params.data_dir)
    data, test = read_dataset(folder), Prepared(folder / "test")
    steps = pipeline.spec.preprocess
    unchanged = data.kind == "arrays" and (not isinstance(steps, ArraySteps) or steps == ArraySteps())
    examples = []
    theirs = (number for number, item in enumerate(data.test) if not is_added(item))
    for number in islice(theirs, params.count):
        ctx.check_cancelled()
        examples.append(_example(number, data.test[number], test[number], pipeline, unchanged, ctx))
    findings = _about_inputs(examples, pipeline, unchanged)
    answers: list[NDArray[np.float32]] = []
    tells = pipeline.spec.answer_kind != "next_tokens"  # likely next tokens of a text say nothing about its preparation
    if tells and params.most_answers and data.origin == "person" and len(test):
        answers, found = predict_original(params, pipeline, data, test, ctx)
        findings += found
        for at in range(min(len(examples), len(answers))):
            examples[at] = _with_result(examples[at], answers, at, test[at], pipeline, data, ctx)
    return FedResult(
        kind=data.kind, preparation="" if unchanged else words_of(steps),
        examples=tuple(examples), findings=tuple(findings), answered=len(answers),
    )  # fmt: skip


def _with_result(
    example: FedExample, answers: Sequence[NDArray[np.float32]], at: int, feeds: Arrays, pipeline: Pipeline,
    data: DataSet, ctx: JobContext,
) -> FedExample:  # fmt: skip
    """Add the result to an example: boxes relative to the displayed input, words, or a mask over the picture."""
    spec, answer = pipeline.spec, answers[at]
    if not np.isfinite(answer).all():
        return example
    if isinstance(spec.postprocess, BoxesSteps) and example.picture is not None:
        height, width = pipeline.input_size(feeds)
        boxes = seen_boxes(pipeline, answer, (0.0, 0.0, float(width), float(height)))
        return example.model_copy(update={"boxes": boxes, "result": example.result if boxes else NOTHING_FOUND})
    answer = answer[0] if answer.ndim and len(answer) == 1 else answer
    if is_mask(spec, answer):
        from PIL import Image

        update: dict[str, Any] = {"result": mask_words(answer, spec)}
        if example.picture is not None:
            name = f"{FOLDER}/{at}.mask.png"
            with Image.open(ctx.work_dir / example.picture) as picture:
                laid_over(answer, spec, picture.size).save(ctx.work_dir / name)
            update["mask"] = name
        return example.model_copy(update=update)
    if spec.answer_kind in ("tokens", "transcript"):
        return example.model_copy(update={"result": pipeline.text_of(answer)[:RESULT_CHARS] or _(NO_WORD)})
    if spec.answer_kind == "embedding":
        near = Search(answers, data.test, own=True).names(answer, at)
        return example.model_copy(update={"result": _("most like “{0}”").format(near[0]) if near else ""})
    return example


def _example(
    number: int, item: Item, feeds: Arrays, pipeline: Pipeline, unchanged: bool, ctx: JobContext
) -> FedExample:
    main, steps = feeds[pipeline.main_input.name], pipeline.spec.preprocess
    levels = levels_of(np.abs(main[..., steps.context_samples :]).ravel()) if isinstance(steps, AudioSteps) else ()
    return FedExample(
        source=item.source if item.text is None else in_one_line(item.text)[:TEXT_CHARS],
        way="as_it_is" if unchanged else "prepared",
        inputs=tuple(input_of(name, value) for name, value in feeds.items()),
        picture=_picture(number, main, pipeline, unchanged, ctx),
        levels=levels,
    )


def input_of(name: str, values: NDArray[Any]) -> FedInput:
    """Return the range and the mean of all finite numbers of one input."""
    finite = values[np.isfinite(values)]
    return FedInput(
        name=name, dtype=str(values.dtype), shape=values.shape, low=float(finite.min()) if finite.size else None,
        high=float(finite.max()) if finite.size else None,
        mean=float(finite.mean(dtype=np.float64)) if finite.size else None, not_finite=int(values.size - finite.size),
    )  # fmt: skip


def _picture(number: int, main: NDArray[Any], pipeline: Pipeline, unchanged: bool, ctx: JobContext) -> str | None:
    from PIL import Image

    steps = pipeline.spec.preprocess
    if not isinstance(steps, ImageSteps) or main.ndim != 4:
        return None
    bits = stretched(main, steps) if unchanged else drawn(main, steps)
    if bits is None:
        return None
    return save_small(Image.fromarray(bits), SIDE_PX, ctx.work_dir, f"{FOLDER}/{number}.png")


def _about_inputs(examples: list[FedExample], pipeline: Pipeline, unchanged: bool) -> list[FedFinding]:
    """Return findings about the numbers themselves."""
    found = []
    if any(entry.not_finite for example in examples for entry in example.inputs):
        what = mark("Some of the numbers that go in are not finite (NaN or infinity).")
        found.append(FedFinding(code="not_finite", level="warning", what=what, hint="Check where they come from."))
    if unchanged and isinstance(pipeline.spec.preprocess, ImageSteps | AudioSteps):
        what = mark("These arrays have the model’s own shape and go in as they are: nothing is prepared.")
        found.append(FedFinding(code="as_they_are", level="info", what=what))
        other = _other_range(examples, pipeline)
        found += [other] if other is not None else []
    return found


def _other_range(examples: list[FedExample], pipeline: Pipeline) -> FedFinding | None:
    """Return a finding if arrays have a different range than pictures after the preprocessing of this model.

    The preprocessing must be known, not guessed. A different range means that the arrays were prepared differently.
    """
    steps = pipeline.spec.preprocess
    if not isinstance(steps, ImageSteps) or {"mean", "std", "range"} & set(pipeline.spec.guessed):
        return None
    name = pipeline.main_input.name
    main = [entry for example in examples for entry in example.inputs if entry.name == name]
    ends = [(entry.low, entry.high) for entry in main if entry.low is not None and entry.high is not None]
    if not ends:
        return None
    top = 1.0 if steps.range == "0..1" else 255.0
    corners = np.asarray([(end - np.asarray(steps.mean)) / np.asarray(steps.std) for end in (0.0, top)])
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    have, usual = high - low, float(corners.max() - corners.min())
    if usual / FAR_RANGE <= have <= usual * FAR_RANGE:
        return None
    what = _(
        "They go from {0:.3g} to {1:.3g}; pictures that are prepared for this model go from {2:.3g} to {3:.3g}."
    ).format(low, high, float(corners.min()), float(corners.max()))
    hint = mark("Save them as they went into the model when it was trained, or give pictures instead.")
    return FedFinding(
        code="other_range", level="warning", what=what, hint=hint, n=len(ends), found=have, expected=usual
    )
