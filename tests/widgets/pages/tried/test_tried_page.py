"""The page "What was tried" by mouse, and what it shows."""

from types import ModuleType
from typing import Any

import pytest
from read_page import words as text_of

from widgets.pages.tried.page import TriedPage


@pytest.fixture
def page(opened: Any, examples: ModuleType) -> TriedPage:
    return opened(TriedPage, examples.tried())


def test_each_way_has_a_row_with_its_reason(page: TriedPage, examples: ModuleType) -> None:
    """Given a run's way, then title, why, what it gave and why not are there, and the forecast beside what came."""
    text, value = text_of(page), examples.tried()
    for cell in (cell for row in value.rows for cell in row):
        assert cell.text in text and cell.below in text
    assert all(sentence in text for _, _, sentence in value.said)
    assert all(part in text for row in value.forecast for part in row)
