"""No false alarm: what honest people give away is opened, or refused for want of knowledge only."""

import os
from pathlib import Path

import pytest
from doors import drive, inspect, leftovers, open_

from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from presets.sample import sample_paths
from workers.contracts.jobs import OpenParams

SUFFIXES = (".onnx", ".pt", ".pth", ".jit", ".safetensors")
NOT_ALARMS = ("unknown_architecture", "shape_needed", "needs_consent")
"""What an honest file may be refused for: Fettle needs more information."""


def test_the_sample(space: Workspace) -> None:
    """Given the built-in sample, Then it is looked at and opened."""
    assert inspect(space, sample_paths().model).opened
    assert open_(space, sample_paths().model).opened


@pytest.mark.models
@pytest.mark.timeout(1800)
def test_real_models_of_every_format(space: Workspace) -> None:
    """Given every model of the catalogue, with consent for programs, Then not one is suspected of anything."""
    root = Path(os.environ["FETTLE_MODELS_DIR"]) / "P"
    files = sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES and "_package" not in path.parts)
    folders = sorted(path.parent for path in root.rglob("config.json") if "1_Pooling" not in path.parts)
    assert len(files) >= 18
    wrong = []
    for path in (*files, *folders):
        verdict = inspect(space, path)
        if not verdict.opened:
            wrong.append(verdict)
        params = OpenParams(path=str(path), allow_code=True)
        verdict = drive(space, path.name, open_model(params))
        if not verdict.opened and verdict.code not in NOT_ALARMS:
            wrong.append(verdict)
        print(f"{path.relative_to(root)}: {verdict.code or 'opened'} in {verdict.seconds:.1f} s")  # noqa: T201
    assert wrong == []
    assert leftovers(space) == []
