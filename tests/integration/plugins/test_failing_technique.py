"""A technique that crashes natively, hangs, or makes what does not load is marked with its reason; the search goes on."""

from pathlib import Path

import command_models as small
from fettle_command import with_technique

TECHNIQUE = '''"""Fails as its parameter says."""

from typing import Literal

from pydantic import Field

from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert.output import MODEL_FILE, new_model


class Params(TechniqueParams):
    how: Literal["crash", "hang", "no_model"] = Field(description="What goes wrong.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    import ctypes
    import time

    if params.how == "crash":
        ctypes.string_at(8)
    if params.how == "hang":
        time.sleep(600)
    with new_model(model, "mishap", params, ctx) as output:
        (output.folder / MODEL_FILE).write_bytes(b"this is no model")
        output.files = (MODEL_FILE,)
    return output.artifact


SPEC = TechniqueSpec(
    id="mishap",
    title="Mishap",
    summary="Goes wrong.",
    source="this test",
    params=Params,
    accepts=("onnx",),
    apply=apply,
)
'''

RECIPES = """
- title: Crashes
  steps: [{technique: mishap, params: {how: crash}}]
- title: Hangs
  steps: [{technique: mishap, params: {how: hang}}]
- title: Makes no model
  steps: [{technique: mishap, params: {how: no_model}}]
- title: Works
  steps: [{technique: graph_optimize}]
"""


def test_failing_technique_is_reported_and_the_search_continues(tmp_path: Path) -> None:
    """Given a native crash, an endless wait and a file that is no model, then each is dropped with its reason in words
    within the time of the run, nothing is left behind, and what comes after them is measured."""
    fettle = with_technique(tmp_path / "copy", "mishap", TECHNIQUE)
    patience = fettle.root / "app" / "services" / "run" / "version_steps.py"
    text = patience.read_text(encoding="utf-8")
    assert text.count("IDLE_S = 20.0") == 1
    patience.write_text(text.replace("IDLE_S = 20.0", "IDLE_S = 3.0"), encoding="utf-8")
    model = small.picture_model(tmp_path / "m.onnx")
    recipe = tmp_path / "mishaps.yaml"
    recipe.write_text(RECIPES)
    done = fettle("optimize", model, "--recipe", recipe, "--time-budget", "150", "--json")
    assert done.code in (0, 4), done.err
    found = {variant["title"]: variant for variant in done.document["variants"]}
    for title, reason in (
        ("Crashes", "crashed while working on it"),
        ("Hangs", "used no processor time any more"),
        ("Makes no model", "cannot run this model"),
    ):
        assert reason in found[title]["notes"][0], found[title]
        assert found[title]["latency_p50_ms"] is None
        assert "Traceback" not in done.err
        assert "ONNXRuntimeError" not in found[title]["notes"][0] and str(fettle.home) not in found[title]["notes"][0]
    assert found["Works"]["latency_p50_ms"] > 0
    assert not {f"{title}, on one core" for title in ("Crashes", "Hangs")} & set(found)  # nothing is made twice
    assert not fettle.leftovers
