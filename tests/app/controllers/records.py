"""Records for the controllers' tests, and a stored model without any work."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.controllers.flows import FlowRunner
from app.controllers.running import Running
from app.controllers.session import Session
from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.domain.variant import Measurement, Variant
from app.services.flow.steps import Flow, Measured
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.opening.opening import open_model, read_data
from app.services.records.facts import RunFacts
from app.services.run import version_steps
from app.services.run.costs import first_pace
from presets.sample import sample_paths
from widgets.main_window import MainWindow
from workers.contracts.jobs import DataParams, DataResult, DescribeResult, OpenParams, OpenResult
from workers.contracts.pipeline import write_pipeline
from workers.contracts.specs import (
    DescribedTarget,
    DeviceFacts,
    FileEntry,
    Judgement,
    ModelArtifact,
    ModelInfo,
    Recipe,
    RecipeStep,
    TensorSpec,
)
from workers.pipeline.spec import ImageSteps, PipelineInput, PipelineOutput, PipelineSpec

Drive = Callable[..., None]
"""The fixture `drive`: turn the window's loop until a condition holds."""

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
INFO = ModelInfo(
    name="colors",
    format="onnx",
    task="image-classification",
    inputs=(TensorSpec(name="picture", shape=("n", 3, 8, 8), dtype="float32", meaning="a picture, 8×8, RGB"),),
    outputs=(TensorSpec(name="scores", shape=("n", 3), dtype="float32", meaning="scores of 3 classes"),),
    parameters=1000,
    size_bytes=4000,
    sha256="ab" * 32,
    preprocessing={"kind": "image"},
)
SPEC = PipelineSpec(
    task="image-classification",
    inputs=(PipelineInput(name="picture", dtype="float32", shape=(None, 3, 8, 8), source="image"),),
    outputs=(PipelineOutput(name="scores", dtype="float32", shape=(None, 3), answer=True),),
    preprocess=ImageSteps(resize=(8, 8)),
    answer_kind="class",
    classes=("red", "green", "blue"),
)
DATA = DataResult(
    origin="person", kind="images", n_items=220, n_test=200, n_calibration=20, labelled=True, sha256="cd" * 32,
    class_counts={"red": 110, "green": 110},
)  # fmt: skip


def project(**changes: Any) -> Project:
    made = Project(
        id="p1", name="Colors", model_path="/models/colors.onnx", model_sha256="ab" * 32, created_at=NOW, updated_at=NOW
    )
    return dataclasses.replace(made, **changes)


def run(number: int = 1, state: RunState = RunState.FINISHED, **changes: Any) -> Run:
    made = Run(f"r{number}", "p1", Goal("balanced", 1.0), state, NOW, started_at=NOW, seconds=42.0)
    return dataclasses.replace(made, **changes)


def judgement(**changes: Any) -> Judgement:
    fields: dict[str, Any] = {
        "verdict": "safe", "n": 200, "labelled": True, "accuracy": 0.91, "original_accuracy": 0.92, "agreement": 0.995,
        "flips": 0.005, "drop": 0.005, "drop_high": 0.008, "margin": 0.0092, "changed_count": 1,
    }  # fmt: skip
    return Judgement(**{**fields, **changes})


def variant(number: int, *, p50_ms: float = 2.0, speedup: float | None = None, **changes: Any) -> Variant:
    measurement = Measurement(
        latency_p50_ms=p50_ms, n=360, speedup=speedup, speedup_low=speedup and speedup * 0.95, sets=3
    )
    steps = (RecipeStep(technique="int8_static"),) if number else ()
    made = Variant(
        id=f"v{number}",
        run_id="r1",
        index=number,
        title=f"Version {number}" if number else "Original",
        recipe=Recipe(title=f"Version {number}", steps=steps),
        runtime="onnxruntime-cpu",
        precision="fp32",
        state="confirmed",
        artifact_key="model" if not number else f"key{number}",
        size_bytes=4000 // (number + 1),
        size_ratio=float(number + 1),
        measurement=measurement,
        judgement=judgement(),
        is_baseline=number == 0,
    )
    return dataclasses.replace(made, **changes)


