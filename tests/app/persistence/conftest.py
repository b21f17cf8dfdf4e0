"""Provide records as services make them, and stores in a fresh folder."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.domain.variant import Measurement, Variant
from app.paths import DataPaths
from app.persistence import Store, open_store
from workers.contracts.specs import Judgement, Recipe, RecipeStep

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "größe mit leer")


@pytest.fixture
def store(paths: DataPaths) -> Iterator[Store]:
    with open_store(paths) as opened:
        yield opened


@pytest.fixture
def project() -> Project:
    return Project(
        id="p1",
        name="Kleider 模型",
        model_path="/models/ünï.onnx",
        model_sha256="ab" * 32,
        created_at=NOW,
        updated_at=NOW,
        info_json='{"a": 1}',
    )


@pytest.fixture
def run() -> Run:
    goal = Goal("balanced", 1.0, time_budget_s=90.5, seed=7, threads=2, runtimes=("openvino", "torch-cpu"))
    return Run("r1", "p1", goal, RunState.RUNNING, NOW, started_at=NOW)


@pytest.fixture
def variant() -> Variant:
    return Variant(
        id="v1",
        run_id="r1",
        index=1,
        title="INT8",
        recipe=Recipe(title="INT8", steps=(RecipeStep(technique="int8_static", params={"a": [1, 2.5, None]}),)),
        runtime="openvino",
        precision="int8",
        state="measured",
        size_bytes=1 << 40,
        size_ratio=3.9,
        measurement=Measurement(latency_p50_ms=0.123456789, n=1200, speedup=3.4, peak_memory_bytes=5_000_000_000),
        judgement=Judgement(verdict="safe", n=1200, labelled=True, margin=0.0092, changed=(3, 9), agreement=0.998),
        notes=("bf16 is emulated here",),
    )


@pytest.fixture
def filled(store: Store, project: Project, run: Run, variant: Variant) -> Store:
    """Return a store with one project, one run and one variant."""
    store.repositories.projects.add(project)
    store.repositories.runs.add(run)
    store.repositories.variants.add(variant)
    return store
