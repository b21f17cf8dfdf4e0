"""What the page Goal offers to change in a recipe goes with what the model takes in."""

from typing import Any

import pytest
from desk import make_project
from PySide6.QtWidgets import QPushButton

from app.controllers.app_controller import AppController
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.machine.describing import describe
from widgets.main_window import MainWindow


@pytest.mark.timeout(180)
def test_what_is_for_texts_is_not_offered_for_pictures(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a model of pictures, When its recipes are looked at, Then no version is made for lengths of texts and no
    such step can be added, while steps for pictures can."""
    app_controller.session.reopen(make_project(space))
    app_controller.session.set_described(run_to_end(Driver(space, describe(), ignore)))
    window.show_page("goal")
    page: Any = window.page("goal")
    page.show_recipes()
    used = {step.technique for recipe in page._value.recipes for step in recipe.steps}
    assert "length_buckets" not in used and "fixed_shape" in used
    menu = next(b.menu() for b in page.findChildren(QPushButton) if b.text() == "Add a step" and b.menu() is not None)
    offered = [action.text() for action in menu.actions()]
    assert "Length buckets" not in offered
    assert "Fixed input size" in offered and len(offered) > 10
