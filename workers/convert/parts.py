"""Models of two parts: a technique is applied to each part as to a model of its own, then both are one again."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.folder import COMPANIONS, read_model, write_model
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact, RecipeStep
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.output import narrow
from workers.infer import onnxruntime_cpu
from workers.pipeline import load_pipeline
from workers.pipeline.generating import DECODER, ENCODER, Arrays, generate, open_whole

PARTS = (ENCODER, DECODER)


def has_parts(model: Model) -> bool:
    """Whether the model is an encoder and a decoder."""
    return "parts" in model.artifact.settings


def join_parts(
    folder: Path,
    steps: tuple[RecipeStep, ...] = (),
    notes: tuple[str, ...] = (),
    shared: Mapping[str, Any] | None = None,
) -> ModelArtifact:
    """Describe the models in the folders `encoder` and `decoder` below `folder` as one."""
    models = {name: read_model(folder / name).artifact for name in PARTS}
    first, second = models.values()
    own = {name: {"main": f"{name}/{part.main}", "settings": part.settings} for name, part in models.items()}
    return write_model(
        folder,
        f"{ENCODER}/{first.main}",
        [f"{name}/{entry.path}" for name, part in models.items() for entry in part.files],
        model_format=second.format,
        precision=first.precision if first.precision == second.precision else f"{first.precision}, {second.precision}",
        settings={**(shared or {}), "parts": own},
        runtimes=narrow(first.runtimes, second.runtimes),
        steps=steps,
        notes=notes,
    )


def apply_to_parts(spec: TechniqueSpec, model: Model, params: TechniqueParams, ctx: Any) -> ModelArtifact:
    """`ctx.work_dir/model` with the technique applied to each part. A part that it does not fit stays as it was, with a
    note. Raises InputRefused where it fits none."""
    target = ctx.work_dir / "model"
    refusals: list[InputRefused] = []
    notes = list(model.artifact.notes)
    for name in PARTS:
        part = read_model(model.folder / name)
        work = ctx.work_dir / name
        work.mkdir()
        try:
            made = spec.apply(part, params, cast(JobContext, PartContext(ctx, work, name)))
            known = set(part.artifact.notes)
            notes += [f"{name.capitalize()}: {note}" for note in made.notes if note not in known]
            shutil.move(work / "model", target / name)
        except InputRefused as error:
            refusals.append(error)
            notes.append(f"The {name} was left as it was. {error.detail}")
            shutil.copytree(part.folder, target / name)
    if len(refusals) == len(PARTS):
        raise refusals[0]
    for name in COMPANIONS:
        if (model.folder / name).is_file():
            shutil.copyfile(model.folder / name, target / name)
    step = RecipeStep(technique=spec.id, version=params.version, params=params.model_dump(mode="json"))
    shared = {name: value for name, value in model.artifact.settings.items() if name != "parts"}
    return join_parts(target, (*model.artifact.steps, step), tuple(notes), shared)


class PartContext:
    """The job's context as one part sees it: a folder of its own, the original's part, examples of its inputs."""

    def __init__(self, ctx: Any, work_dir: Path, part: str) -> None:
        self._ctx, self.work_dir, self._part = ctx, work_dir, part
        self.original = ctx.original / part

    def calibration(self, limit: int | None = None) -> Iterator[Arrays]:
        """What this part gets while the original answers the examples: the decoder with all tokens of an answer."""
        items = self._ctx.calibration(limit)
        if self._part == ENCODER:
            yield from items
            return
        whole: Path = self._ctx.original
        model, loop = read_model(whole), load_pipeline(whole).spec.generation
        assert loop is not None
        settings, threads = dict(model.artifact.settings), self._ctx.threads
        session = open_whole(onnxruntime_cpu.load, whole, model.artifact.main, settings, threads, loop)
        try:
            for item in items:
                seen: list[Arrays] = []
                feeds = {name: np.array(value) for name, value in item.items()}
                generate(session.parts[ENCODER].run, session.parts[DECODER].run, loop, feeds, seen.append)
                yield seen[-1]
        finally:
            session.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)
