"""Apply a technique to each part of an encoder-decoder model and join the parts again."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.folder import copy_companions, read_model, write_model
from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import ModelArtifact, RecipeStep
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, joined, mark
from workers.convert.output import narrow
from workers.infer import onnxruntime_cpu
from workers.pipeline.generating import DECODER, ENCODER, STEP, Arrays, generate, open_whole
from workers.pipeline.pipeline import load_pipeline

TITLES = {ENCODER: mark("encoder"), DECODER: mark("decoder"), STEP: mark("decoder with cache")}
STEPS_OF_AN_ANSWER = 4
"""Number of steps of one generated text that calibrate the decoder with a cache; consecutive steps are similar."""


def has_parts(model: Model) -> bool:
    """Return whether the model consists of an encoder and a decoder."""
    return "parts" in model.artifact.settings


def parts_in(folder: Path) -> tuple[str, ...]:
    """Return the names of the parts in the folder of a model."""
    return tuple(name for name in TITLES if (folder / name).is_dir())


def join_parts(
    folder: Path,
    steps: tuple[RecipeStep, ...] = (),
    notes: tuple[str, ...] = (),
    shared: Mapping[str, Any] | None = None,
) -> ModelArtifact:
    """Describe the models in the part folders (`encoder`, `decoder`, …) below `folder` as one model."""
    models = {name: read_model(folder / name).artifact for name in parts_in(folder)}
    first, second, *more = models.values()
    precisions = tuple(dict.fromkeys(part.precision for part in models.values()))
    runtimes = reduce(narrow, (part.runtimes for part in more), narrow(first.runtimes, second.runtimes))
    own = {name: {"main": f"{name}/{part.main}", "settings": part.settings} for name, part in models.items()}
    return write_model(
        folder,
        f"{ENCODER}/{first.main}",
        [f"{name}/{entry.path}" for name, part in models.items() for entry in part.files],
        model_format=second.format,
        precision=", ".join(precisions),
        settings={**(shared or {}), "parts": own},
        runtimes=runtimes,
        steps=steps,
        notes=notes,
        weights_kept=all(part.weights_kept for part in models.values()),
    )


def apply_to_parts(spec: TechniqueSpec, model: Model, params: TechniqueParams, ctx: JobContext) -> ModelArtifact:
    """Apply the technique to each part of the model and write the result to `ctx.work_dir/model`.

    A part that the technique does not fit stays unchanged, with a note.

    Raises:
        InputRefused: the technique fits no part.
    """
    target = ctx.work_dir / "model"
    refusals: list[InputRefused] = []
    notes = list(model.artifact.notes)
    names = parts_in(model.folder)
    for name in names:
        part = read_model(model.folder / name)
        work = ctx.work_dir / name
        work.mkdir()
        title = _(TITLES[name])
        try:
            made = spec.apply(part, params, _for_part(ctx, work, name))
            known = set(part.artifact.notes)
            notes += [_("{0:capital}: {1}").format(title, note) for note in made.notes if note not in known]
            shutil.move(work / "model", target / name)
        except InputRefused as error:
            refusals.append(error)
            notes.append(joined([_("The {0} was left as it was.").format(title), error.detail]))
            shutil.copytree(part.folder, target / name)
    if len(refusals) == len(names):
        raise refusals[0]
    copy_companions(model.folder, target)
    step = RecipeStep(technique=spec.id, version=params.version, params=params.model_dump(mode="json"))
    shared = {name: value for name, value in model.artifact.settings.items() if name != "parts"}
    return join_parts(target, (*model.artifact.steps, step), tuple(notes), shared)


def _for_part(ctx: JobContext, work_dir: Path, part: str) -> JobContext:
    """Return the job's context for one part: its own folder, the original's part, examples of the part's inputs."""
    assert ctx.original is not None
    inputs = partial(_inputs_of, part, ctx)
    return derived(ctx, work_dir=work_dir, original=ctx.original / part, part=part, calibration=inputs)


def _inputs_of(part: str, ctx: JobContext, limit: int | None = None) -> Iterator[Arrays]:
    """Yield the inputs of one part while the original processes the examples.

    A decoder gets all tokens of a generated text; a decoder with a cache gets some of its steps.
    """
    items = ctx.calibration(limit)
    assert ctx.original is not None
    model, loop = read_model(ctx.original), load_pipeline(ctx.original).spec.generation
    assert loop is not None
    if part == ENCODER and loop.mel is None:
        yield from items
        return
    settings = dict(model.artifact.settings)
    whole = open_whole(onnxruntime_cpu.load, ctx.original, model.artifact.main, settings, ctx.threads, loop)
    with closing(whole) as session:
        runs = {name: one.run for name, one in session.parts.items()}
        for item in items:
            seen: list[Arrays] = []
            feeds = {name: np.array(value) for name, value in item.items()}
            generate(runs, loop, feeds, partial(_keep, part, seen))
            yield from _spread(seen) if part == STEP else seen[-1:]


def _keep(part: str, seen: list[Arrays], name: str, given: Arrays) -> None:
    if name == part:
        seen.append(given)


def _spread(steps: list[Arrays]) -> list[Arrays]:
    """Return the first and the last step and some between them."""
    at = np.linspace(0, len(steps) - 1, min(STEPS_OF_AN_ANSWER, len(steps))).round().astype(int)
    return [steps[place] for place in dict.fromkeys(at.tolist())]
