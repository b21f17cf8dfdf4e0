"""A light theme, the example values, and a function that shows a page in the smallest window's content area."""

import importlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.parts.page import Page
from widgets.theme import Theme

Shown = Callable[..., None]


@pytest.fixture(scope="session")
def examples() -> ModuleType:
    """All example values."""
    return join_examples()


def join_examples() -> ModuleType:
    """Return one module with the names of all modules of examples."""
    whole = ModuleType("all_examples")
    names = "data results hub trying answers load stress looking projects monitor releases"
    for name in ("examples", *(f"example_{name}" for name in names.split())):
        vars(whole).update(vars(importlib.import_module(name)))
    return whole


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    """Put a page on the screen.

    It is kept until Qt has deleted it: a page without a parent whose last reference sits in a slot of a
    child would be deleted a second time while that child goes.
    """
    kept: list[Page] = []

    def show(page: Page, width: int = 1072, height: int = 714) -> None:
        kept.append(page)
        qtbot.addWidget(page)
        page.resize(width, height)
        with qtbot.waitExposed(page):
            page.show()
        page.activateWindow()  # a bare X server has no window manager that would
        QApplication.processEvents()

    yield show
    kept.clear()


@pytest.fixture
def opened(theme: Theme, shown: Shown) -> Callable[..., Any]:
    """Put a new page with a value on the screen; `call` is the page's function that shows the value, `size` in pixels."""

    def open_page(
        kind: Callable[[Theme], Page], *value: Any, call: str = "show_value", size: Any = (), **named: Any
    ) -> Page:
        page = kind(theme)
        if value or call != "show_value":
            getattr(page, call)(*value, **named)
        shown(page, *size)
        return page

    return open_page
