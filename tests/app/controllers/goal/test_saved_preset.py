"""Test of a recipe that is edited on the page Goal and saved as the user's own preset."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot
from read_page import button
from records import make_project, open_page

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from presets.loader import load_presets
from widgets.main_window import MainWindow
from widgets.parts.card import ChoiceCard


def test_saved_preset_becomes_a_chosen_card(
    app_controller: AppController, window: MainWindow, space: Workspace, qtbot: QtBot
) -> None:
    """Given an edited recipe and limit, when it is saved under a name, then it is a chosen card and a file."""
    page = open_page(app_controller, "goal", make_project(space))
    first = page._value.recipes[:1]
    page.limit_changed.emit(2.5)
    page.recipes_changed.emit(first)
    page.show_recipes()
    name = next(field for field in page.findChildren(QLineEdit) if field.accessibleName() == "Name of your preset")
    save = button(page, "Save as my preset")
    assert not save.isEnabled()
    qtbot.keyClicks(name, "My shop")
    qtbot.mouseClick(save, Qt.MouseButton.LeftButton)
    saved = load_presets(space.paths.presets).get("my-shop")
    assert ([recipe.title for recipe in saved.recipes], saved.max_loss_pct) == ([first[0][0].title], 2.5)
    assert space.repositories.projects.get("p1").preset_id == "my-shop"
    assert app_controller.session.opened.recipes is None
    cards = {card.choice_id: card.property("chosen") for card in page.findChildren(ChoiceCard)}
    assert cards["my-shop"]
    assert window.top.preset.text() == "My shop"
