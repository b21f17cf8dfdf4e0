"""Fixture of the page Compare with the finished run of a test's own data folder."""

import pytest
from records import open_page

from app.controllers.app_controller import AppController
from widgets.pages.compare.page import ComparePage


@pytest.fixture
def page(app_controller: AppController) -> ComparePage:
    """Return the page as a user sees it after opening the project."""
    made = open_page(app_controller, "compare")
    assert made.state == "full"
    return made
