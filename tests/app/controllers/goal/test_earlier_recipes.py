"""Recipes that a person changed in version 0.1.0, which named them by their titles, are changed once more."""

import dataclasses

from desk import make_project

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from widgets.main_window import MainWindow
from widgets.pages.goal.page import GoalPage

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


def test_old_recipes_keep_what_they_wait_for(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given recipes that were kept without ids, When one gets another title, Then conditions, settings and words stay."""
    project = make_project(space)
    space.repositories.settings.put(f"recipes:{project.id}", OF_0_1)  # type: ignore[arg-type]
    app_controller.session.reopen(project)
    window.show_page("goal")
    page = window.page("goal")
    assert isinstance(page, GoalPage)
    first, second = page._value.recipes
    page.recipes_changed.emit((first, dataclasses.replace(second, title="Careful")))
    kept = app_controller.session.recipes
    assert kept is not None
    assert (kept[0].title, kept[1].title) == ("Mine", "Careful")
    assert kept[1].only_if_failed == (kept[0].id,)
    assert (kept[1].settings, kept[1].why) == ({"num_threads": 1}, "Half the digits change some answers here.")
