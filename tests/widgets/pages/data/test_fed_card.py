"""The card "What the model receives" of the page Data, in each of its states."""

from types import ModuleType
from typing import Any

import pytest
from PySide6.QtWidgets import QProgressBar
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import child
from widgets.pages.data.fed import FedCard, FedValue
from widgets.pages.data.page import DataPage
from widgets.parts.pictures import PictureLabel
from workers.contracts.data.fed import FedResult


@pytest.fixture
def page(opened: Any, examples: ModuleType) -> DataPage:
    return opened(DataPage, examples.data())


def card_of(page: DataPage) -> FedCard:
    card = page.findChild(FedCard)
    assert isinstance(card, FedCard)
    return card


def test_ranges_and_pictures_of_three_examples(page: DataPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given what was found, Then three examples come with their looks, shape, type and whole range, and how they were
    prepared; the pictures have names for those who do not see them."""
    page.show_fed(examples.fed(100))
    qtbot.wait(1)
    text = text_of(card_of(page))
    assert text.count("−2.12 to 2.64, mean\u00a0−0.031") == 3 and "1 × 3 × 224 × 224, float32" in text
    assert "Prepared: shorter side 256" in text and "unchanged" not in text
    pictures = card_of(page).findChildren(PictureLabel)
    assert len(pictures) == 3 and all(picture.accessibleName() for picture in pictures)


def test_what_speaks_against_it_is_seen(page: DataPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given arrays that go in unchanged and look like noise, Then both is reported."""
    page.show_fed(examples.fed(10_000))
    qtbot.wait(1)
    text = text_of(card_of(page))
    assert "Used unchanged" in text and "hardly differ" in text


def test_several_inputs_are_reported_by_name(page: DataPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a model of six inputs, Then four are shown with their names, and that there are more."""
    example = examples.fed_example("item 1", *(f"in{n}" for n in range(6)))
    page.show_fed(FedValue("done", FedResult(kind="arrays", preparation="", examples=(example,))))
    qtbot.wait(1)
    text = text_of(card_of(page))
    assert "in3: 1 × 3 × 224 × 224, float32" in text and "in4" not in text and "and 2 more inputs" in text
    assert card_of(page).findChildren(PictureLabel) == []


def test_it_waits_moves_on_and_shows_what_failed(page: DataPage, qtbot: QtBot) -> None:
    """Given measurements that go first, progress, then a failure, Then each is shown; the bar moves and is not made
    anew."""
    card = card_of(page)
    assert "as soon as nothing is being measured" in text_of(card)
    page.show_fed(FedValue("running", share=0.25))
    qtbot.wait(1)
    bar = child(card, QProgressBar)
    assert bar.value() == 250
    page.show_fed(FedValue("running", share=0.75))
    assert card.findChild(QProgressBar) is bar and bar.value() == 750
    page.show_fed(FedValue("failed", what="The model failed at one of the examples."))
    qtbot.wait(1)
    assert "The model failed" in text_of(card)


def test_made_inputs_have_no_such_card(opened: Any, examples: ModuleType) -> None:
    """Given inputs that Fettle makes, Then nothing is shown of them."""
    page = opened(DataPage, examples.made())
    page.show_fed(examples.fed(100))
    assert page.findChild(FedCard) is None
