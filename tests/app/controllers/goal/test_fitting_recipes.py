"""Tests that the page Goal offers only what fits the model and this computer."""

import dataclasses
from typing import Any

import pytest
from flows import go
from PySide6.QtWidgets import QPushButton
from records import make_project, shown_page

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from widgets.main_window import MainWindow
from workers.contracts.planning import Instructions
from workers.contracts.wording import about


@pytest.mark.timeout(180)
def test_steps_for_texts_are_not_offered_for_pictures(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a model of pictures, then no recipe uses a step for texts, and only steps for pictures can be added."""
    app_controller.session.reopen(make_project(space))
    app_controller.session.set_described(go(space, describe()))
    page = shown_page(window, "goal")
    page.show_recipes()
    used = {step.technique for recipe, _ in page._value.recipes for step in recipe.steps}
    assert "length_buckets" not in used and "fixed_shape" in used
    menu = next(b.menu() for b in page.findChildren(QPushButton) if b.text() == "Add a step" and b.menu() is not None)
    offered = [action.text() for action in menu.actions()]
    assert "Length buckets" not in offered
    assert "Fixed input size" in offered and len(offered) > 10


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("arithmetic", "is_plain"), [(("fp32",), True), (("fp32", "bf16", "int8"), False), ((), False)]
)
def test_goal_promises_what_this_computer_allows(
    app_controller: AppController, window: MainWindow, space: Workspace, arithmetic: tuple[Any, ...], is_plain: bool
) -> None:
    """Given a processor without fast 8- and 16-bit arithmetic, then a smaller gain is shown and BF16 is not listed.
    There is one estimate of the time, and an unknown processor loses nothing."""
    app_controller.session.reopen(make_project(space))
    found = go(space, describe())
    rows = tuple(Instructions(name=one, title=one, arithmetic=one) for one in arithmetic)
    app_controller.session.set_described(found.model_copy(update={"instructions": rows, "cards": ()}))
    page = shown_page(window, "goal")
    value = page._value
    cards = {preset.id: preset for preset in value.presets}
    assert cards["balanced"].expect == ("often 1 to 2 times faster" if is_plain else "often 2 to 4 times faster")
    used = {step.technique for recipe, _ in value.recipes for step in recipe.steps}
    assert ("bf16" in used) is not is_plain
    time = about(cards[value.chosen].seconds)
    assert time in page._start.text() and value.expected.startswith(time)


def test_goal_promises_less_of_a_model_in_8_bits(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a model that is quantized already, then the large gain is not promised again."""
    session = app_controller.session
    session.reopen(make_project(space))
    info = session.opened.model.result.info.model_copy(update={"quantized": True})
    result = session.opened.model.result.model_copy(update={"info": info})
    session.opened.model = dataclasses.replace(session.opened.model, result=result)
    session.goal_changed.emit()
    page = shown_page(window, "goal")
    cards = {preset.id: preset for preset in page._value.presets}
    assert cards["balanced"].expect == "often 1 to 2 times faster"
