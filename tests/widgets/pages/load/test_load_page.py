"""The page "Under load": the question before, the figures after, the price of a person's own."""

from types import ModuleType
from typing import Any

import pytest
from PySide6.QtWidgets import QRadioButton
from read_page import words as text_of

from tests.widgets.qt_actions import child, emitted, press
from widgets.pages.load.cards import CostCard
from widgets.pages.load.page import LoadPage
from widgets.parts.fields import DecimalField


@pytest.fixture
def page(opened: Any) -> LoadPage:
    return opened(LoadPage, call="show_empty")


def test_ten_seconds_by_default(page: LoadPage, examples: ModuleType) -> None:
    """Given the question, Then the recommended version and ten seconds are chosen; another time is one click away."""
    page.show_question(examples.ask_load())
    assert press(page, "Start", page.start_requested) == ["a", 10.0, 0.0]
    minute = next(b for b in page.findChildren(QRadioButton) if b.text().startswith("60 "))
    minute.setChecked(True)
    assert press(page, "Start", page.start_requested) == ["a", 60.0, 0.0]
    page.show_question(examples.ask_load(chosen="", can_go_back=True))
    assert press(page, "Start", page.start_requested) == ["", 10.0, 0.0]
    press(page, "Back to the result", page.result_requested)


def test_a_limit_of_latency_is_a_persons_choice(page: LoadPage, examples: ModuleType) -> None:
    """Given the question, Then there is no limit until one is given, and that of the last measurement is there
    again."""
    page.show_question(examples.ask_load())
    field = next(f for f in page.findChildren(DecimalField) if f.suffix() == " ms")
    assert field.text() == "no limit"
    field.setValue(25)
    assert press(page, "Start", page.start_requested) == ["a", 10.0, 25.0]
    page.show_question(examples.ask_load(limit_ms=25.0))
    assert next(f for f in page.findChildren(DecimalField) if f.suffix() == " ms").value() == 25


def test_all_that_was_measured_can_be_read(page: LoadPage, examples: ModuleType) -> None:
    """Given a result, Then sentence, figures and cards are there."""
    page.show_value(examples.loaded())
    words = text_of(page)
    for text in ("2.1 times the original's", "this processor", "0.42 s", "half within 420 ms", "up to 31 %"):
        assert text in words
    assert "This computer does not tell how much energy it takes." in words


def test_a_price_of_ones_own(page: LoadPage, examples: ModuleType) -> None:
    """Given no price, Then nothing is assumed; typed or taken from an example it is reported, and the costs follow."""
    page.show_value(examples.loaded())
    assert "Nothing is assumed" in text_of(page) and "0.0353 USD" not in text_of(page)
    card = child(page, CostCard)
    assert emitted(page.price_changed, card.per_hour.setValue, 0.25) == [0.25, "USD", 50.0]
    assert press(page, "A small computer: 0.08 USD", page.example_chosen) == ["one"]
    page.setFocus()
    page.show_price(examples.priced())
    assert "0.0353 USD" in text_of(page) and "0.0168 USD" in text_of(page) and card.per_hour.value() == 0.0816
    page.show_price(examples.price())
    assert "0.0353 USD" not in text_of(page)
