"""Identify recipes by ids: titles may change, and recipes without ids still work."""

from pathlib import Path

import pytest

from presets.loader import load_preset, load_presets
from presets.own_presets import add_preset, save_preset
from presets.schema import Preset
from workers.contracts.specs import Recipe

PRESETS = load_presets().presets

OF_0_1 = """id: my-own
title: My own
summary: As version 0.1.0 wrote it.
expect: the same
how_long: about a minute
time_budget_s: 30
recipes:
- title: 16-bit numbers (BF16)
  runtime: openvino
  steps:
  - technique: bf16
- title: 16-bit numbers where they do no harm
  runtime: openvino
  only_if_failed:
  - 16-bit numbers (BF16)
  steps:
  - technique: precision_by_operator
- title: Meins
  id: INT8, all layers
  runtime: openvino
"""


@pytest.mark.parametrize("preset", PRESETS, ids=[preset.id for preset in PRESETS])
def test_shipped_recipes_have_unique_ids(preset: Preset) -> None:
    """Given a shipped preset, Then each recipe has an id that differs from its title, and conditions name such ids."""
    ids = [recipe.id for recipe in preset.recipes]
    assert len(set(ids)) == len(ids)
    assert all(recipe.id and recipe.id != recipe.title for recipe in preset.recipes)
    assert {name for r in preset.recipes for name in (*r.only_if_failed, *r.only_if_faster)} <= set(ids)


def test_shipped_id_has_one_title_in_all_presets() -> None:
    """Given two presets with a recipe of the same id, then it has the same title."""
    pairs = {(recipe.id, recipe.title) for preset in PRESETS for recipe in preset.recipes}
    assert len({recipe_id for recipe_id, _ in pairs}) == len(pairs)


def test_preset_of_0_1_0_uses_titles_as_ids(tmp_path: Path) -> None:
    """Given a preset without ids, Then titles are its ids, and conditions still find their recipes."""
    path = tmp_path / "old.yaml"
    path.write_text(OF_0_1, encoding="utf-8")
    preset = add_preset(path, tmp_path / "own")
    first, second, third = load_presets(tmp_path / "own").get(preset.id).recipes
    assert second.only_if_failed == (first.id,) == ("16-bit numbers (BF16)",)
    assert (third.title, third.id) == ("Meins", "INT8, all layers")
    assert preset.by_traits == ()


def test_saved_preset_keeps_ids_when_a_title_changes(tmp_path: Path) -> None:
    """Given a saved copy of Balanced, When a title in it is changed by hand, Then its conditions still hold."""
    balanced = load_presets().get("balanced")
    save_preset(balanced, "Mine", tmp_path)
    path = tmp_path / "mine.yaml"
    saved = load_preset(path)
    assert (saved.recipes, saved.by_traits) == (balanced.recipes, balanced.by_traits)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("title: BF16\n", "title: Halves\n"), encoding="utf-8")
    renamed = {recipe.id: recipe for recipe in load_preset(path).recipes}
    assert renamed["bf16"].title == "Halves" and "bf16" in renamed["weights-8"].only_if_failed


def test_own_recipes_replace_recipes_and_traits() -> None:
    """Given a person's own list of recipes, then nothing else is tried by its traits."""
    assert load_presets().get("balanced").with_recipes((Recipe(title="Mine"),)).by_traits == ()


def test_recipe_without_an_id_uses_its_title() -> None:
    assert Recipe(title="A").id == "A" == Recipe.model_validate_json('{"title": "A", "id": ""}').id
    assert Recipe(title="A", id="a").model_copy(update={"title": "B"}).id == "a"
