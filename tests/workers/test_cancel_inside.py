"""A cancel in the middle of each technique, of the planner and of a look at layers: the process is gone in a second."""

import time
from pathlib import Path
from typing import Any

import pytest
from special_models import SUITED
from stopwatch import busyness
from technique_cases import every_technique, staged

from app.jobs.client import JobClient
from app.jobs.setup import WorkerSetup
from workers.contracts.after.changes import DiffParams
from workers.contracts.base import RunParams
from workers.contracts.jobs import ApplyParams, PlanParams
from workers.contracts.process.messages import Cancelled, Failed, Finished, RunJob
from workers.contracts.specs import DeviceFacts, Recipe, RecipeStep
from workers.contracts.techniques import TechniqueSpec

GONE_S = 1.0
PATIENCE_S = 240.0
SHARES = (0.25, 0.6, 0.9)
"""Of the time that the job takes when nobody cancels it: parts of it are Python, parts are native code."""

READY_S = 0.05


def job(kind: str, params: Any, root: Path, *read_paths: Path) -> RunJob:
    work_dir = root / "jobs" / kind
    work_dir.mkdir(parents=True)
    return RunJob(
        job_id=kind, kind=kind, params=params.model_dump(mode="json"), work_dir=str(work_dir),
        read_paths=tuple(str(path) for path in read_paths), threads=1,
    )  # fmt: skip


def run(root: Path, made: RunJob, cancel_after_s: float | None = None) -> tuple[object, float, float]:
    """(last message, seconds of the whole job, seconds from the cancel until its process and folder are gone)."""
    client = JobClient(WorkerSetup(root / "jobs"))
    began = time.monotonic()
    client.start(made)
    pid, cancelled_s, last = client.pid, None, None
    try:
        while not client.done and time.monotonic() - began < PATIENCE_S:
            for message in client.poll():
                last = message
            if cancel_after_s is not None and cancelled_s is None and time.monotonic() - began > cancel_after_s:
                client.cancel()
                cancelled_s = time.monotonic()
            time.sleep(0.002)
        ended = time.monotonic()
        assert pid is not None and not Path(f"/proc/{pid}/exe").exists()
        return last, ended - began, ended - (cancelled_s or ended)
    finally:
        client.close()


def check_each_part(root: Path, kind: str, params: Any, *read_paths: Path) -> None:
    """Run it whole once, then cancel it at several moments of it."""
    last, seconds, _ = run(root / "whole", job(kind, params, root / "whole", *read_paths))
    refused = isinstance(last, Failed) and last.exit_code == 3  # it found at its end that it brings nothing here
    assert isinstance(last, Finished) or refused, last
    for share in SHARES:
        part = root / f"{share}"
        made = job(kind, params, part, *read_paths)
        last, _, gone_s = run(part, made, cancel_after_s=max(READY_S, share * seconds))
        assert gone_s < GONE_S * busyness(), f"{kind} cancelled at {share:.0%}: {gone_s:.2f} s"
        assert isinstance(last, Cancelled | Finished | Failed)  # it may have been faster this time
        if isinstance(last, Cancelled):
            assert not Path(made.work_dir).exists()


@pytest.mark.slow
@every_technique
def test_inside_each_technique(spec: TechniqueSpec, make_small: Any, tmp_path: Path) -> None:
    """Given a technique at work on a model that suits it, When it is cancelled, Then it is gone within a second."""
    small = make_small(SUITED.get(spec.id, "cnn"), items=24)
    model = staged(spec, small, tmp_path / "before")
    step = RecipeStep(technique=spec.id, version=spec.params.version)
    params = ApplyParams(model_dir=str(model.folder), steps=(step,), data_dir=str(small.data))
    check_each_part(tmp_path, "apply", params, model.folder, small.data)


@pytest.mark.whole
def test_inside_the_planner(make_small: Any, tmp_path: Path) -> None:
    """Given a planner that looks where the time goes, When it is cancelled, Then it is gone within a second."""
    small = make_small("cnn")
    recipe = Recipe(title="Engine", runtime="openvino", steps=(RecipeStep(technique="fixed_shape"),))
    params = PlanParams(
        model_dir=str(small.folder), device=DeviceFacts(processor="x", cores=1, memory_bytes=1 << 30),
        preset_steps=(recipe,), has_calibration=True, runtimes=("onnxruntime-cpu", "openvino"), data_dir=str(small.data),
    )  # fmt: skip
    check_each_part(tmp_path, "plan", params, small.folder, small.data)


@pytest.mark.whole
def test_inside_a_comparison_of_graphs(make_small: Any, tmp_path: Path) -> None:
    """Given a comparison of two models, When it is cancelled, Then it is gone within a second."""
    small = make_small("cnn")
    side = RunParams(model_dir=str(small.folder), data_dir=str(small.data), runtime="openvino")
    check_each_part(tmp_path, "diff", DiffParams(first=side, second=side), small.folder, small.data)
