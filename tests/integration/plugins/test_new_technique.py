"""Adding a technique is one new file: seen in `describe`, in a recipe, tried by presets and explained, with no other
line changed."""

import json
import sys
from pathlib import Path

import command_models as small
import pytest
from fettle_command import Fettle, with_technique
from run_text import run_text

TECHNIQUE = '''"""Weights rounded to a coarse grid."""

from pydantic import Field

from workers.contracts.planning import Reason, Situation
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


def why_not(situation: Situation, params: Params) -> Reason | None:
    if situation.model.convolutions:
        return None
    return Reason(code="nothing_coarse", text="Only convolutions hold a coarse grid, and there are none.")


SPEC = TechniqueSpec(
    id="coarse_grid",
    title="Coarse grid",
    summary="Rounds every weight.",
    source="this test",
    params=Params,
    accepts=("onnx",),
    apply=apply,
    traits=("speed", "exact", "quick"),
    order=1,
    explanation="Weights on a coarse grid may be read faster.",
    why_not=why_not,
)
'''

RECIPES = """
- title: Wrong
  steps: [{technique: coarse_grid, params: {step: 7}}]
- title: Coarse
  settings: {num_threads: 1}
  steps: [{technique: coarse_grid, params: {step: 0.01}}]
"""

TRIED = """
import json, sys
from app.cli.output import Globals
from app.cli.session import workspace
from app.services.after.trying.tried import tried_run
from app.services.records.facts import read_facts

with workspace(Globals(), writes=False) as space:
    rows = tried_run(space, read_facts(space, sys.argv[1])).rows
print(json.dumps([{"title": r.title, "why": r.why, "outcome": r.outcome, "because": r.because} for r in rows]))
"""
"""What the page "What changed, and why" shows of a run that was tried."""


def explained(fettle: Fettle, run_id: str) -> dict[str, dict[str, str]]:
    command = [sys.executable, "-c", TRIED, run_id]
    done = run_text(command, cwd=fettle.root, env=fettle.env, check=True)
    return {row["title"]: row for row in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def fettle(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    """A copy of the program with one file more."""
    return with_technique(tmp_path_factory.mktemp("copy"), "coarse_grid", TECHNIQUE)


def test_it_is_described(fettle: Fettle) -> None:
    """Given the new file, then `describe` lists the technique as available, and the program without it does not."""
    rows = {row["id"]: row for row in fettle("describe", "--json").document["techniques"]}
    assert rows["coarse_grid"] == {"id": "coarse_grid", "title": "Coarse grid", "available": True, "hint": ""}
    assert "coarse_grid" not in {
        row["id"] for row in Fettle(fettle.home).here("describe", "--json").document["techniques"]
    }


def test_it_runs_in_a_recipe_and_goes_into_the_bundle(fettle: Fettle, tmp_path: Path) -> None:
    """Given a recipe with it, then it is tried with its parameters, judged, measured, exported and verified; with a
    parameter outside its bounds that version is dropped with the parameter's name, and not the run."""
    model = small.picture_model(tmp_path / "m.onnx")
    recipe = tmp_path / "grid.yaml"
    recipe.write_text(RECIPES)
    done = fettle("optimize", model, "--recipe", recipe, "--time-budget", "150", "--json")
    assert done.code in (0, 4), done.err
    variant = next(v for v in done.document["variants"] if v["title"] == "Coarse")
    assert variant["recipe"] == [{"technique": "coarse_grid", "version": 1, "params": {"step": 0.01}}]
    assert variant["latency_p50_ms"] > 0
    assert (variant["agreement"] is not None) is variant["tested"]  # only faster versions are tested
    assert "Weights are multiples of 0.01." in variant["notes"]
    wrong = next(v for v in done.document["variants"] if v["title"] == "Wrong")
    assert "step" in wrong["notes"][0] and wrong["latency_p50_ms"] is None
    out = tmp_path / "b.zip"
    run_id = done.document["run_id"]
    exported = fettle("export", run_id, "--variant", variant["id"], "--target", "python", "--out", out, "--json")
    assert exported.code == 0, exported.err
    assert fettle("verify", out).code == 0


@pytest.mark.parametrize("preset", ["balanced", pytest.param("no-loss", marks=pytest.mark.slow)])
def test_presets_try_it_and_explain_it(preset: str, fettle: Fettle, tmp_path: Path) -> None:
    """Given a preset that names no such technique, then it is tried for what it is about, first by its order,
    applied, and explained in its own words."""
    model = small.picture_model(tmp_path / "m.onnx")
    options = ("--preset", preset, "--runtime", "onnxruntime-cpu", "--time-budget", "40")
    done = fettle("optimize", model, *options, "--json")
    assert done.code in (0, 4), done.err
    variant = next(v for v in done.document["variants"] if v["title"] == "Coarse grid")
    assert variant["recipe"][-1]["technique"] == "coarse_grid"
    assert "Weights are multiples of 0.001." in variant["notes"] and variant["latency_p50_ms"] > 0
    rows = explained(fettle, done.document["run_id"])
    assert list(rows)[:2] == ["Original", "Coarse grid"]
    row = rows["Coarse grid"]
    assert row["why"] == "Weights on a coarse grid may be read faster." and row["outcome"] != "left_out"


def test_reason_for_not_trying_it_is_shown(fettle: Fettle, tmp_path: Path) -> None:
    """Given a model that the new technique is not for, then the command line and the page give the reason of its file."""
    model = small.slow_model(tmp_path / "m.onnx", rounds=1)
    done = fettle("optimize", model, "--time-budget", "6")
    assert done.code in (0, 4), done.err
    words = "Only convolutions hold a coarse grid, and there are none."
    assert f"not tried: Coarse grid. {words}" in done.out
    run_id = done.out.partition("(run ")[2].partition(")")[0]
    row = explained(fettle, run_id)["Coarse grid"]
    assert (row["outcome"], row["because"]) == ("left_out", words)
