"""Adding a technique is one new file: seen in `describe`, in a recipe, and in a run, with no other line changed."""

from pathlib import Path

import command_models as small
import pytest
from fettle_command import Fettle, with_technique

TECHNIQUE = '''"""Weights rounded to a coarse grid."""

from pydantic import Field

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.output import MODEL_FILE, need_onnx, new_model


class Params(TechniqueParams):
    step: float = Field(default=0.001, gt=0, le=1, description="Distance between two neighboring values.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    import numpy as np
    import onnx
    from onnx import numpy_helper

    proto = onnx.load(need_onnx(model, "Coarse grid"))
    with new_model(model, "coarse_grid", params, ctx) as output:
        for tensor in proto.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                values = np.round(numpy_helper.to_array(tensor) / params.step) * params.step
                tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
        onnx.save(proto, output.folder / MODEL_FILE)
        output.files = (MODEL_FILE,)
        output.notes = (f"Weights are multiples of {params.step:g}.",)
    return output.artifact


SPEC = TechniqueSpec(
    id="coarse_grid",
    title="Coarse grid",
    summary="Rounds every weight.",
    source="this test",
    params=Params,
    accepts=("onnx",),
    apply=apply,
)
'''


@pytest.fixture(scope="module")
def fettle(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    """A copy of the program with one file more."""
    return with_technique(tmp_path_factory.mktemp("copy"), "coarse_grid", TECHNIQUE)


def test_it_is_described(fettle: Fettle) -> None:
    """Given the new file, then `describe` lists the technique as available, and the program without it does not."""
    rows = {row["id"]: row for row in fettle("describe", "--json").document["techniques"]}
    assert rows["coarse_grid"] == {"id": "coarse_grid", "title": "Coarse grid", "available": True, "hint": ""}
    assert "coarse_grid" not in {row["id"] for row in Fettle(fettle.home)("describe", "--json").document["techniques"]}


def test_it_runs_in_a_recipe_and_goes_into_the_bundle(fettle: Fettle, tmp_path: Path) -> None:
    """Given a recipe with it, then it is tried with its parameters, judged, measured, exported and verified."""
    model = small.picture_model(tmp_path / "m.onnx")
    recipe = tmp_path / "grid.yaml"
    recipe.write_text("- title: Coarse\n  steps: [{technique: coarse_grid, params: {step: 0.01}}]\n")
    done = fettle("optimize", model, "--recipe", recipe, "--time-budget", "30", "--json")
    assert done.code in (0, 4), done.err
    variant = next(v for v in done.document["variants"] if v["title"] == "Coarse")
    assert variant["recipe"] == [{"technique": "coarse_grid", "version": 1, "params": {"step": 0.01}}]
    assert variant["latency_p50_ms"] > 0
    assert variant["agreement"] is not None
    assert "Weights are multiples of 0.01." in variant["notes"]
    out = tmp_path / "b.zip"
    run_id = done.document["run_id"]
    exported = fettle("export", run_id, "--variant", variant["id"], "--target", "python", "--out", out, "--json")
    assert exported.code == 0, exported.err
    assert fettle("verify", out).code == 0


def test_wrong_parameters_are_told(fettle: Fettle, tmp_path: Path) -> None:
    """Given a parameter outside its bounds, then the version is dropped with the parameter's name, not the run."""
    model = small.picture_model(tmp_path / "m.onnx")
    recipe = tmp_path / "wrong.yaml"
    recipe.write_text("- title: Wrong\n  steps: [{technique: coarse_grid, params: {step: 7}}]\n")
    done = fettle("optimize", model, "--recipe", recipe, "--time-budget", "40", "--json")
    assert done.code in (0, 4), done.err
    variant = next(v for v in done.document["variants"] if v["title"] == "Wrong")
    assert "step" in variant["notes"][0]
    assert variant["latency_p50_ms"] is None
