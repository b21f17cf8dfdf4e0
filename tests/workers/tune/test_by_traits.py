"""Techniques that no preset names are tried by their traits, at the place of their order."""

from dataclasses import replace
from typing import Any

import pytest
from situations import TEXT, planner, reasons

from presets.loader import load_presets
from workers import registry
from workers.contracts.planning import ByTraits, PlanResult, Reason, Situation
from workers.contracts.techniques import TechniqueParams, TechniqueSpec

TECHNIQUES = registry.techniques()
PRESETS = {preset.id: preset for preset in load_presets().presets}


class Params(TechniqueParams):
    """Nothing to choose."""


def not_for_states(situation: Situation, params: Params) -> Reason | None:
    return Reason(code="state", text="A coarse grid spoils a state.") if situation.model.stateful else None


NEW = TechniqueSpec(
    id="coarse_grid",
    title="Coarse grid",
    summary="Rounds every weight.",
    source="this test",
    params=Params,
    accepts=("onnx",),
    apply=lambda model, params, ctx: model.artifact,
    traits=("speed", "size", "quick"),
    order=45,
    explanation="Coarse weights may be read faster.",
    why_not=not_for_states,
)


def plan(preset: str = "balanced", spec: TechniqueSpec = NEW, **values: Any) -> PlanResult:
    known = {**TECHNIQUES, spec.id: spec}
    chosen = PRESETS[preset]
    return planner(techniques=known, model=values.pop("model", TEXT), **values).plan(chosen.recipes, chosen.by_traits)


def ids(made: PlanResult) -> list[str]:
    return [recipe.id for recipe in made.candidates]


@pytest.mark.parametrize("preset", ["balanced", "fastest", "smallest", "small-device"])
def test_new_technique_is_tried_by_its_traits(preset: str) -> None:
    """Given one technique more, Then presets that want what it is about try it, in its own words."""
    (recipe,) = [recipe for recipe in plan(preset).candidates if recipe.id == NEW.id]
    assert (recipe.title, recipe.why) == (NEW.title, NEW.explanation)
    assert recipe.steps[-1].technique == NEW.id


def test_recipe_comes_at_the_place_of_its_order() -> None:
    """Given an order between others, Then it comes before the first of a later order; the others stay as they were."""
    order = ids(plan())
    assert order[order.index(NEW.id) + 1] == "int8" and order[order.index(NEW.id) - 1] == "buckets"
    first, last = ids(plan(spec=replace(NEW, order=1))), ids(plan(spec=replace(NEW, order=99)))
    assert first[0] == last[-1] == NEW.id
    assert [one for one in order if one != NEW.id] == first[1:] == last[:-1]


@pytest.mark.parametrize(
    "spec",
    [replace(NEW, traits=("speed",)), replace(NEW, order=None), replace(NEW, traits=())],
    ids=["not quick", "a part of recipes", "no traits"],
)
def test_technique_that_is_no_recipe_is_not_tried(spec: TechniqueSpec) -> None:
    """Given a technique that takes long, or is no recipe by itself, Then Balanced does not try it."""
    made = plan(spec=spec)
    assert NEW.id not in ids(made) and NEW.title not in reasons(made)


def test_no_loss_wants_exact_ones() -> None:
    assert NEW.id not in ids(plan("no-loss"))
    assert NEW.id in ids(plan("no-loss", replace(NEW, traits=("speed", "exact"))))
    assert NEW.id not in ids(plan("busy-server"))
    assert NEW.id in ids(plan("busy-server", replace(NEW, traits=("speed", "quick", "batches"))))


def test_unsuited_technique_has_its_reason() -> None:
    """Given a model that it is not for, no examples, no library or no engine, Then its row has the reason."""
    assert reasons(plan(model=replace(TEXT, stateful=True)))[NEW.title] == "A coarse grid spoils a state."
    learning = replace(NEW, needs_calibration=True)
    assert "examples" in reasons(plan(spec=learning, has_calibration=False))[NEW.title]
    assert "pip install grid" in reasons(plan(unavailable={NEW.id: "pip install grid"}))[NEW.title]
    alone = replace(NEW, runtimes=("onnxruntime-cuda",))
    assert "None of the engines" in reasons(plan(spec=alone))[NEW.title]
    sounds = replace(NEW, for_inputs=("audio",))
    assert "other inputs" in reasons(plan(spec=sounds, model=replace(TEXT, input_kind="text")))[NEW.title]


def test_technique_runs_in_its_first_family() -> None:
    """Given runtimes that can run its result, Then the preset's first family is taken, and what goes before it fits."""
    (recipe,) = [recipe for recipe in plan().candidates if recipe.id == NEW.id]
    assert recipe.runtime == "openvino" and [step.technique for step in recipe.steps] == ["fixed_shape", NEW.id]
    only = replace(NEW, runtimes=("onnxruntime-cpu",))
    (recipe,) = [recipe for recipe in plan(spec=only).candidates if recipe.id == NEW.id]
    assert recipe.runtime == "onnxruntime-cpu" and [step.technique for step in recipe.steps] == [NEW.id]


def test_recipe_for_another_engine_has_its_reason() -> None:
    """Given a recipe whose technique cannot run in its engine, Then it is left out before anything is made."""
    recipe = PRESETS["balanced"].recipes[1].model_copy(update={"runtime": "onnxruntime-cpu"})
    report = planner(model=TEXT).plan([recipe])
    assert report.dropped[0].reason.code == "not_for_runtime" and "onnxruntime-cpu" in report.dropped[0].reason.text


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_try_no_technique_of_today_by_its_traits(preset: str) -> None:
    """Given what comes with Fettle, Then traits add nothing to any preset: all were placed by measurements."""
    chosen = PRESETS[preset]
    named = {step.technique for recipe in chosen.recipes for step in recipe.steps}
    for row in chosen.by_traits:
        fitting = [spec.id for spec in TECHNIQUES.values() if set(row.traits) <= set(spec.traits)]
        assert {name for name in fitting if TECHNIQUES[name].order is not None} <= named


def test_plan_lists_its_techniques_with_their_traits() -> None:
    report = {one.id: one for one in plan().techniques}
    assert report[NEW.id].title == NEW.title and report[NEW.id].traits == NEW.traits
    assert "bf16" in report["bf16"].traits and "int8" in report["int8_static"].traits


def test_rows_of_a_preset_name_known_techniques() -> None:
    """Given the presets, Then the families and techniques of their rows exist."""
    families = {runtime.family for runtime in registry.runtimes().values()}
    rows: list[ByTraits] = [row for preset in PRESETS.values() for row in preset.by_traits]
    assert rows and all(set(row.families) <= families and set(row.after) <= set(TECHNIQUES) for row in rows)
