"""The measured order of the presets: what the planner makes of them is what version 0.1 made."""

import json
from pathlib import Path
from typing import Any

import pytest
from situations import SITUATIONS, planner

from presets.loader import load_presets
from presets.schema import Preset
from workers.contracts.planning import PlanResult
from workers.contracts.specs import Recipe, RecipeStep
from workers.infer import torch_compile
from workers.tune.plan import Planner

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "plans_of_0_1.json").read_text(encoding="utf-8"))
PRESETS = [preset for preset in load_presets().presets if not preset.tasks]

IN_TWO_PARTS = "It is for models that read texts of any length with a mask, and needs examples."
"""Reported as two reasons now."""


@pytest.fixture(autouse=True)
def _a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a C++ compiler, as where the plans were recorded."""
    monkeypatch.setattr(torch_compile, "find_compiler", lambda: "c++")


KNOWN = {recipe["title"] for recipe in RECORDED["recipes"]} | {
    title for plan in RECORDED["plans"].values() for title, _ in plan["not_tried"]
}
ON_CARDS = {"onnxruntime-cuda", "onnxruntime-rtx", "tensorrt", "torch-cuda"}


def _is_recorded(recipe: Recipe) -> bool:
    """Recipes for cards came later."""
    return recipe.runtime not in ON_CARDS or recipe.title in KNOWN


def planned(preset: Preset, requested: Planner) -> PlanResult:
    plan = requested.plan(preset.recipes, preset.by_traits)
    later = {trial.title for trial in plan.candidates if not _is_recorded(trial)}
    dropped = tuple(one for one in plan.dropped if one.title in KNOWN and one.title not in later)
    kept = tuple(filter(_is_recorded, plan.candidates))
    return plan.model_copy(update={"candidates": kept, "dropped": dropped})


def row(recipe: Recipe, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "title": recipe.title,
        "runtime": recipe.runtime,
        "steps": [_words(step) for step in recipe.steps],
        "settings": recipe.settings,
        "if_failed": [titles[name] for name in recipe.only_if_failed],
        "if_faster": [titles[name] for name in recipe.only_if_faster],
    }


def _words(step: RecipeStep) -> str:
    params = json.dumps(step.params, sort_keys=True) if step.params else ""
    return f"{step.technique}{params}" + (f"@{step.version}" if step.version > 1 else "")


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("preset", PRESETS, ids=[preset.id for preset in PRESETS])
def test_presets_give_the_recorded_plans(preset: Preset, name: str) -> None:
    """Given a preset and a situation, Then the same recipes come in the same order, and the same are not tried; their
    recorded reason is among those that their techniques give now."""
    recorded = RECORDED["plans"][f"{preset.id}: {name}"]
    requested = planner(**{"time_budget_s": preset.time_budget_s, **SITUATIONS[name]})
    plan = planned(preset, requested)
    titles = {recipe.id: recipe.title for recipe in preset.recipes}
    assert [row(recipe, titles) for recipe in plan.candidates] == [RECORDED["recipes"][n] for n in recorded["tried"]]
    assert [one.title for one in plan.dropped] == [title for title, _ in recorded["not_tried"]]
    recipes = {recipe.title: recipe for recipe in preset.recipes}
    for one, (title, number) in zip(plan.dropped, recorded["not_tried"], strict=True):
        before, against = RECORDED["reasons"][number], [one.reason.text]
        base = recipes.get(title) or recipes.get(title.removesuffix(", on one core"))
        against += [reason.text for reason in requested.reasons(base)] if base is not None else []
        assert one.reason.code and (before in against or before == IN_TWO_PARTS), title
