"""Check that shipped recipes name existing techniques and runtimes with valid parameters."""

import pytest

from presets.loader import load_presets
from workers import registry
from workers.contracts.specs import Recipe

RECIPES = [(preset.id, recipe) for preset in load_presets().presets for recipe in preset.recipes]


@pytest.mark.parametrize(("preset", "recipe"), RECIPES, ids=[f"{preset}: {recipe.title}" for preset, recipe in RECIPES])
def test_shipped_recipe_can_be_run(preset: str, recipe: Recipe) -> None:
    """Given a shipped recipe, then its steps are known, their parameters valid, and its runtime may run the result."""
    techniques = registry.techniques()
    assert recipe.runtime in registry.runtimes()
    for step in recipe.steps:
        spec = techniques[step.technique]
        assert step.version == spec.params.version
        spec.params.model_validate(step.params)
        assert spec.runtimes is None or recipe.runtime in spec.runtimes
