"""The card Disk space of Settings: sizes by project, freeing, a limit."""

from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSpinBox
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import emitted, left_click, press, recorded
from widgets.pages.settings.page import SettingsPage
from widgets.pages.settings.storage import GB
from widgets.theme import Theme


@pytest.fixture
def page(theme: Theme, examples: ModuleType, shown: Any) -> SettingsPage:
    made = SettingsPage(theme)
    made.show_value(examples.settings())
    made.show_section(examples.storage())
    shown(made)
    return made


def limit_of(page: SettingsPage) -> QSpinBox:
    return next(box for box in page.findChildren(QSpinBox) if "Disk space" in box.accessibleName())


def free_button(page: SettingsPage) -> QPushButton:
    return next(one for one in page.findChildren(QPushButton) if one.text() == "Free space…")


def test_sizes_of_five_projects_are_shown_and_the_rest_on_request(page: SettingsPage, qtbot: QtBot) -> None:
    """Given seven projects and bytes of none, then the five largest are shown, and the others when they are opened; they
    stay open when sizes are counted again."""
    assert "2.4 GB stored. 730 MB of it can be freed." in text_of(page)
    assert "Clothes classifier" in text_of(page) and "1.2 GB" in text_of(page) and "Of no project" not in text_of(page)
    press(page, "3 more")
    qtbot.waitUntil(lambda: "Of no project" in text_of(page))
    assert "Old one (in the trash)" in text_of(page)


def test_free_space_is_requested_by_a_button_that_keeps_the_focus(page: SettingsPage, examples: ModuleType) -> None:
    """Given any state, then the button requests space and stays enabled: a disabled button would hand its focus to
    the next card, and the page would scroll away."""
    for value in (examples.storage(), examples.storage(freeable_bytes=0), examples.storage(state="freeing")):
        page.show_section(value)
        emitted(page.free_space_requested, left_click, free_button(page))


def test_limit_is_reported_in_bytes(page: SettingsPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a limit of 10 GB, when the field goes up and then to its special value, then bytes and None are reported;
    values that are shown anew report nothing and leave a field with the focus alone."""
    report = recorded(page.store_limit_changed)
    field = limit_of(page)
    assert field.value() == 10
    page.show_section(examples.storage(limit_bytes=None))
    assert field.text() == "no limit" and report == []
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert report == [GB]
    page.show_section(examples.storage())
    assert field.value() == 1
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert report == [GB, None]


def test_limit_below_what_is_needed_shows_it(page: SettingsPage, examples: ModuleType) -> None:
    """Given a limit of 1 GB and 1.7 GB that are needed, then the card states what to do."""
    page.show_section(examples.storage(limit_bytes=GB))
    assert "delete projects" in text_of(page)


def test_sizes_stay_when_settings_are_shown_anew(page: SettingsPage, examples: ModuleType) -> None:
    """Given sizes, when the settings are shown again, then the sizes are there."""
    page.show_value(examples.settings())
    assert "2.4 GB stored" in text_of(page)