def keep_model(space: Workspace, key: str = "model") -> str:
    """Store an opened model and return its key."""
    work = space.jobs / f"make-{key}"
    folder = work / "model"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"no model")
    write_pipeline(folder, SPEC)
    (folder / "info.json").write_text(INFO.model_dump_json(), encoding="utf-8")
    artifact = ModelArtifact(main="model.onnx", files=(FileEntry(path="model.onnx", sha256="0" * 64, size_bytes=8),))
    (folder / "artifact.json").write_text(artifact.model_dump_json(), encoding="utf-8")
    result = OpenResult(info=INFO, artifact=artifact)
    return space.artifacts.adopt(work, key, result.model_dump(mode="json")).key


def keep_data(space: Workspace, key: str = "data", **changes: Any) -> str:
    """Store data that were read and return their key."""
    work = space.jobs / f"make-{key}"
    (work / "data").mkdir(parents=True)
    (work / "data" / "data.json").write_text(json.dumps({"root": None}), encoding="utf-8")
    result = DATA.model_copy(update=changes)
    return space.artifacts.adopt(work, key, result.model_dump(mode="json")).key


def make_project(space: Workspace, **changes: Any) -> Project:
    """Add a project whose model and data are in the store."""
    made = project(
        model_key=keep_model(space),
        info_json=INFO.model_dump_json(),
        data_path="/data/pictures",
        data_key=keep_data(space),
        data_json=DATA.model_dump_json(),
        **changes,
    )
    space.repositories.projects.add(made)
    return made


def add_run(space: Workspace, made: Run, *variants: Variant) -> Run:
    """Add a run with its versions."""
    space.repositories.runs.add(made)
    for one in variants:
        space.repositories.variants.add(dataclasses.replace(one, run_id=made.id, id=f"{made.id}-{one.id}"))
    return made


def open_finished(session: Session, *others: Variant) -> None:
    """Open a project with a finished run that recommends a faster version; `others` are further versions."""
    space = session.workspace
    session.reopen(make_project(space))
    made = run(1, data_key="data", recommended_variant_id="r1-v1")
    session.set_run(add_run(space, made, variant(0), variant(1, speedup=2.0), *others))


def shown_page(window: MainWindow, page_id: str) -> Any:
    """Show a page of the window and return it."""
    window.show_page(page_id)
    return window.page(page_id)


def open_page(app_controller: Any, page_id: str, project: Project | None = None) -> Any:
    """Reopen a project, by default that of the finished run, and return its shown page."""
    session = app_controller.session
    session.reopen(project or session.workspace.repositories.projects.get("p1"))
    return shown_page(app_controller._window, page_id)


def described(*targets: DescribedTarget, **changes: Any) -> DescribeResult:
    """Return the description of a computer without GPUs that can write these targets."""
    device = DeviceFacts(processor="p", cores=2, memory_bytes=1 << 30)
    fields = {"device": device, "devices": (), "runtimes": (), "techniques": (), "targets": targets, "versions": {}}
    return DescribeResult(**{**fields, **changes})


def endless(*_given: Any) -> Flow[Any]:
    """Run until the flow is stopped."""
    while True:
        yield from describe()


def measuring(blocks: int, **how: Any) -> Flow[Measured]:
    """Measure the sample alone, in so many blocks of one set on one core."""
    sample = sample_paths()
    model = yield from open_model(OpenParams(path=str(sample.model)))
    data = yield from read_data(DataParams(model_dir=str(model.folder), path=str(sample.data)))
    original = version_steps.new_variant("r1", 0, Recipe(title="Original"), is_baseline=True)
    versions = [version_steps.Version(original, model.folder)]
    how |= {"title": "Measure", "sets": 1, "pace": first_pace(1, blocks), "threads": 1, "step_index": 0}
    step = version_steps.measure_step(versions, data.folder, **how)
    measured = yield from version_steps.measure(step)
    return measured


def start_run(flows: FlowRunner) -> Running:
    """Start a short run, for which other measurements must wait."""
    return flows.start(describe(), title="A run", on_done=lambda _found: None, on_failed=print, is_run=True)


def facts(*variants: Variant, best: str | None = None, **changes: Any) -> RunFacts:
    state = RunState.FINISHED if best else RunState.KEPT_ORIGINAL
    made = run(1, state, recommended_variant_id=best, **changes)
    return RunFacts(project(), made, variants, Path("/o"), Path("/d"), Path("/s"), DATA)
