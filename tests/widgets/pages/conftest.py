"""A light theme, the example values, and a function that shows a page in the smallest window's content area."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
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
    """All modules of examples under one name; they are no package, so they are loaded by their paths."""
    whole = load("page_examples", "examples.py")
    names = "data results hub trying answers load stress looking projects monitor releases"
    for name in names.split():
        for key, value in vars(load(f"page_{name}", f"example_{name}.py")).items():
            if not key.startswith("_"):
                setattr(whole, key, value)
    return whole


def load(name: str, file: str) -> ModuleType:
    """A module that lies next to this one."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(file))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


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
