"""Provide a finished run of the built-in sample in seconds: opened, predicted and judged by real jobs, with other
runtimes and settings as versions and made-up times."""

import dataclasses
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from flows import go
from made_once import made_once
from spaces import opened_space

from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.domain.variant import Measurement, Variant
from app.services.after.trying.trying import TryPair
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from app.services.run import version_steps
from presets.sample import sample_paths
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Recipe, RecipeStep

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ORIGINAL = Recipe(title="Original")
FASTER = Recipe(title="Faster engine", runtime="openvino", settings={"inference_precision": "f32"})
PRUNED = Recipe(title="Pruned by 90 %", steps=(RecipeStep(technique="magnitude_prune", params={"sparsity": 0.9}),))


def write_part(path: Path, first: int, last: int, *, labels: bool = True) -> Path:
    """Write some of the sample's pictures to a separate file."""
    with np.load(sample_paths().data) as stored:
        known = {"y": stored["y"][first:last], "classes": stored["classes"]} if labels else {}
        np.savez(path, x=stored["x"][first:last], **known)
    return path


def write_picture(path: Path, number: int = 0, side: int | None = None) -> Path:
    """Write one of the sample's pictures as a PNG."""
    from PIL import Image

    with np.load(sample_paths().data) as stored:
        picture = Image.fromarray(stored["x"][number])
    (picture.resize((side, side)) if side else picture).save(path)
    return path


def finished_run(
    space: Workspace, data: Path, *recipes: Recipe, max_loss_pct: float = 1.0, answer_s: float | None = None
) -> Run:
    """Make a project "p1" with a run "r1" that recommends the first of `recipes`; with `answer_s` 0 ten items are
    evaluated."""
    return go(space, _make(space, data, recipes, max_loss_pct, answer_s))


def finished_folder(root: Path, *, last: int = 60, answer_s: float | None = None) -> Path:
    """Make the same on the first `last` pictures in a data folder below `root`, and return `root`. It is made once for
    all tests and copied, so its examples, "some.npz", are elsewhere and only read."""
    made = made_once(f"finished run, {last}, {answer_s}", lambda folder: _finish(folder, last, answer_s))
    shutil.copytree(made / "data", root / "data")
    return root


def _finish(root: Path, last: int, answer_s: float | None) -> None:
    with opened_space(root / "data") as space:
        finished_run(space, write_part(root / "some.npz", 0, last), FASTER, PRUNED, answer_s=answer_s)


def finished_space(root: Path, *, last: int = 60, answer_s: float | None = None) -> Iterator[Workspace]:
    """Yield the same as an open workspace."""
    with opened_space(finished_folder(root, last=last, answer_s=answer_s) / "data") as space:
        yield space


def copied_space(root: Path, to: Path) -> Iterator[Workspace]:
    """Yield a copy of what `finished_folder` made as an open workspace."""
    shutil.copytree(root / "data", to / "data")
    with opened_space(to / "data") as space:
        yield space


def _make(
    space: Workspace, data: Path, recipes: tuple[Recipe, ...], max_loss_pct: float, answer_s: float | None
) -> Flow[Run]:
    sample = sample_paths()
    model = yield from open_model(OpenParams(path=str(sample.model)))
    read = yield from read_data(DataParams(model_dir=str(model.folder), path=str(data)))
    project = Project(
        id="p1", name="Clothes classifier", model_path=str(sample.model), model_sha256=model.result.info.sha256,
        created_at=NOW, updated_at=NOW, model_key=model.key, info_json=model.result.info.model_dump_json(),
        data_path=str(data), data_key=read.key, data_json=read.result.model_dump_json(), is_sample=True,
    )  # fmt: skip
    space.repositories.projects.add(project)
    run = Run("r1", "p1", Goal("balanced", max_loss_pct), RunState.FINISHED, NOW, NOW, NOW, 40.0, data_key=read.key)
    space.repositories.runs.add(run)
    made = yield from _versions(model, read, (ORIGINAL, *recipes), max_loss_pct, answer_s)
    for variant in made:
        space.repositories.variants.add(variant)
    run = dataclasses.replace(
        run, baseline_variant_id=made[0].id, recommended_variant_id=made[1].id if len(made) > 1 else None
    )
    space.repositories.runs.update(run)
    return run


def _versions(
    model: OpenedModel, data: ReadData, recipes: tuple[Recipe, ...], max_loss_pct: float, answer_s: float | None
) -> Flow[list[Variant]]:
    made: list[version_steps.Version] = []
    for index, recipe in enumerate(recipes):
        variant = dataclasses.replace(
            version_steps.new_variant("r1", index, recipe, is_baseline=index == 0), id=f"v{index}"
        )
        version = yield from version_steps.apply(variant, model, data, 0, index)
        version = yield from version_steps.predict(version, data.folder, 1, index, answer_s)
        original = made[0] if made else version
        made.append((yield from version_steps.judge_version(original, version, data.folder, max_loss_pct, index)))
    return [_timed(version.variant) for version in made]


def _timed(variant: Variant) -> Variant:
    """Return the version with made-up times: version n is n + 1 times as fast."""
    speedup = None if variant.is_baseline else variant.index + 1.0
    measurement = Measurement(
        latency_p50_ms=4.0 / (variant.index + 1), n=360, sets=3, speedup=speedup,
        speedup_low=speedup and 0.95 * speedup, speedup_high=speedup and 1.05 * speedup,
        latency_p50_low_ms=3.9 / (variant.index + 1), latency_p50_high_ms=4.1 / (variant.index + 1),
        set_p50_ms=(3.95 / (variant.index + 1), 4.0 / (variant.index + 1), 4.05 / (variant.index + 1)),
    )  # fmt: skip
    return dataclasses.replace(variant, state="confirmed", measurement=measurement)


def pids_of(pair: TryPair) -> list[int]:
    """Return the processes of a pair of live versions."""
    lives = (live for live in (pair._original, pair._other) if live is not None)
    return [live._client.pid for live in lives if live._client.pid is not None]
