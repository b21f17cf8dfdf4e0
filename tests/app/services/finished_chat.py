"""Provide a finished run of a tiny language model: opened, predicted and judged by real jobs, with made-up times."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from finished_run import NOW, _versions
from flows import go
from spaces import opened_space
from tiny_llama import write_tiny_llama

from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model, read_data
from app.services.records.measured import save_speech
from workers.contracts.jobs import DataParams, MeasureResult, OpenParams, Speech
from workers.contracts.specs import Recipe, RecipeStep

ORIGINAL = Recipe(title="Original", runtime="openvino")
INT8 = Recipe(title="INT8 weights", runtime="openvino", steps=(RecipeStep(technique="language_int8"),))


def chat_space(root: Path, data: Path | None = None, *recipes: Recipe) -> Iterator[Workspace]:
    """Yield a workspace with the project "p1" and its run "r1" of a tiny model, which recommends the last of `recipes`;
    by default on Fettle's own dialogues."""
    write_tiny_llama(root / "tiny")
    with opened_space(root / "data") as space:
        go(space, _make(space, root / "tiny", data, recipes))
        yield space


def _make(space: Workspace, path: Path, data: Path | None, recipes: Sequence[Recipe]) -> Flow[Run]:
    model = yield from open_model(OpenParams(path=str(path)))
    data_path = None if data is None else str(data)
    read = yield from read_data(DataParams(model_dir=str(model.folder), path=data_path))
    project = Project(
        id="p1", name="Tiny", model_path=str(path), model_sha256=model.result.info.sha256, created_at=NOW, updated_at=NOW,
        model_key=model.key, info_json=model.result.info.model_dump_json(), data_path=data_path, data_key=read.key,
        data_json=read.result.model_dump_json(),
    )  # fmt: skip
    space.repositories.projects.add(project)
    run = Run("r1", "p1", Goal("fastest-chat", 1.0), RunState.FINISHED, NOW, NOW, NOW, 40.0, data_key=read.key)
    space.repositories.runs.add(run)
    made = yield from _versions(model, read, (ORIGINAL, *recipes), 1.0, None)
    for variant in made:
        space.repositories.variants.add(variant)
        report = Speech(prompt_tokens=32, first_ms=40.0, tokens_per_s=20.0 * (variant.index + 1), n=9)
        save_speech(
            space.repositories,
            variant.id,
            [MeasureResult(load_ms=1, first_ms=1, peak_memory_bytes=None, device_ran="cpu", speech=(report,))],
        )
    run = dataclasses.replace(
        run, baseline_variant_id=made[0].id, recommended_variant_id=made[-1].id if recipes else None
    )
    space.repositories.runs.update(run)
    return run
