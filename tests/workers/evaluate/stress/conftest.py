"""Two models of colors with pictures that were read as a person's are, and the job by itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recording import RecordingContext
from stress_models import colors_model, read_data, write_colors

from workers.contracts.after.stress import StressParams, StressPart, StressResult
from workers.evaluate.stress.job import stress_model


@pytest.fixture(scope="session")
def colors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return `original`, `same`, `dark` (a model that fails in the dark), `pictures` and their read `data`."""
    root = tmp_path_factory.mktemp("colors")
    found = {
        "original": colors_model(root / "original", None),
        "same": colors_model(root / "same", None),
        "dark": colors_model(root / "dark", 0.26),
        "pictures": write_colors(root / "pictures"),
    }
    return found | {"data": read_data(root, found["original"], found["pictures"])}


@pytest.fixture
def put_under_stress(tmp_path: Path) -> Callable[..., StressResult]:
    """Return a function that runs the job; `ctx`, the `items` and further parameters may be given."""
    count = iter(range(100))

    def run(original: Path, variant: Path, data: Path, source: Path | None = None, **more: Any) -> StressResult:
        work = tmp_path / f"stress{next(count)}"
        work.mkdir()
        ctx = more.pop("ctx", None) or RecordingContext(work)
        part = StressPart(data_dir=str(data), source=source, items=more.pop("items", None))
        few = {"max_seconds": 600, "attack_queries": 5, "attack_items": 0, "look_for_triggers": False}
        params = StressParams(
            original_dir=str(original), original_runtime="onnxruntime-cpu", variant_dir=str(variant),
            variant_runtime="onnxruntime-cpu", parts=(part,), **{**few, **more},
        )  # fmt: skip
        result = stress_model(params, ctx)
        json.loads(result.model_dump_json())
        return result

    return run


@pytest.fixture
def stress_colors(
    colors: dict[str, Path], put_under_stress: Callable[..., StressResult]
) -> Callable[..., StressResult]:
    """Return a function that runs the job on the model of colors and a variant; `original` and `source` may be given."""

    def run(variant: Path | str, **more: Any) -> StressResult:
        original, source = more.pop("original", colors["original"]), more.pop("source", colors["pictures"])
        return put_under_stress(original, colors.get(str(variant), variant), colors["data"], source, **more)

    return run
