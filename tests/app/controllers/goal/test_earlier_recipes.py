"""Test of recipes that were edited in version 0.1.0, which referred to them by their titles."""

from records import make_project, open_page

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from app.services.projects.projects import RECIPES, OwnRecipes

OF_0_1 = [
    {"title": "Mine", "id": "16-bit numbers (BF16)", "runtime": "openvino", "steps": [{"technique": "bf16"}]},
    {
        "title": "16-bit numbers where they do no harm",
        "why": "Half the digits change some answers here.",
        "only_if_failed": ["16-bit numbers (BF16)"],
        "runtime": "openvino",
        "settings": {"num_threads": 1},
        "steps": [{"technique": "precision_by_operator"}],
    },
]


def test_renamed_old_recipe_keeps_conditions(app_controller: AppController, space: Workspace) -> None:
    """Given saved recipes without ids, when one is renamed, then conditions, settings and texts stay."""
    project = make_project(space)
    kept = OwnRecipes.model_validate({"recipes": OF_0_1})
    space.repositories.records.put(RECIPES, project.id, kept)
    page = open_page(app_controller, "goal", project)
    first, (second, is_enabled) = page._value.recipes
    page.recipes_changed.emit((first, (second.model_copy(update={"title": "Careful"}), is_enabled)))
    recipes = app_controller.session.opened.recipes
    assert (recipes[0].title, recipes[1].title) == ("Mine", "Careful")
    assert recipes[1].only_if_failed == (recipes[0].id,)
    assert (recipes[1].settings, recipes[1].why) == ({"num_threads": 1}, "Half the digits change some answers here.")
